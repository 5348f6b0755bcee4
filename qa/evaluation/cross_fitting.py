"""What a calibration is worth on questions that it was not fitted to: a row is judged by a fit to the other folds."""

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

from qa.evaluation.metrics import Interval, Rate, expected_calibration_error, reliability, resampled
from qa.evaluation.scaling import fit_scaling, log_loss
from qa.evaluation.thresholds import threshold_from
from qa.index.calibration import sigmoid

FOLDS = 10


class Row(NamedTuple):
    """A labelled question under the live calibration: its log-odds (-inf where there is no passage to weigh), whether
    the first three passages hold its answer, and whether it has one."""

    logit: float
    right: bool
    answerable: bool

    @property
    def is_weighed(self) -> bool:
        return self.logit > -math.inf


class Mean(NamedTuple):
    """A mean over `n` questions, with its 95 % interval by resampling them."""

    value: float
    n: int
    interval: Interval


class Standing(NamedTuple):
    """How a calibration does on labelled questions. `log_loss` leaves out those without a passage; 0 is best of it and
    of `ece`, the expected calibration error."""

    log_loss: Mean
    ece: Mean
    answered: Rate
    false_answers: Rate

    def is_dominated_by(self, other: "Standing") -> bool:
        """Whether it answers fewer of the answerable or more of the others than `other`, and gains nothing for it."""
        answered, false = self.answered.successes, self.false_answers.successes
        answered_there, false_there = other.answered.successes, other.false_answers.successes
        no_better = answered <= answered_there and false >= false_there
        return no_better and (answered, false) != (answered_there, false_there)


def standing(rows: Sequence[Row], logits: Sequence[float], answered: Sequence[bool]) -> Standing:
    """That of a calibration which gives the rows these log-odds and answers these of them; one must have a passage."""
    weighed = [(logit, row.right) for row, logit in zip(rows, logits, strict=True) if row.is_weighed]
    claims = [(sigmoid(logit), row.right) for row, logit in zip(rows, logits, strict=True)]
    outcomes = [(row.answerable, quoted) for row, quoted in zip(rows, answered, strict=True)]
    with_answer = [quoted for answerable, quoted in outcomes if answerable]
    without = [quoted for answerable, quoted in outcomes if not answerable]
    return Standing(
        Mean(log_loss(weighed), len(weighed), resampled(log_loss, weighed)),
        Mean(_calibration_error(claims), len(claims), resampled(_calibration_error, claims)),
        Rate(sum(with_answer), len(with_answer)),
        Rate(sum(without), len(without)),
    )


def cross_fitted(rows: Sequence[Row], live: float, rate: float) -> tuple[list[float], list[bool]]:
    """The log-odds of each row, and whether it is answered, by the scaling and threshold of the nine other folds.

    `live` is the log-odds of the live threshold. The folds hold alike many answerable questions, and are always the
    same for the same rows. Raises CheckFailed should a fit not converge.
    """
    folds = _folds(rows)
    sample = sum(not row.answerable for row in rows)
    logits, answered = [0.0] * len(rows), [False] * len(rows)
    for fold in range(FOLDS):
        others = [row for row, its in zip(rows, folds, strict=True) if its != fold]
        fitted = [row for row in others if row.is_weighed]
        scaling = fit_scaling([row.logit for row in fitted], [row.right for row in fitted])
        unanswerable = [row.logit for row in others if not row.answerable]
        threshold = threshold_from(unanswerable, live, rate, sample)
        for number in (number for number, its in enumerate(folds) if its == fold):
            logits[number] = scaling(rows[number].logit)
            answered[number] = rows[number].logit >= threshold.logit
    return logits, answered


def _folds(rows: Sequence[Row]) -> list[int]:
    """The number of each row's fold."""
    draws = random.Random(0)  # noqa: S311 - nothing is kept secret by it
    folds = [0] * len(rows)
    for answerable in (True, False):
        numbers = [number for number, row in enumerate(rows) if row.answerable is answerable]
        draws.shuffle(numbers)
        for place, number in enumerate(numbers):
            folds[number] = place % FOLDS
    return folds


def _calibration_error(claims: Sequence[tuple[float, bool]]) -> float:
    bins = reliability([confidence for confidence, _ in claims], [right for _, right in claims])
    return expected_calibration_error(bins) or 0.0
