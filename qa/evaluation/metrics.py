"""How good confidences are, as numbers: pure functions of confidences and of what was true."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

BINS = 10


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
