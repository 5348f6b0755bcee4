"""A threshold moves only where the questions without an answer show that it may, or that it must."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.evaluation.metrics import at_most
from qa.evaluation.scaling import MAX_OFFSET, MAX_SCALE
from qa.evaluation.thresholds import logit_of, threshold_from
from qa.index.calibration import sigmoid

logits = st.lists(st.floats(-30, 30), min_size=1, max_size=150)


def spread(count: int) -> list[float]:
    """Log-odds from -3 to 3, evenly."""
    return [-3 + 6 * number / (count - 1) for number in range(count)]


def reached(unanswerable: list[float], threshold: float) -> int:
    return sum(logit >= threshold for logit in unanswerable)


def test_59_questions_certify_five_percent_by_letting_none_through() -> None:
    found = threshold_from(spread(59), 0.0, 0.05, 59)
    assert found.evidence == "certified"
    assert reached(spread(59), found.logit) == 0


def test_more_questions_certify_the_rate_with_some_let_through() -> None:
    found = threshold_from(spread(500), 2.9, 0.05, 500)
    assert found.evidence == "certified"
    assert reached(spread(500), found.logit) == 16
    assert at_most(16, 500) <= 0.05 < at_most(17, 500)


def test_too_few_questions_leave_the_live_threshold_where_it_is() -> None:
    assert threshold_from(spread(58), 2.95, 0.05, 58) == (2.95, "kept")
    assert threshold_from([-4.0] * 20, 2.0, 0.05, 20) == (2.0, "kept"), "it is never lowered without a certificate"


def test_a_live_threshold_that_plainly_breaks_the_rate_is_raised_by_few_questions_too() -> None:
    found = threshold_from(spread(30), 0.0, 0.05, 30)
    assert found.evidence == "raised"
    assert reached(spread(30), found.logit) == 1, "one in thirty keeps five percent"


def test_a_certified_live_threshold_is_never_raised() -> None:
    unanswerable = [-5.0] * 200
    found = threshold_from(unanswerable, -4.9999, 0.05, 200)
    assert found == (-4.9999, "certified")


def test_a_rate_of_nothing_is_never_certified_and_one_of_everything_always() -> None:
    assert threshold_from(spread(1_000), math.inf, 0.0, 1_000) == (math.inf, "kept")
    assert threshold_from(spread(5), 1.0, 1.0, 5) == (-math.inf, "certified")


def test_a_question_without_passages_is_never_let_through() -> None:
    found = threshold_from([-math.inf] * 100, 2.0, 0.05, 100)
    assert sigmoid(MAX_SCALE * found.logit - MAX_OFFSET) > 0, "whatever scales it"


@given(logits, st.floats(-10, 10), st.sampled_from([0.0, 0.02, 0.05, 0.2, 0.5]))
def test_what_is_certified_keeps_the_rate_and_nothing_else_goes_down(
    unanswerable: list[float], live: float, rate: float
) -> None:
    found = threshold_from(unanswerable, live, rate, len(unanswerable))
    if found.evidence == "certified":
        assert at_most(reached(unanswerable, found.logit), len(unanswerable)) <= rate
    else:
        assert found.logit >= live
        assert (found.logit == live) is (found.evidence == "kept")


def test_a_certificate_holds_for_other_questions_nineteen_times_in_twenty() -> None:
    """Of thresholds that 100 questions certified at 10 %, hardly one lets through more of all others."""
    draws = random.Random(3)
    runs, broken = 400, 0
    for _ in range(runs):
        found = threshold_from([draws.gauss(0, 1) for _ in range(100)], 0.0, 0.1, 100)
        broken += 0.5 * math.erfc(found.logit / math.sqrt(2)) > 0.1
    assert broken / runs < 0.075


@given(st.floats(1e-6, 1 - 1e-6))
def test_log_odds_are_those_of_the_confidence(confidence: float) -> None:
    assert sigmoid(logit_of(confidence)) == pytest.approx(confidence)
    assert (logit_of(0.0), logit_of(1.0)) == (-math.inf, math.inf)
