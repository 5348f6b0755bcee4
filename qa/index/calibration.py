"""Calibration: signals → a probability, fitted to labelled questions, in a JSON file that people can read."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from qa.errors import InvalidSetting
from qa.records import Signals

PACKAGED = Path(__file__).with_name("calibration.json")
RATES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
ABOVE = 1e-4


@dataclass(frozen=True, slots=True)
class Calibration:
    """Signals → probability that the first passages answer, by logistic regression.

    `thresholds` maps a false-answer rate to the confidence that keeps it on the questions that it was measured on.
    """

    weights: Mapping[str, float]
    bias: float
    thresholds: tuple[tuple[float, float], ...]
    source: str
    reader_sha256: str = ""

    @property
    def reads(self) -> bool:
        """Whether passages must be read for it, by the reader that `reader_sha256` names."""
        return "reader" in self.weights

    def confidence(self, signals: Signals) -> float:
        """In [0, 1]."""
        return sigmoid(self.logit(signals))

    def logit(self, signals: Signals) -> float:
        """The log-odds that `confidence` is made of."""
        return self.bias + math.fsum(weight * getattr(signals, name) for name, weight in self.weights.items())

    def threshold(self, max_false_answer_rate: float) -> float:
        """The least confidence that keeps the rate; 1 where none that was measured does."""
        return min((threshold for rate, threshold in self.thresholds if rate <= max_false_answer_rate), default=1.0)

    def as_json(self) -> dict[str, object]:
        """The JSON object that `read_calibration` reads back."""
        return {
            "source": self.source,
            "weights": dict(self.weights),
            "bias": self.bias,
            "thresholds": [list(pair) for pair in self.thresholds],
        } | ({"reader_sha256": self.reader_sha256} if self.reads else {})


def thresholds_for(unanswerable: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """For each rate, the least confidence that no more than that share of unanswerable questions reaches."""
    falling = sorted(unanswerable, reverse=True)
    allowed = ((rate, int(rate * len(falling))) for rate in RATES)
    return tuple(
        (rate, min(1.0, round(falling[count] + ABOVE, 4)) if count < len(falling) else 0.0) for rate, count in allowed
    )


def sigmoid(logit: float) -> float:
    """The probability in [0, 1] of some log-odds."""
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def read_calibration(path: Path) -> Calibration:
    """Raises InvalidSetting when the file is no calibration, or names signals that this version does not have."""
    try:
        return parse_calibration(path.read_bytes(), path)
    except OSError as error:
        raise _unusable(path, error) from None


def parse_calibration(data: bytes, path: Path) -> Calibration:
    """The calibration in the bytes of the file `path`.

    Raises InvalidSetting when they are none, or name signals that this version does not have.
    """
    try:
        content = json.loads(data.decode("utf-8-sig"))
        weights = {str(name): float(weight) for name, weight in content["weights"].items()}
        thresholds = tuple((float(rate), float(threshold)) for rate, threshold in content["thresholds"])
        reader_sha256 = str(content.get("reader_sha256", ""))
        calibration = Calibration(weights, float(content["bias"]), thresholds, str(content["source"]), reader_sha256)
        numbers = [*weights.values(), calibration.bias, *(number for pair in thresholds for number in pair)]
        if not all(map(math.isfinite, numbers)):
            raise ValueError("NaN or infinite")
        if not weights or not all(0 <= number <= 1 for pair in thresholds for number in pair):
            raise ValueError("no weights, or a rate or threshold that is no share")
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise _unusable(path, error) from None
    unknown = set(weights) - {field.name for field in fields(Signals)}
    if unknown:
        reason = f"The calibration {path} weighs a signal that is not there: {min(unknown)}."
        raise InvalidSetting(reason, "Restore or remove it, then run `qa build`.")
    return calibration


def _unusable(path: Path, error: Exception) -> InvalidSetting:
    reason = f"The calibration {path} cannot be used: {type(error).__name__}."
    return InvalidSetting(reason, "Restore or remove it, then run `qa build`.")
