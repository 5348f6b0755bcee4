"""Signals → a probability, calibrated on labelled questions, in a JSON file that people can read."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from qa.errors import InvalidSetting
from qa.records import Signals

PACKAGED = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Signals → probability that the first passages answer, by logistic regression.

    `thresholds` maps a false-answer rate to the confidence that keeps it on the questions that it was measured on.
    """

    weights: Mapping[str, float]
    bias: float
    thresholds: tuple[tuple[float, float], ...]
    source: str

    def confidence(self, signals: Signals) -> float:
        """In [0, 1]."""
        total = self.bias + sum(weight * getattr(signals, name) for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-total)) if total > -700 else 0.0

    def threshold(self, max_false_answer_rate: float) -> float:
        """The least confidence that keeps the rate; 1 where none that was measured does."""
        return min((threshold for rate, threshold in self.thresholds if rate <= max_false_answer_rate), default=1.0)


def read_calibration(path: Path) -> Calibration:
    """Raises InvalidSetting when the file is none, or names signals that this version does not have."""
    try:
        content = json.loads(path.read_text("utf-8"))
        weights = {str(name): float(weight) for name, weight in content["weights"].items()}
        thresholds = tuple((float(rate), float(threshold)) for rate, threshold in content["thresholds"])
        calibration = Calibration(weights, float(content["bias"]), thresholds, str(content["source"]))
        numbers = [*weights.values(), calibration.bias, *(number for pair in thresholds for number in pair)]
        if not all(map(math.isfinite, numbers)):
            raise ValueError("NaN or infinite")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"The calibration {path} cannot be used: {type(error).__name__}."
        raise InvalidSetting(reason, "Restore or remove it, then run `qa build`.") from None
    unknown = set(weights) - {field.name for field in fields(Signals)}
    if unknown:
        reason = f"The calibration {path} weighs a signal that is not there: {min(unknown)}."
        raise InvalidSetting(reason, "Restore or remove it, then run `qa build`.")
    return calibration
