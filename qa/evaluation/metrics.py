"""How good answers and confidences are, as numbers with their uncertainty: pure functions of what was counted."""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

Row = TypeVar("Row")
BINS = 10
DOUBT = 0.05
"""Every bound holds with a probability of one minus this."""
RESAMPLES = 1_000
ROUGH_BELOW = 100
"""An expected calibration error of fewer questions is a rough figure: ten bins hold ten of them each, or fewer."""
FINE_FROM = 200
"""From so many trials on, a percentage is worth a decimal."""


class Interval(NamedTuple):
    """Two bounds with the true value between them, with 95 % confidence."""

    low: float
    high: float


class Rate(NamedTuple):
    """How many of some trials came out one way, 0 <= `successes` <= `trials`."""

    successes: int
    trials: int

    @property
    def share(self) -> float | None:
        """In [0, 1]; None of no trials."""
        return self.successes / self.trials if self.trials else None

    def __str__(self) -> str:
        """As in "3 of 58, 5 % (1–14 %)"; a dash for no trials."""
        if not self.trials:
            return "–"
        low, high = interval(*self)
        decimals = 1 if self.trials >= FINE_FROM else 0
        share, least, most = (f"{100 * value:.{decimals}f}" for value in (self.successes / self.trials, low, high))
        return f"{self.successes} of {self.trials}, {share} % ({least}–{most} %)"


class Bin(NamedTuple):
    """The confidences in `[lower, lower + 0.1)`, 1.0 being in the last bin.

    `confidence` is their mean, `right` the share of them that were right; both are 0.0 in an empty bin.
    """

    lower: float
    size: int
    confidence: float
    right: float


class OperatingPoint(NamedTuple):
    """What a threshold would give: the shares of answerable and of unanswerable questions that are answered."""

    threshold: float
    answered: float
    false_answers: float


def interval(successes: int, trials: int) -> Interval:
    """The exact two-sided 95 % interval of a rate in [0, 1] (Clopper and Pearson, Biometrika 26, 1934).

    Of no trials it is all of [0, 1]. Raises ValueError unless 0 <= `successes` <= `trials`.
    """
    return Interval(_lower(successes, trials, DOUBT / 2), _upper(successes, trials, DOUBT / 2))


def at_most(successes: int, trials: int) -> float:
    """What a rate in [0, 1] does not exceed, with 95 % confidence: the exact one-sided bound; 0 of 59 show 5 %.

    It is below the end of `interval`, which errs to either side. It also holds for the share beyond a threshold that
    was put just above one of the trials, so long as its place in their order was chosen beforehand (Wilks, Annals of
    Mathematical Statistics 12, 1941). Raises ValueError unless 0 <= `successes` <= `trials`.
    """
    return _upper(successes, trials, DOUBT)


def at_least(successes: int, trials: int) -> float:
    """What a rate in [0, 1] reaches, with 95 % confidence: the exact one-sided bound.

    Raises ValueError unless 0 <= `successes` <= `trials`.
    """
    return _lower(successes, trials, DOUBT)


def most_successes(rate: float, trials: int) -> int | None:
    """How many of the trials may succeed while `at_most` keeps the rate; None where even none of them is too many."""
    allowed = (count for count in range(int(rate * trials), -1, -1) if at_most(count, trials) <= rate)
    return next(allowed, None)


def trials_needed(rate: float) -> int | None:
    """With how many trials and no success `at_most` keeps a rate in [0, 1]: 59 for 0.05. None for a rate of 0."""
    if rate <= 0:
        return None
    return 1 if rate >= 1 - DOUBT else math.ceil(math.log(DOUBT) / math.log1p(-rate))


def resampled(measure: Callable[[Sequence[Row]], float], rows: Sequence[Row]) -> Interval:
    """The 95 % interval of a measure by resampling its rows, at least one, always the same way (Efron, 1979)."""
    draws = random.Random(0)  # noqa: S311 - nothing is kept secret by it
    values = sorted(measure(draws.choices(rows, k=len(rows))) for _ in range(RESAMPLES))
    edge = int(RESAMPLES * DOUBT / 2)
    return Interval(values[edge], values[-edge - 1])


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """The chance that one of `positives` lies above one of `negatives`, ties counting half, in [0, 1].

    That is the area under the ROC curve (Hanley and McNeil, Radiology 143, 1982). None if either is empty.
    """
    if not positives or not negatives:
        return None
    ordered = sorted(negatives)
    halves = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in positives)
    return halves / (2 * len(positives) * len(negatives))


def reliability(confidences: Sequence[float], right: Sequence[bool]) -> tuple[Bin, ...]:
    """Ten bins of equal width over [0, 1], from the lowest; `right` says of each confidence whether it was borne out.

    Raises ValueError when the two differ in length.
    """
    members: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for confidence, was_right in zip(confidences, right, strict=True):
        members[min(int(confidence * BINS), BINS - 1)].append((confidence, was_right))
    return tuple(
        Bin(
            lower=number / BINS,
            size=len(pairs),
            confidence=sum(confidence for confidence, _ in pairs) / len(pairs) if pairs else 0.0,
            right=sum(was_right for _, was_right in pairs) / len(pairs) if pairs else 0.0,
        )
        for number, pairs in enumerate(members)
    )


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """How far a bin's mean confidence lies from its share of right ones, weighted by size, in [0, 1].

    Naeini, Cooper and Hauskrecht, AAAI 2015; Guo et al., ICML 2017. None when all bins are empty.
    """
    total = sum(item.size for item in bins)
    return sum(item.size * abs(item.right - item.confidence) for item in bins) / total if total else None


def operating_points(answerable: Sequence[float], unanswerable: Sequence[float]) -> tuple[OperatingPoint, ...]:
    """What each threshold that makes a difference would give, from answering little to answering everything.

    A threshold of `t` answers at a confidence of `t` or more, so both shares grow along the points. Empty if either is.
    """
    if not answerable or not unanswerable:
        return ()
    covered, wrong = sorted(answerable), sorted(unanswerable)
    return tuple(
        OperatingPoint(
            threshold,
            (len(covered) - bisect_left(covered, threshold)) / len(covered),
            (len(wrong) - bisect_left(wrong, threshold)) / len(wrong),
        )
        for threshold in sorted({*covered, *wrong}, reverse=True)
    )


def _lower(successes: int, trials: int, doubt: float) -> float:
    from scipy.special import betaincinv

    _check_counts(successes, trials)
    return float(betaincinv(successes, trials - successes + 1, doubt)) if successes else 0.0


def _upper(successes: int, trials: int, doubt: float) -> float:
    from scipy.special import betaincinv

    _check_counts(successes, trials)
    return float(betaincinv(successes + 1, trials - successes, 1 - doubt)) if successes < trials else 1.0


def _check_counts(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials}")
