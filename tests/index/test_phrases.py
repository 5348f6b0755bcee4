"""A phrase is said where its words stand next to each other in one sentence, heading or title, up to inflections."""

import datetime

import pytest

from qa.index.generation import AudienceIndex
from tests.support.clinic import TODAY, Clinic

TEXT = """# Breathing tests

Bring the tablet for your blood pressure, and any medicine. Your blood-pressure tablets are kept for you.

Take this with water. Pills come later.

## Sleep studies at home

- a mask
- fitting takes an hour

We press on the skin: pressure marks fade.
"""


@pytest.fixture
def index(empty_clinic: Clinic) -> AudienceIndex:
    empty_clinic.add("breathing.md", TEXT)
    empty_clinic.add("staff/desk.md", "# Desk\n\nThe door code is secret.\n", "staff")
    empty_clinic.build()
    return empty_clinic.engine().searcher().generation.audience_on("patient", TODAY)


@pytest.mark.parametrize(
    "phrase",
    [
        "blood pressure tablet",
        "Blood Pressure Tablets",
        "blood pressure",
        "sleep study",
        "breathing test",
        "press on the skins",
        "fitting",
    ],
)
def test_words_next_to_each_other_are_said_whatever_their_inflection(index: AudienceIndex, phrase: str) -> None:
    assert index.says(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "blood pressure medicine",  # its words are there, apart
        "water pill",  # two sentences
        "mask fitting",  # two items of a list
        "skin pressure",  # a colon
        "tests bring",  # a heading and what follows
        "door code",  # for staff
        "pressure blood",
        "",
        "…",
    ],
)
def test_words_that_stand_apart_are_not_said(index: AudienceIndex, phrase: str) -> None:
    assert not index.says(phrase)


def test_what_has_expired_says_no_phrase(empty_clinic: Clinic) -> None:
    clinic = empty_clinic
    clinic.add("breathing.md", TEXT)
    clinic.approve("breathing.md", expires_on=TODAY + datetime.timedelta(1))
    clinic.add("mask.md", "# Masks\n\nA sleep study needs a mask.\n")
    clinic.build()
    generation = clinic.engine().searcher().generation
    before, after = (generation.audience_on("patient", TODAY + datetime.timedelta(days)) for days in (0, 1))
    assert before.says("sleep study")
    assert before.says("blood pressure tablet")
    assert after.says("sleep study")
    assert not after.says("blood pressure tablet")
