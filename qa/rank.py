"""Candidates → order, by a convex sum of their signals at three grains and from the terms.

Scores are combined, not ranks: how much nearer the best passage is than the next is what tells them apart.
"""

from collections.abc import Sequence

from qa.generation import AudienceIndex
from qa.question import Question, content_tokens, word_coverage
from qa.records import Candidate, RankedPassage

COSINE_WEIGHT = 0.7
SENTENCE_WEIGHT = 0.4
TERM_WEIGHT = 0.3
COVERAGE_WEIGHT = 1.0
LEAST_COVERED_WEIGHT = 0.5
LEAST_COVERED_WORDS = 3
"""The least-covered token weighs fully up to so many content words, and less in longer questions: a long claim always
has a word that its best passage says otherwise."""


def least_covered_share(content_words: int) -> float:
    """How much of its weight the least-covered token has in a question of so many content words, in (0, 1]."""
    return min(1.0, LEAST_COVERED_WORDS / max(1, content_words))


def rank(index: AudienceIndex, candidates: Sequence[Candidate], question: Question) -> tuple[RankedPassage, ...]:
    """Best first; equal scores stand in the order of the documents."""
    covered = index.tokens.coverage([candidate.passage for candidate in candidates], question.encoding.token_vectors)
    of_words = word_coverage(question, covered)
    of_content = covered[:, content_tokens(question)]
    least_weight = LEAST_COVERED_WEIGHT * least_covered_share(len(question.words))
    total = COSINE_WEIGHT + SENTENCE_WEIGHT + TERM_WEIGHT + COVERAGE_WEIGHT + least_weight
    ranked: list[RankedPassage] = []
    for candidate, tokens, content, words in zip(candidates, covered, of_content, of_words, strict=True):
        mean = float(tokens.mean()) if len(tokens) else 0.0
        score = (
            COSINE_WEIGHT * candidate.cosine
            + SENTENCE_WEIGHT * candidate.sentence_cosine
            + TERM_WEIGHT * candidate.term_score
            + COVERAGE_WEIGHT * mean
            + least_weight * float(content.min(initial=1.0))
        )
        ranked.append(
            RankedPassage(
                candidate, mean, tuple(content.tolist()), tuple(words.tolist()), min(1.0, max(0.0, score / total))
            )
        )
    return tuple(sorted(ranked, key=lambda passage: (-passage.score, passage.passage)))
