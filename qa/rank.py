"""Candidates → order, by a convex sum of their signals."""

from collections.abc import Iterable

from qa.records import Candidate, RankedPassage

COSINE_WEIGHT = 0.6
TERM_WEIGHT = 0.4


def rank(candidates: Iterable[Candidate]) -> tuple[RankedPassage, ...]:
    """Best first; equal scores stand in the order of the documents."""
    ranked = (RankedPassage(candidate.passage, _score(candidate), candidate.cosine) for candidate in candidates)
    return tuple(sorted(ranked, key=lambda passage: (-passage.score, passage.passage)))


def _score(candidate: Candidate) -> float:
    score = COSINE_WEIGHT * max(0.0, candidate.cosine) + TERM_WEIGHT * candidate.term_score
    return min(1.0, score)
