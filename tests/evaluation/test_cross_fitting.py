"""No question is judged by a fit to itself."""

import math
import random

import pytest

from qa.evaluation.cross_fitting import Row, cross_fitted, standing
from qa.evaluation.metrics import Rate
from qa.index.calibration import sigmoid


def drawn(count: int, scale: float = 1.0, seed: int = 0) -> list[Row]:
    """Rows whose log-odds are `scale` times the true ones."""
    draws = random.Random(seed)
    rows = []
    for _ in range(count):
        true = draws.uniform(-3, 3)
        answerable = draws.random() < sigmoid(true)
        rows.append(Row(scale * true, answerable, answerable))
    return rows


def test_a_question_changes_the_fit_of_the_others_and_not_its_own() -> None:
    rows = drawn(60)
    turned = rows[7]._replace(right=not rows[7].right)
    before, _ = cross_fitted(rows, 1.0, 0.05)
    after, _ = cross_fitted([*rows[:7], turned, *rows[8:]], 1.0, 0.05)
    assert after[7] == before[7]
    assert sum(one != other for one, other in zip(before, after, strict=True)) > 40


def test_the_same_questions_are_judged_the_same() -> None:
    assert cross_fitted(drawn(80), 0.5, 0.1) == cross_fitted(drawn(80), 0.5, 0.1)


def test_a_threshold_that_was_taken_elsewhere_lets_some_through() -> None:
    """By a threshold taken on the same questions, none of 100 could pass at 1 %."""
    rows = [row._replace(answerable=False) for row in drawn(300, seed=5)] + drawn(20)
    _, answered = cross_fitted(rows, 10.0, 0.05)
    assert 0 < sum(answered[:300]) <= 15


def test_confidences_that_are_too_sure_do_better_on_other_folds_after_the_fit() -> None:
    rows = drawn(200, scale=4.0)
    now = standing(rows, [row.logit for row in rows], [True] * 200)
    fitted = standing(rows, *cross_fitted(rows, 0.0, 0.05))
    assert fitted.log_loss.value < 0.8 * now.log_loss.value
    assert fitted.ece.value < now.ece.value
    assert fitted.log_loss.interval.low < fitted.log_loss.value < fitted.log_loss.interval.high


def test_a_question_without_passages_counts_as_silence_and_not_in_the_log_loss() -> None:
    rows = [Row(-math.inf, False, False), Row(1.0, True, True), Row(-1.0, False, False)]
    found = standing(rows, [row.logit for row in rows], [False, True, False])
    assert found.log_loss.n == 2
    assert found.log_loss.value == pytest.approx(math.log1p(math.exp(-1)))
    assert found.ece.n == 3
    assert (found.answered, found.false_answers) == (Rate(1, 1), Rate(0, 2))


@pytest.mark.parametrize(
    ("answered", "false_answers", "is_dominated"),
    [(7, 2, True), (8, 3, True), (7, 1, False), (9, 3, False), (8, 2, False)],
)
def test_what_answers_less_and_gains_no_silence_is_worse(answered: int, false_answers: int, is_dominated: bool) -> None:
    found = standing([Row(1.0, True, True)], [1.0], [True])._replace(answered=Rate(8, 10), false_answers=Rate(2, 10))
    other = found._replace(answered=Rate(answered, 10), false_answers=Rate(false_answers, 10))
    assert other.is_dominated_by(found) is is_dominated
