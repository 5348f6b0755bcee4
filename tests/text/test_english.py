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


@pytest.mark.parametrize(
    "heading",
    """
    Don't|Don’t|Do|Do's and don'ts|Do not take|Not allowed|Avoid|Never|When not to come|Call 911 if|Stop|Myths
    You may|Only if|Before you come:|What not to do|Foods to avoid|You cannot catch nits|Can I eat?|When to call
    Who should not have it|Children can go to school|Medicines to keep taking|If you feel worse|❌ Bathing
    Is it safe?|Unless told otherwise
    """.strip()
    .replace("\n", "|")
    .split("|"),
)
def test_a_heading_that_may_turn_what_stands_below_is_known(heading: str) -> None:
    assert english.TURNS_WHAT_FOLLOWS.search(heading.strip())


@pytest.mark.parametrize(
    "heading",
    ["Common risks", "After the procedure", "How kyphoplasty can help you", "When will I know?", "Donations", "Notes"],
)
def test_a_heading_that_only_names_what_follows_is_none(heading: str) -> None:
    assert not english.TURNS_WHAT_FOLLOWS.search(heading)
