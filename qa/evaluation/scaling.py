"""Platt scaling: the scale and offset that make a calibration's confidences come true, held near those that it has.

A ridge holds them there (scale 1, offset 0), so that a few questions move them little, and questions that a confidence
separates wholly don't send them to infinity. The loss is convex in both, and is minimised within bounds by bisection
alone: there is no step that could diverge. Platt, Advances in Large Margin Classifiers, 1999.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qa.errors import CheckFailed
from qa.index.calibration import Calibration

RIDGE = 2.0
"""Weighs as much as some eight questions that lie close to the threshold."""
MIN_SCALE, MAX_SCALE = 0.05, 20.0
MAX_OFFSET = 20.0
SCALE_DECIMALS, OFFSET_DECIMALS = 3, 3
DIGITS = 12
"""Of a weight: with fewer, the proportions of the weights would change, and with them the order of the confidences."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Log-odds → log-odds: `scale`, which is above 0, times them plus `offset`. It turns no order round."""

    scale: float = 1.0
    offset: float = 0.0

    def __call__(self, logit: float) -> float:
        return self.scale * logit + self.offset

    def applied_to(
        self, calibration: Calibration, thresholds: tuple[tuple[float, float], ...], source: str
    ) -> Calibration:
        """The calibration whose log-odds are those of `calibration`, scaled, with other thresholds and source."""
        weights = {name: _plain(self.scale * weight) for name, weight in calibration.weights.items()}
        return Calibration(weights, _plain(self(calibration.bias)), thresholds, source, calibration.reader_sha256)


UNCHANGED = Scaling()


def fit_scaling(logits: Sequence[float], right: Sequence[bool]) -> Scaling:
    """The scaling with the least log loss and ridge; `right` says of each finite logit whether it was borne out.

    Without rows it is UNCHANGED. Raises CheckFailed should the search not converge.
    """
    import numpy as np
    from scipy.optimize import brentq, minimize_scalar
    from scipy.special import expit

    values, targets = np.array(logits, float), np.array(right, float)

    def offset_for(scale: float) -> float:
        def slope(offset: float) -> float:
            return float(np.sum(expit(scale * values + offset) - targets) + RIDGE * offset)

        if slope(-MAX_OFFSET) >= 0:
            return -MAX_OFFSET
        return MAX_OFFSET if slope(MAX_OFFSET) <= 0 else float(brentq(slope, -MAX_OFFSET, MAX_OFFSET))

    def loss(scale: float) -> float:
        offset = offset_for(scale)
        scaled = scale * values + offset
        wrong = float(np.sum(np.logaddexp(0, scaled) - targets * scaled))
        return wrong + RIDGE / 2 * ((scale - 1) ** 2 + offset**2)

    found = minimize_scalar(loss, bounds=(MIN_SCALE, MAX_SCALE), method="bounded", options={"xatol": 1e-6})
    if not found.success:
        raise CheckFailed("The fit of scale and offset did not converge.", "Check the questions for wrong labels.")
    scale = round(float(found.x), SCALE_DECIMALS)
    return Scaling(scale, round(offset_for(scale), OFFSET_DECIMALS))


def log_loss(rows: Sequence[tuple[float, bool]]) -> float:
    """The mean of -log of the probability given to what came true, over at least one (logit, right); 0 is best."""
    return math.fsum(_softplus(-logit if right else logit) for logit, right in rows) / len(rows)


def _softplus(value: float) -> float:
    """log(1 + e^value), without overflow."""
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))


def _plain(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
