"""A clinic's own questions fit its calibration, which lies beside its documents for the next build."""

import json
import math
import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.errors import InvalidRequest, NoIndex, UnknownAudience
from qa.evaluation.calibrate import calibrate, recalibrated
from qa.evaluation.cross_fitting import Row
from qa.evaluation.judging import LabelledQuestion
from qa.evaluation.scaling import UNCHANGED
from qa.index.calibration import PACKAGED, Calibration, parse_calibration, read_calibration, sigmoid
from tests.support.clinic import TODAY, Clinic

ANSWERABLE = ("How long until the cement hardens?", "What is PMMA?", "What are the risks?", "Bleeding?", "Infection?")
UNANSWERABLE = ("Who won the world cup?", "best pizza", "flu shots", "python lists", "How tall is Everest?")


def labelled(answerable: tuple[str, ...], unanswerable: tuple[str, ...]) -> list[LabelledQuestion]:
    answered = [LabelledQuestion(text, text, re.compile(".")) for text in answerable]
    return [*answered, *(LabelledQuestion(text, text, None) for text in unanswerable)]


def test_the_calibration_is_written_for_the_next_build_and_says_what_it_was_fitted_to(clinic: Clinic) -> None:
    engine = clinic.engine()
    before = engine.searcher().generation.calibration
    fitted = calibrate(engine, labelled(ANSWERABLE, UNANSWERABLE), "patient", clinic.settings.corpus, TODAY, 0.05)
    assert fitted.file == clinic.settings.corpus / "calibration.json"
    assert read_calibration(fitted.file) == fitted.calibration != before
    assert fitted.calibration.source == f"qa calibrate, {fitted.questions} questions, {TODAY}"
    assert fitted.questions == 10
    assert clinic.build().published
    assert clinic.engine().searcher().generation.calibration == fitted.calibration


def test_too_few_questions_of_a_kind_leave_the_calibration_as_it_was(clinic: Clinic) -> None:
    before = (clinic.settings.corpus / "calibration.json").read_bytes()
    with pytest.raises(InvalidRequest, match="5 of each are needed"):
        calibrate(
            clinic.engine(), labelled(ANSWERABLE, UNANSWERABLE[:4]), "patient", clinic.settings.corpus, TODAY, 0.05
        )
    assert (clinic.settings.corpus / "calibration.json").read_bytes() == before


def test_without_an_index_or_for_an_audience_that_is_not_served_nothing_is_fitted(clinic: Clinic) -> None:
    questions, corpus = labelled(ANSWERABLE, UNANSWERABLE), clinic.settings.corpus
    with pytest.raises(UnknownAudience):
        calibrate(clinic.engine(serve_audiences=("patient",)), questions, "staff", corpus, TODAY, 0.05)
    with pytest.raises(NoIndex):
        calibrate(clinic.elsewhere("nowhere").engine(), questions, "patient", corpus, TODAY, 0.05)


LIVE = read_calibration(PACKAGED)


def rows(unanswerable: int, scale: float = 1.0, answerable: int = 60, seed: int = 11) -> list[Row]:
    """Rows of a clinic whose true log-odds are those of the live calibration divided by `scale`."""
    draws = random.Random(seed)
    found: list[Row] = []
    while sum(row.answerable for row in found) < answerable or sum(not row.answerable for row in found) < unanswerable:
        true = draws.gauss(0, 2)
        right = draws.random() < sigmoid(true)
        if sum(row.answerable is right for row in found) < (answerable if right else unanswerable):
            found.append(Row(scale * true, right, right))
    return found


def live_with(*thresholds: tuple[float, float]) -> Calibration:
    return replace(LIVE, thresholds=thresholds)


def test_confidences_that_are_too_sure_become_honest_on_questions_apart() -> None:
    found = recalibrated(live_with((0.05, 0.99)), rows(80, scale=5.0), 0.05, "test")
    assert found.is_better
    assert 0.1 < found.scaling.scale < 0.4
    assert found.fitted.log_loss.value < 0.7 * found.now.log_loss.value
    assert found.fitted.ece.value < 0.6 * found.now.ece.value


def test_enough_questions_certify_the_threshold() -> None:
    found = recalibrated(live_with((0.05, 0.5)), rows(200), 0.05, "test")
    assert (found.evidence, found.is_certified) == ("certified", True)
    assert found.false_answers.trials == 200
    assert found.threshold == found.calibration.threshold(0.05) > 0.5


def test_a_small_clinic_gets_honest_confidences_and_answers_what_it_did() -> None:
    """Of 28 questions none is answered falsely, which shows 10 % at best."""
    few = rows(28, scale=3.0)
    live = live_with((0.05, sigmoid(max(row.logit for row in few if not row.answerable) + 0.5)))
    found = recalibrated(live, few, 0.05, "test")
    assert (found.is_better, found.evidence, found.is_certified) == (True, "kept", False)
    assert 0.09 < found.at_most < 0.11
    assert found.threshold == found.same_as_now
    assert found.fitted.answered == found.now.answered
    assert found.fitted.log_loss.value < found.now.log_loss.value


def test_a_small_clinic_whose_questions_plainly_break_the_rate_gets_more_silence() -> None:
    found = recalibrated(live_with((0.05, 0.3)), rows(28), 0.05, "test")
    assert (found.evidence, found.is_certified) == ("raised", False)
    assert found.threshold > found.same_as_now
    assert found.false_answers.successes <= 1 < found.now.false_answers.successes


def test_what_is_no_better_on_questions_apart_is_told_to_be_so() -> None:
    """Labels by the throw of a coin, and confidences that say one half: nothing can be learnt."""
    draws = random.Random(2)
    coins = [Row(draws.uniform(-0.05, 0.05), right, right) for right in [True, False] * 15]
    live = live_with((0.05, 0.9))
    found = recalibrated(live, coins, 0.05, "test")
    assert (found.is_better, found.evidence) == (False, "kept")
    assert found.scaling == UNCHANGED
    assert found.threshold == pytest.approx(live.threshold(0.05))
    assert found.fitted.log_loss.value >= found.now.log_loss.value, "it says what was tried"


def test_the_wanted_rate_stands_in_the_table_and_stricter_ones_are_never_below_it() -> None:
    found = recalibrated(live_with((0.0, 0.6), (0.3, 0.2), (1.0, 0.0)), rows(300), 0.035, "test")
    table = dict(found.calibration.thresholds)
    assert table[0.035] == found.threshold > 0
    assert table[0.0] >= table[0.02] >= table[0.035] >= table[0.05] >= table[0.3] >= table[1.0] == 0


@given(
    st.lists(st.tuples(st.floats(-200, 200), st.booleans(), st.booleans()), max_size=30),
    st.lists(st.floats(-200, 200), min_size=5, max_size=20),
    st.lists(st.floats(-200, 200), min_size=5, max_size=20),
    st.sampled_from([0.0, 0.05, 0.2, 1.0]),
)
@settings(max_examples=25)
def test_whatever_the_questions_the_calibration_is_finite_and_can_be_read(
    others: list[tuple[float, bool, bool]], answerable: list[float], unanswerable: list[float], rate: float
) -> None:
    drawn = [Row(logit, right and has_one, has_one) for logit, right, has_one in others]
    drawn += [Row(logit, True, True) for logit in answerable] + [Row(logit, False, False) for logit in unanswerable]
    found = recalibrated(LIVE, drawn, rate, "test")
    assert parse_calibration(json.dumps(found.calibration.as_json()).encode(), PACKAGED) == found.calibration
    assert found.scaling.scale > 0
    if found.evidence != "certified":
        assert found.threshold >= found.same_as_now
    table = [threshold for _, threshold in found.calibration.thresholds]
    assert table == sorted(table, reverse=True)


def test_a_question_without_passages_counts_among_those_that_are_not_answered() -> None:
    silent = [Row(-math.inf, False, False)] * 40
    found = recalibrated(LIVE, rows(30) + silent, 0.05, "test")
    assert found.false_answers.trials == 70
    with pytest.raises(InvalidRequest, match="4 unanswerable"):
        recalibrated(LIVE, rows(4) + silent, 0.05, "test")


def test_nothing_is_written_where_nothing_is_better(clinic: Clinic) -> None:
    """Ten questions that are all answered as they should be, by a calibration that is sure of it."""
    sure = {"weights": {"least_tokens": 60.0}, "bias": -30.0, "thresholds": [[0.05, 0.5]], "source": "sure"}
    clinic.write("calibration.json", json.dumps(sure))
    clinic.build()
    before = (clinic.settings.corpus / "calibration.json").read_bytes()
    fitted = calibrate(
        clinic.engine(), labelled(ANSWERABLE, UNANSWERABLE), "patient", clinic.settings.corpus, TODAY, 0.05
    )
    assert fitted.file is None
    assert not fitted.result.is_better
    assert (clinic.settings.corpus / "calibration.json").read_bytes() == before
