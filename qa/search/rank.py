"""Reranking: candidates → order, by a convex combination of cosines, token coverage and BM25 scores.

Scores are combined, not ranks: how far the best passage is ahead of the next is what tells them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from qa.encoder.protocol import Vectors
from qa.index.generation import AudienceIndex
from qa.index.token_vectors import mean_coverage
from qa.records import Candidate, RankedPassage
from qa.search.query import Question, content_tokens, word_coverage
from qa.search.retrieve import Candidates, Numbers, Scores

RERANKED = 32
"""How many candidates are compared with the question by their tokens. Comparing all of them, up to 200,
left nDCG@10 of MedQuAD and SciFact as it is to the third decimal."""
COSINE_WEIGHT = 0.7
TERM_WEIGHT = 0.3
COVERAGE_WEIGHT = 1.4
LEAST_COVERED_WEIGHT = 0.5
LEAST_COVERED_WORDS = 3
"""The least-covered token weighs fully up to so many content words, and less in longer questions: a long claim always
has a word that its best passage puts differently."""


def least_covered_share(content_words: int) -> float:
    """How much of its weight the least-covered token has in a question of so many content words, in (0, 1]."""
    return min(1.0, LEAST_COVERED_WORDS / max(1, content_words))


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Candidates, a row of every array for each, with what the tokens of their passages say."""

    candidates: Candidates
    mean_coverage: Scores
    content_coverage: Vectors
    word_coverage: Vectors

    def at(self, place: int, score: float) -> RankedPassage:
        """The record of the candidate at a place."""
        return RankedPassage(
            Candidate(
                int(self.candidates.passages[place]),
                float(self.candidates.cosines[place]),
                float(self.candidates.term_scores[place]),
            ),
            float(self.mean_coverage[place]),
            tuple(self.content_coverage[place].tolist()),
            tuple(self.word_coverage[place].tolist()),
            score,
        )


class Ranking(Sequence[RankedPassage]):
    """A question's passages, best first. The record of one is made when it is asked for: few of them are."""

    def __init__(self, compared: Compared, order: Numbers, scores: Scores) -> None:
        """`order` holds places in `compared`, `scores` belong to these places, not to the order."""
        self._compared = compared
        self._order = order
        self._scores = scores

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, number: int) -> RankedPassage: ...

    @overload
    def __getitem__(self, number: slice) -> tuple[RankedPassage, ...]: ...

    def __getitem__(self, number: int | slice) -> RankedPassage | tuple[RankedPassage, ...]:
        if isinstance(number, slice):
            return tuple(map(self.__getitem__, range(*number.indices(len(self)))))
        place = int(self._order[number])
        return self._compared.at(place, float(self._scores[place]))


def rank(index: AudienceIndex, candidates: Candidates, question: Question, limit: int = RERANKED) -> Ranking:
    """The best `limit` candidates, best first; equal scores stand in the order of the documents.

    Only so many are compared with the question by their tokens: those that the passages' cosines and the terms put
    first, where the cosine stands in for the finer signal with its weight.
    """
    coarse = (COSINE_WEIGHT + COVERAGE_WEIGHT) * candidates.cosines
    first = np.lexsort((candidates.passages, -(coarse + TERM_WEIGHT * candidates.term_scores)))[:limit]
    compared = _compare(index, candidates.at(np.sort(first)), question)
    scores = _scores(compared, question)
    return Ranking(compared, np.lexsort((compared.candidates.passages, -scores)), scores)


def _compare(index: AudienceIndex, candidates: Candidates, question: Question) -> Compared:
    covered = index.tokens.coverage(candidates.passages.tolist(), question.encoding.token_vectors)
    return Compared(
        candidates,
        mean_coverage(covered),
        covered[:, content_tokens(question)],
        word_coverage(question, covered),
    )


def _scores(compared: Compared, question: Question) -> Scores:
    candidates = compared.candidates
    if not len(candidates):
        return np.empty(0)
    least_weight = LEAST_COVERED_WEIGHT * least_covered_share(len(question.words))
    total = COSINE_WEIGHT + TERM_WEIGHT + COVERAGE_WEIGHT + least_weight
    scores = (
        COSINE_WEIGHT * candidates.cosines
        + TERM_WEIGHT * candidates.term_scores
        + COVERAGE_WEIGHT * compared.mean_coverage
        + least_weight * compared.content_coverage.min(axis=1, initial=1.0)
    )
    clipped: Scores = np.clip(scores / total, 0.0, 1.0)
    return clipped
