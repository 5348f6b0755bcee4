"""Answerability: which of the best passages answer, by reading each of them together with the question."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from qa.index.generation import AudienceIndex
from qa.reader.protocol import ReadablePassage, Reader, Verdict
from qa.records import RankedPassage, Signals, Span
from qa.search.context import context_of
from qa.settings import available_cores

READ_FIRST = 3
"""As many as are quoted by default: each quote stands on its own."""
READ_AT_MOST = 5
HOPELESS = 0.2
"""A passage that the ranking gives a lower score is not read. Of 1,700 that were found to answer, the least had .23."""
DISMISSED = -8.0
"""The log-odds of a question none of whose passages is worth reading: the reader hardly gives lower ones."""
SCORE_WEIGHT = 14.4
"""Of the ranking's score beside the reader's log-odds, for the order: alone, either puts fewer answers first."""


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """A ranked passage with its verdict, and the calibrated probability in [0, 1] that it answers."""

    ranked: RankedPassage
    verdict: Verdict
    signals: Signals
    confidence: float


def read_passages(
    reader: Reader,
    confidence_of: Callable[[Signals], float],
    index: AudienceIndex,
    question: str,
    ranked: Sequence[RankedPassage],
    threshold: float,
) -> tuple[ReadPassage, ...]:
    """The first passages, read in the ranking's order: those that reach the threshold first, then the others.

    `confidence_of` gives the probability that a passage answers. Both are ordered by reader and ranking together. Three
    are read, and if none of them reaches the threshold, two more; what is read at a time is read side by side, a core
    each. Raises ModelUnavailable when the reader cannot be loaded.
    """
    worth_reading = [passage for passage in ranked[:READ_AT_MOST] if passage.score >= HOPELESS]
    read: list[ReadPassage] = []

    def read_one(passage: RankedPassage) -> ReadPassage:
        verdict = reader.read(question, readable(index, passage.passage))
        signals = Signals(reader=verdict.answers)
        return ReadPassage(passage, verdict, signals, confidence_of(signals))

    with ThreadPoolExecutor(available_cores()) as side_by_side:
        for some in (worth_reading[:READ_FIRST], worth_reading[READ_FIRST:]):
            if not any(one.confidence >= threshold for one in read):
                read += side_by_side.map(read_one, some)
    return tuple(sorted(read, key=lambda one: (one.confidence < threshold, -_order(one))))


def _order(one: ReadPassage) -> float:
    return one.verdict.answers + SCORE_WEIGHT * one.ranked.score


def readable(index: AudienceIndex, number: int) -> ReadablePassage:
    """A passage of the index as the reader takes it: below its document's title, its headings, and what leads it in."""
    passage = index.passages[number]
    document = index.documents[passage.document_id]
    headings = " › ".join((document.approval.title, *passage.heading_path))
    before = [one.text for one in context_of(document, index.passages, number) if one.kind != "heading"]
    return ReadablePassage(
        " ".join((f"{headings}.", *before)),
        document.text[passage.start : passage.end],
        tuple(Span(start - passage.start, end - passage.start) for start, end in passage.sentences),
    )
