"""Scale and offset come out finite and in order, whatever the questions are, and near 1 and 0 where those are few."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.evaluation.scaling import MAX_OFFSET, MAX_SCALE, MIN_SCALE, UNCHANGED, Scaling, fit_scaling, log_loss
from qa.index.calibration import PACKAGED, read_calibration, sigmoid
from qa.records import Signals

rows = st.lists(st.tuples(st.floats(-1e3, 1e3), st.booleans()), max_size=60)


def fit(pairs: list[tuple[float, bool]]) -> Scaling:
    return fit_scaling([logit for logit, _ in pairs], [right for _, right in pairs])


def scaled(scaling: Scaling, pairs: list[tuple[float, bool]]) -> list[tuple[float, bool]]:
    return [(scaling(logit), right) for logit, right in pairs]


@given(rows)
def test_whatever_the_questions_the_fit_is_finite_and_turns_no_order_round(pairs: list[tuple[float, bool]]) -> None:
    scaling = fit(pairs)
    assert MIN_SCALE <= scaling.scale <= MAX_SCALE
    assert -MAX_OFFSET <= scaling.offset <= MAX_OFFSET
    rising = sorted(logit for logit, _ in pairs)
    for lower, higher in itertools.pairwise(rising):
        assert scaling(lower) <= scaling(higher)
        assert sigmoid(scaling(lower)) <= sigmoid(scaling(higher))


@given(rows.filter(bool))
def test_on_its_own_questions_a_fit_is_never_worse_than_none(pairs: list[tuple[float, bool]]) -> None:
    fitted, unchanged = log_loss(scaled(fit(pairs), pairs)), log_loss(pairs)
    assert fitted <= unchanged + 0.01 * (1 + unchanged), "but for what rounding costs"


def test_questions_that_are_separated_wholly_move_the_scale_a_little() -> None:
    parted = [(level, level > 0) for level in (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)] * 3
    scaling = fit(parted)
    assert 1 < scaling.scale < 4
    assert abs(scaling.offset) < 0.1


def test_labels_that_go_against_the_confidence_make_it_say_little_and_not_the_opposite() -> None:
    turned = [(level, level < 0) for level in (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)] * 50
    assert fit(turned).scale == MIN_SCALE


def test_one_question_far_out_does_not_carry_the_others_off() -> None:
    plain = [(1.0, True), (-1.0, False), (0.5, True), (-0.5, True), (0.2, False), (-2.0, False)] * 5
    near, far = fit(plain), fit([*plain, (-600.0, False)])
    assert far.scale == pytest.approx(near.scale, abs=0.1)
    assert far.offset == pytest.approx(near.offset, abs=0.1)


def test_confidences_that_are_too_sure_are_brought_back() -> None:
    draws = random.Random(7)
    true = [draws.uniform(-2, 2) for _ in range(2_000)]
    pairs = [(3 * logit + 1, draws.random() < sigmoid(logit)) for logit in true]
    scaling = fit(pairs)
    assert scaling.scale == pytest.approx(1 / 3, abs=0.05)
    assert scaling.offset == pytest.approx(-1 / 3, abs=0.1)


def test_without_questions_nothing_changes() -> None:
    assert fit([]) == UNCHANGED


def test_a_scaled_calibration_gives_the_scaled_log_odds_and_keeps_the_proportions() -> None:
    live = read_calibration(PACKAGED)
    after = Scaling(0.371, -1.25).applied_to(live, ((0.05, 0.5),), "test")
    signals = Signals(*[0.4] * len(Signals.__slots__))
    assert after.logit(signals) == pytest.approx(0.371 * live.logit(signals) - 1.25)
    assert (after.source, after.thresholds) == ("test", ((0.05, 0.5),))
    assert {name: weight / 0.371 for name, weight in after.weights.items()} == pytest.approx(dict(live.weights))


def test_the_log_loss_is_that_of_the_definition_and_stays_finite() -> None:
    assert log_loss([(0.0, True), (0.0, False)]) == pytest.approx(math.log(2))
    assert log_loss([(2.0, True)]) == pytest.approx(-math.log(sigmoid(2.0)))
    assert log_loss([(-5_000.0, True)]) == 5_000
