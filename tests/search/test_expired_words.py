"""From the day on which a document expires its words count for nothing, as after a build without it."""

import datetime

import pytest

from qa.records import Answer
from tests.support.clinic import CEMENT, RISKS, TODAY, Clinic

TOMORROW = TODAY + datetime.timedelta(1)
CAMP = """# Asthma camp

The asthma camp opens its gates in June. Pulmonary function testing (PFT) is done there. Inhaler training is free.
"""
PARKING = """# Parking

Parking is free in the north garage. The garage opens at six.
"""
QUESTIONS = (
    "When does the asthma camp open?",
    "How long until the cement hardens?",
    "what is a pft",
    "Is inhailer training free?",
    "is pulmonery testing free in the garage",
    "campp gates",
    "Parking?",
)


@pytest.fixture
def clinic(empty_clinic: Clinic) -> Clinic:
    """A clinic of which one document expires tomorrow."""
    for path, text in (("cement.md", CEMENT), ("risks.md", RISKS), ("parking.md", PARKING), ("camp.md", CAMP)):
        empty_clinic.add(path, text)
    empty_clinic.approve("camp.md", expires_on=TOMORROW)
    empty_clinic.build()
    return empty_clinic


def what_is_said(answer: Answer) -> tuple[object, ...]:
    """The answer but for scores and confidence, which the passages in BM25's statistics still move a little."""
    return answer.outcome, answer.not_covered_terms, answer.read_as, [quote.text for quote in answer.quotes]


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_has_expired_is_as_unknown_as_after_a_build_without_it(clinic: Clinic, question: str) -> None:
    engine = clinic.engine()
    clinic.today = TOMORROW
    before = engine.ask(question)
    clinic.build()
    assert engine.reload() == "taken_up"
    assert what_is_said(before) == what_is_said(engine.ask(question))


def test_an_expired_documents_words_are_named_as_not_covered_and_corrected_toward_no_more(clinic: Clinic) -> None:
    engine = clinic.engine()
    assert engine.ask("asthmma camp").read_as
    clinic.today = TOMORROW
    answer = engine.ask("asthmma camp")
    assert not answer.read_as
    assert answer.not_covered_terms == ("asthmma", "camp")


def test_as_long_as_nothing_has_expired_the_index_is_the_one_that_was_opened(clinic: Clinic) -> None:
    generation = clinic.engine().searcher().generation
    opened = generation.audiences["patient"]
    assert generation.audience_on("patient", TODAY) is opened
    after = generation.audience_on("patient", TOMORROW)
    assert after is not opened
    assert after is generation.audience_on("patient", TOMORROW + datetime.timedelta(9)), "it is made once"
    assert generation.audience_on("patient", TODAY) is opened, "a clock may be put back"


def test_the_words_left_are_those_of_an_index_built_without_the_expired_document(clinic: Clinic) -> None:
    left = clinic.engine().searcher().generation.audience_on("patient", TOMORROW)
    clinic.today = TOMORROW
    clinic.build()
    built = clinic.engine().searcher().generation.audiences["patient"]
    assert left.vocabulary == built.vocabulary
    for term in left.terms.terms_of(f"{CAMP}\n{PARKING}\n{CEMENT}\n{RISKS}"):
        assert left.terms.document_frequency(term) == built.terms.document_frequency(term), term
    for phrase in ("asthma camp", "north garage", "pulmonary function", "bone cement"):
        assert left.says(phrase) == built.says(phrase)
