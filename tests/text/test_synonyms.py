"""The editor's synonyms, and the lay words of the package."""

import hashlib
from pathlib import Path

import pytest

from qa.errors import InvalidSynonyms
from qa.text.synonyms import SameWords, Synonyms, load_synonyms, packaged_lay_words
from qa.text.words import Found, key_of

GOOD = """# what patients say
[[same]]
words = ["kyphoplasty", "balloon surgery", "spine cement surgery"]

[[same]]
words = ["blood thinner", "anticoagulant"]
kinds = ["Eliquis", "warfarin"]
"""


def load(tmp_path: Path, content: str | bytes) -> Synonyms:
    path = tmp_path / "synonyms.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_synonyms(path)


def read_as(synonyms: Synonyms, phrase: str) -> list[tuple[str, ...]]:
    return [found.read_as for found in synonyms.table.find(key_of(phrase))]


def test_each_phrase_is_read_as_the_others_of_its_group_and_a_kind_as_any_of_the_words(tmp_path: Path) -> None:
    synonyms = load(tmp_path, GOOD)
    assert synonyms.groups[0] == SameWords(("kyphoplasty", "balloon surgery", "spine cement surgery"))
    assert read_as(synonyms, "Balloon surgeries") == [("kyphoplasty", "spine cement surgery")]
    assert read_as(synonyms, "kyphoplasty") == [("balloon surgery", "spine cement surgery")]
    assert read_as(synonyms, "anticoagulants") == [("blood thinner",)]
    assert read_as(synonyms, "eliquis") == [("blood thinner", "anticoagulant")]
    assert read_as(synonyms, "balloon") == []
    assert synonyms.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()


def test_a_phrase_in_which_a_word_means_something_else_is_read_as_nothing(tmp_path: Path) -> None:
    synonyms = load(tmp_path, '[[same]]\nwords = ["plaster cast", "cast"]\nunless = ["cast of the play"]')
    assert synonyms.groups == (SameWords(("plaster cast", "cast"), (), ("cast of the play",)),)
    assert read_as(synonyms, "casts") == [("plaster cast",)]
    assert () in read_as(synonyms, "cast of the play")


def test_the_words_of_all_phrases_are_found_when_they_are_misspelt(tmp_path: Path) -> None:
    synonyms = load(tmp_path, GOOD)
    assert synonyms.spelling.nearest("surgerry") == "surgery"
    assert synonyms.spelling.nearest("antikoagulants") == "anticoagulants"
    assert synonyms.spelling.nearest("wafarin") == "warfarin"


def test_a_file_that_does_not_exist_holds_none(tmp_path: Path) -> None:
    assert load_synonyms(tmp_path / "synonyms.toml") == Synonyms()
    assert load(tmp_path, "") == Synonyms()


def test_a_file_as_windows_writes_it_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()).groups == load(tmp_path, GOOD).groups


@pytest.mark.parametrize(
    ("content", "explanation"),
    [
        ("words = [", "not TOML"),
        (b"\xff", "not TOML"),
        ('[[sane]]\nwords = ["a", "b"]', "unknown key 'sane'"),
        ('[same]\nwords = ["a", "b"]', "single brackets"),
        ('[[same]]\nword = ["a", "b"]', "entry 1: unknown key 'word'"),
        ('[[same]]\nwords = "a, b"', "entry 1: words must be a list of texts"),
        ('[[same]]\nwords = ["a", 2]', "entry 1: words must be a list of texts"),
        ('[[same]]\nwords = ["a"]', "entry 1: a group has the word"),
        ("[[same]]\nwords = []", "entry 1: a group has the word"),
        ('[[same]]\nkinds = ["a", "b"]', "entry 1: a group has the word"),
        ('[[same]]\nwords = ["a", "b"]\n[[same]]\nwords = ["c", " - "]', "entry 2: ' - ' holds no word"),
        ('[[same]]\nwords = ["a", "X ray"]\n[[same]]\nwords = ["c", "x-ray"]', "'x-ray' stands in entry 1 already"),
        ('[[same]]\nwords = ["a", "b", "A"]', "entry 1: 'A' stands in entry 1 already"),
        ('same = ["a"]', "entry 1: it is no table"),
    ],
)
def test_what_would_have_no_effect_is_refused_with_file_and_entry(
    tmp_path: Path, content: str | bytes, explanation: str
) -> None:
    with pytest.raises(InvalidSynonyms) as caught:
        load(tmp_path, content)
    assert explanation in caught.value.message
    assert "synonyms.toml" in caught.value.message
    assert caught.value.remedy


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSynonyms, match="cannot be read"):
        load_synonyms(tmp_path)


def test_the_packaged_lay_words_are_whole() -> None:
    lay_words = packaged_lay_words()
    assert len(lay_words.groups) >= 150
    assert ("myocardial infarction",) in read_as(lay_words, "heart attacks")
    assert ("anticoagulant", "blood thinner", "blood thinning medicine") in read_as(lay_words, "Xarelto")


def test_no_packaged_lay_word_is_a_mere_inflection_of_another() -> None:
    lay_words = packaged_lay_words()
    phrases = [phrase for group in lay_words.groups for phrase in (*group.words, *group.kinds)]
    twice = [phrase for phrase in phrases if len({f.phrase for f in found_whole(lay_words, phrase)}) > 1]
    assert twice == []


def found_whole(synonyms: Synonyms, phrase: str) -> list[Found]:
    row = key_of(phrase)
    return [found for found in synonyms.table.find(row) if found.last - found.first == len(row)]
