"""A clinic's own questions fit its calibration, which lies beside its documents for the next build."""

import re

import pytest

from qa.errors import InvalidRequest, NoIndex, UnknownAudience
from qa.evaluation.calibrate import calibrate
from qa.evaluation.judging import LabelledQuestion
from qa.index.calibration import read_calibration
from tests.support.clinic import TODAY, Clinic

ANSWERABLE = ("How long until the cement hardens?", "What is PMMA?", "What are the risks?", "Bleeding?", "Infection?")
UNANSWERABLE = ("Who won the world cup?", "best pizza", "flu shots", "python lists", "How tall is Everest?")


def labelled(answerable: tuple[str, ...], unanswerable: tuple[str, ...]) -> list[LabelledQuestion]:
    answered = [LabelledQuestion(text, text, re.compile(".")) for text in answerable]
    return [*answered, *(LabelledQuestion(text, text, None) for text in unanswerable)]


def test_the_calibration_is_written_for_the_next_build_and_says_what_it_was_fitted_to(clinic: Clinic) -> None:
    engine = clinic.engine()
    before = engine.searcher().generation.calibration
    fitted = calibrate(engine, labelled(ANSWERABLE, UNANSWERABLE), "patient", clinic.settings.corpus, TODAY)
    assert fitted.file == clinic.settings.corpus / "calibration.json"
    assert read_calibration(fitted.file) == fitted.calibration != before
    assert fitted.calibration.source == f"qa calibrate, {fitted.questions} questions, {TODAY}"
    assert fitted.questions == 10
    assert clinic.build().published
    assert clinic.engine().searcher().generation.calibration == fitted.calibration


def test_too_few_questions_of_a_kind_leave_the_calibration_as_it_was(clinic: Clinic) -> None:
    before = (clinic.settings.corpus / "calibration.json").read_bytes()
    with pytest.raises(InvalidRequest, match="5 of each are needed"):
        calibrate(clinic.engine(), labelled(ANSWERABLE, UNANSWERABLE[:4]), "patient", clinic.settings.corpus, TODAY)
    assert (clinic.settings.corpus / "calibration.json").read_bytes() == before


def test_without_an_index_or_for_an_audience_that_is_not_served_nothing_is_fitted(clinic: Clinic) -> None:
    questions, corpus = labelled(ANSWERABLE, UNANSWERABLE), clinic.settings.corpus
    with pytest.raises(UnknownAudience):
        calibrate(clinic.engine(serve_audiences=("patient",)), questions, "staff", corpus, TODAY)
    with pytest.raises(NoIndex):
        calibrate(clinic.elsewhere("nowhere").engine(), questions, "patient", corpus, TODAY)
