"""The threshold that a sample of questions without an answer supports: it moves on evidence alone.

All is said in log-odds of the live calibration: a scaling turns no order round, so what is shown holds after it.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from qa.evaluation.metrics import at_least, at_most, most_successes

MARGIN = 1e-3
"""By how much, in log-odds, a threshold lies above a question that is not to be answered."""
NEVER_REACHED = -30.0
"""What a question without passages, whose confidence is 0, stays below, however this is scaled."""

Evidence = Literal["certified", "raised", "kept"]


class Threshold(NamedTuple):
    """The log-odds from which text is quoted (infinite for always and never), and what it rests on.

    "certified": the sample shows, with 95 % confidence, that it keeps the rate. "raised": the sample is too small for
    that, yet shows that the live threshold does not keep it. "kept": it shows neither, so the live one stays.
    """

    logit: float
    evidence: Evidence


def threshold_from(unanswerable: Sequence[float], live: float, rate: float, sample: int) -> Threshold:
    """The least threshold that is shown to keep the rate, or else the live one, raised if it is shown to break it.

    `unanswerable` are log-odds, at least one, of `sample` questions or of a part of them; a part is taken to be like
    the whole. `live` is the log-odds of the live threshold.
    """
    falling = sorted(unanswerable, reverse=True)
    part = len(falling) / sample
    reached = round(sum(logit >= live for logit in falling) / part)
    allowed = most_successes(rate, sample)
    if allowed is not None:
        lowest = _just_above(falling, round(allowed * part))
        return Threshold(min(lowest, live) if at_most(reached, sample) <= rate else lowest, "certified")
    if at_least(reached, sample) > rate:
        return Threshold(max(live, _just_above(falling, round(int(rate * sample) * part))), "raised")
    return Threshold(live, "kept")


def logit_of(confidence: float) -> float:
    """The log-odds of a confidence in [0, 1]; infinite at its ends."""
    if confidence <= 0:
        return -math.inf
    return math.log(confidence) - math.log1p(-confidence) if confidence < 1 else math.inf


def _just_above(falling: Sequence[float], count: int) -> float:
    """What no more than `count` of the log-odds reach."""
    return max(falling[count] + MARGIN, NEVER_REACHED) if count < len(falling) else -math.inf
