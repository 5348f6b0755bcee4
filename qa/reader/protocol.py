"""What a reader is: a cross-encoder that judges a question and a passage together.

Vectors that are made apart can say that two texts are about the same; only a model that reads both can say whether one
answers the other (cross-encoders: Nogueira and Cho, 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from qa.records import Span


@dataclass(frozen=True, slots=True)
class ReadablePassage:
    """A passage as it is read: `context` (title, headings) stands before `text`, which `sentences` are spans of."""

    context: str
    text: str
    sentences: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reader makes of a passage: log-odds that it answers, and for each sentence that it is needed for that.

    A sentence beyond what the model reads has the log-odds of minus infinity.
    """

    answers: float
    sentences: tuple[float, ...]


class Reader(Protocol):
    """Judges passages. A verdict depends on one question and one passage alone, to the bit."""

    @property
    def sha256(self) -> str:
        """What identifies the model: a calibration holds for one alone."""
        ...

    def load(self) -> None:
        """Loads the model now, if it is not loaded yet; raises ModelUnavailable when it cannot be."""
        ...

    def read(self, question: str, passage: ReadablePassage) -> Verdict:
        """Raises what `load` raises: ModelUnavailable."""
        ...
