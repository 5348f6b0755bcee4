"""What tells whether the best passages answer: above all, how well they cover the question's least-covered tokens.

A cosine alone cannot tell "How long does the cement take?" from "Does Medicare cover it?".
"""

from collections.abc import Sequence

from qa.question import Question
from qa.records import RankedPassage, Signals

BEST_PASSAGES = 5
LEAST_TOKENS = 3
TOPIC_WORDS = 2


def signals_of(question: Question, ranked: Sequence[RankedPassage]) -> Signals:
    """The signals of a question over at least one ranked passage, best first."""
    best = ranked[:BEST_PASSAGES]
    least = sorted((min(passage.token_coverage, default=0.0) for passage in best), reverse=True)[:LEAST_TOKENS]
    by_weight = sorted(range(len(question.words)), key=lambda number: (-question.words[number].weight, number))
    topic = by_weight[:TOPIC_WORDS]
    return Signals(
        least_tokens=max(_mean(sorted(passage.token_coverage)[:LEAST_TOKENS]) for passage in best),
        least_token=min(best[0].token_coverage, default=0.0),
        least_token_mean=_mean(least),
        topic=max(min((passage.word_coverage[number] for number in topic), default=0.0) for passage in best),
        cosine=best[0].candidate.cosine,
        sentence_cosine=best[0].candidate.sentence_cosine,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
