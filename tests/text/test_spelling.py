"""Which word of the documents a misspelt one stands for."""

import pytest

from qa.text.spelling import SpellingIndex, american_spelling, slips_between, sound_of, within_slips

WORDS = """kyphoplasty vertebroplasty hemophilia anesthesia osteoporosis vertebra pneumonia hypokalemia symptomatic
    surgery infection bleeding patient patients needle stomach collapse collapses therapy swelling pain""".split()
INDEX = SpellingIndex(dict.fromkeys(WORDS, 1))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("kyfoplasty", "kyphoplasty"),
        ("kifoplasti", "kyphoplasty"),
        ("kyhpoplasty", "kyphoplasty"),
        ("hemophelia", "hemophilia"),
        ("haemophilia", "hemophilia"),
        ("anasthesia", "anesthesia"),
        ("anaesthesia", "anesthesia"),
        ("osteoperosis", "osteoporosis"),
        ("vertibra", "vertebra"),
        ("nuemonia", "pneumonia"),
        ("stomack", "stomach"),
        ("sergery", "surgery"),
        ("nfection", "infection"),
        ("swellling", "swelling"),
    ],
)
def test_a_misspelling_is_understood(typed: str, meant: str) -> None:
    assert INDEX.nearest(typed) == meant


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("hyperkalemia", "the opposite"),
        ("asymptomatic", "the opposite"),
        ("vertebrotomy", "another operation"),
        ("osteonecrosis", "another disease"),
        ("physio", "nothing near"),
        ("pian", "too short"),
        ("b12345", "not letters"),
        ("", "empty"),
        ("боль в спине", "another script"),
    ],
)
def test_a_word_that_may_be_meant_is_left_alone(typed: str, reason: str) -> None:
    assert INDEX.nearest(typed) is None, reason


def test_of_equally_near_words_the_more_frequent_is_taken_then_the_first_by_alphabet() -> None:
    assert SpellingIndex({"barbers": 1, "barkers": 1}).nearest("baruers") == "barbers"
    assert SpellingIndex({"barbers": 1, "barkers": 2}).nearest("baruers") == "barkers"


def test_a_short_word_with_another_letter_is_left_alone() -> None:
    assert SpellingIndex({"spine": 9}).nearest("swine") is None


def test_a_far_word_is_not_taken_when_another_is_as_near() -> None:
    assert SpellingIndex({"painting": 1}).nearest("palntimg") == "painting"
    assert SpellingIndex({"painting": 5, "planting": 1}).nearest("palntimg") is None


def test_a_limit_narrows_the_search() -> None:
    assert INDEX.nearest("anaesthesia", 0.5) == "anesthesia"
    assert INDEX.nearest("hemophelia", 0.5) is None


def test_words_sound_the_same_however_they_are_spelt() -> None:
    assert sound_of("kyphoplasty") == sound_of("kifoplasti")
    assert sound_of("pneumonia") == sound_of("neumonia")
    assert sound_of("anaesthesia") == sound_of("anesthesia")
    assert sound_of("") == ""


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("haemorrhage", "hemorrhage"),
        ("colours", "colors"),
        ("centre", "center"),
        ("organised", "organized"),
        ("hospitalisation", "hospitalization"),
        ("sulphate", "sulfate"),
        ("catheter", "catheter"),
    ],
)
def test_british_spellings_have_american_ones(british: str, american: str) -> None:
    assert american_spelling(british) == american
    assert american_spelling(american) == american


@pytest.mark.parametrize(("typed", "other"), [("cystoscopy", "colonoscopy"), ("bronchitis", "bursitis")])
def test_terms_that_share_their_ending_are_not_confused(typed: str, other: str) -> None:
    assert SpellingIndex({other: 9}).nearest(typed) is None


def test_slips_are_counted_and_words_within_some_are_found_in_their_order() -> None:
    assert slips_between("stent", "stnet") == 1
    assert slips_between("stent", "tents") == 2
    assert within_slips("stent", ["spent", "vent", "stent", "sternum"], 1) == ["spent", "stent"]
