"""Question → candidate passages, from the nearest passages and the best BM25 scores, as arrays: they are hundreds."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa.index.generation import AudienceIndex
from qa.search.query import Question

CANDIDATES_PER_SIGNAL = 100
Numbers = NDArray[np.int64]
Scores = NDArray[np.float64]
Found = tuple[Numbers, Scores]
"""Passages, best first, with their scores."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Passages by their numbers in an index, ascending, each with its cosine to the question and its BM25 score over
    the best one's, in [0, 1]."""

    passages: Numbers
    cosines: Scores
    term_scores: Scores

    def __len__(self) -> int:
        return len(self.passages)

    def at(self, places: Numbers) -> "Candidates":
        """Those at some places, in that order."""
        return Candidates(self.passages[places], self.cosines[places], self.term_scores[places])


def retrieve(
    index: AudienceIndex, questions: Sequence[Question], excluded: Collection[str] = ()
) -> tuple[Candidates, ...]:
    """The candidates of each question, by passage number, without those of the `excluded` documents.

    They are those of the question alone, to the bit, and cheaper than one by one; empty only when no passage is left.
    """
    if not questions:
        return ()
    vectors = np.stack([question.encoding.vector for question in questions])
    nearest = index.vectors.search(vectors, CANDIDATES_PER_SIGNAL)
    return tuple(_union(index, question, near, excluded) for question, near in zip(questions, nearest, strict=True))


def _union(index: AudienceIndex, question: Question, nearest: Found, excluded: Collection[str]) -> Candidates:
    vector = question.encoding.vector

    def by_vector(limit: int) -> Found:
        return nearest if limit == CANDIDATES_PER_SIGNAL else index.vectors.search(vector[np.newaxis], limit)[0]

    def by_terms(limit: int) -> Found:
        found = index.terms.search(question.text, limit)
        return np.asarray([number for number, _ in found], np.int64), np.asarray([score for _, score in found])

    near, cosines = _visible(index, by_vector, excluded)
    term_scores = dict(zip(*map(np.ndarray.tolist, _visible(index, by_terms, excluded)), strict=True))
    others = sorted(term_scores.keys() - set(near.tolist()))
    numbers = near.tolist() + others
    top = max(term_scores.values(), default=1.0)
    return Candidates(
        np.asarray(numbers, np.int64),
        np.concatenate([cosines, index.vectors.cosines(others, vector)]),
        np.asarray([term_scores.get(number, 0.0) for number in numbers]) / top,
    )


def _visible(index: AudienceIndex, search: Callable[[int], Found], excluded: Collection[str]) -> Found:
    """The best of a search without the passages of the `excluded` documents, which take no place among them."""
    limit = CANDIDATES_PER_SIGNAL
    while True:
        numbers, scores = search(limit)
        if not excluded:
            return numbers, scores
        kept = [n for n, number in enumerate(numbers) if index.passages[number].document_id not in excluded]
        if len(kept) >= CANDIDATES_PER_SIGNAL or len(numbers) < limit:
            kept = kept[:CANDIDATES_PER_SIGNAL]
            return numbers[kept], scores[kept]
        limit *= 2
