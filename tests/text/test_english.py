"""The word lists are looked up by a word's key, and the pattern of a number by whole words."""

import re

import pytest

from qa.text import english
from qa.text.words import key_of

LISTS = {name: words for name, words in vars(english).items() if isinstance(words, frozenset)}


@pytest.mark.parametrize("name", LISTS)
def test_each_word_of_a_list_is_one_that_a_text_can_hold(name: str) -> None:
    assert [word for word in LISTS[name] if key_of(word) != (word,)] == []


@pytest.mark.parametrize("number", ["3", "1,500", "2.5", "half", "twelve", "several"])
def test_a_number_is_known_in_digits_and_in_words(number: str) -> None:
    assert re.fullmatch(english.NUMBER, number)
    assert not re.fullmatch(english.NUMBER, f"{number}th")
