"""How well a reader tells answers from near misses, and marks the sentences that are needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa.evaluation.metrics import auroc, operating_points
from qa.reader.protocol import Reader, Verdict
from scripts.reader.rows import Row

RATES = (0.05, 0.10, 0.15, 0.20)
"""The shares of near misses that are answered at the thresholds that `Figures.answered` is given for."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a reader makes of some rows, all shares in [0, 1]; `auroc` is None unless there are rows of both kinds.

    `answered` holds, for each of RATES, the share of the answerable rows that are answered at it. `sentence_f1` is over
    all sentences of answerable rows, and `best_right` is the share of these whose best sentence is needed; both are 0.0
    without any.
    """

    rows: int
    auroc: float | None
    answered: Mapping[float, float]
    sentence_f1: float
    best_right: float


def measure(reader: Reader, rows: Sequence[Row]) -> Figures:
    """Reads each row alone, as the product does. Raises ModelUnavailable when the reader cannot be loaded."""
    verdicts = [reader.read(row.question, row.passage.readable) for row in rows]
    answerable = [verdict.answers for verdict, row in zip(verdicts, rows, strict=True) if row.answered]
    near = [verdict.answers for verdict, row in zip(verdicts, rows, strict=True) if not row.answered]
    points = operating_points(answerable, near)
    answered = {
        rate: max((point.answered for point in points if point.false_answers <= rate), default=0.0) for rate in RATES
    }
    f1, best_right = _sentences([(verdict, row) for verdict, row in zip(verdicts, rows, strict=True) if row.needed])
    return Figures(len(rows), auroc(answerable, near), answered, f1, best_right)


def marked(verdict: Verdict) -> set[int]:
    """The numbers of the sentences that are likelier needed than not, or else of the likeliest one."""
    best = max(range(len(verdict.sentences)), key=verdict.sentences.__getitem__)
    return {number for number, score in enumerate(verdict.sentences) if score > 0} or {best}


def _sentences(pairs: Sequence[tuple[Verdict, Row]]) -> tuple[float, float]:
    """F1 of the marked sentences, and how often the best one is needed."""
    if not pairs:
        return 0.0, 0.0
    both = sum(len(marked(verdict) & set(row.needed)) for verdict, row in pairs)
    either = sum(len(marked(verdict)) + len(row.needed) for verdict, row in pairs)
    best = sum(verdict.sentences.index(max(verdict.sentences)) in row.needed for verdict, row in pairs)
    return 2 * both / either, best / len(pairs)
