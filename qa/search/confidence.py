"""Answerability: the signals that tell whether the best passages answer a question.

Above all, how well they cover its least-covered words. A cosine alone cannot tell "How long does the cement take?" from
"Does Medicare cover it?".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from qa.index.generation import AudienceIndex
from qa.records import RankedPassage, Signals
from qa.search.quantity import counted_thing, gives_number_of
from qa.search.query import Question

BEST_PASSAGES = 5
LEAST_TOKENS = 3
TOPIC_WORDS = 2
UNKNOWN = 0.5
"""A content word that no text holds, and that the best passages cover worse, is about something else."""
SEVERAL_UNKNOWN = 0.6
"""So are several such words, when the best passages cover them worse on average: in "Does Medicare cover it?" each
borrows some coverage from the others."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What the texts themselves say: the numbers of the question's content words that no text of the index holds, which
    index terms the first passage holds, and whether the best passages give the number that is asked for (True where
    none is)."""

    unheld_words: Collection[int]
    first_terms: Collection[str]
    gives_number: bool


def signals_of(index: AudienceIndex, question: Question, ranked: Sequence[RankedPassage]) -> Signals:
    """The signals of a question over at least one ranked passage of an index, best first."""
    thing = counted_thing(question.text)
    best = [passage.passage for passage in ranked[:BEST_PASSAGES]]
    wording = Wording(
        unheld_words=[
            number for number, word in enumerate(question.words) if not any(map(index.terms.holds, word.terms))
        ],
        first_terms=index.terms.terms_of("\n".join((*_headings_of(index, best[0]), _text_of(index, best[0])))),
        gives_number=thing is None or any(gives_number_of(thing, _text_of(index, number)) for number in best),
    )
    return signals_over(question, ranked, wording)


def signals_over(question: Question, ranked: Sequence[RankedPassage], wording: Wording) -> Signals:
    """The signals, a function of the ranked passages' coverage and of their wording."""
    best = ranked[:BEST_PASSAGES]
    first = best[0]
    least = sorted((min(passage.token_coverage, default=0.0) for passage in best), reverse=True)[:LEAST_TOKENS]
    by_weight = sorted(range(len(question.words)), key=lambda number: (-question.words[number].weight, number))
    topic = by_weight[:TOPIC_WORDS]
    words = (
        1.0 if any(term in wording.first_terms for term in word.terms) else covered
        for word, covered in zip(question.words, first.word_coverage, strict=True)
    )
    return Signals(
        least_tokens=max(_mean(sorted(passage.token_coverage)[:LEAST_TOKENS]) for passage in best),
        least_token=min(first.token_coverage, default=0.0),
        least_token_mean=_mean(least),
        topic=max(min((passage.word_coverage[number] for number in topic), default=0.0) for passage in best),
        mean_coverage=first.mean_coverage,
        least_word=min(words, default=0.0),
        words_held=float(not wording.unheld_words),
        words_known=float(_are_known([max(p.word_coverage[number] for p in best) for number in wording.unheld_words])),
        number_given=float(wording.gives_number),
        cosine=first.candidate.cosine,
    )


def _are_known(coverage: Sequence[float]) -> bool:
    """Whether words that no text holds are covered all the same, by their meaning."""
    if min(coverage, default=1.0) < UNKNOWN:
        return False
    return len(coverage) < 2 or _mean(coverage) >= SEVERAL_UNKNOWN


def _headings_of(index: AudienceIndex, number: int) -> tuple[str, ...]:
    """The title and headings that a passage was indexed with, beside its text."""
    passage = index.passages[number]
    return (index.documents[passage.document_id].approval.title, *passage.heading_path)


def _text_of(index: AudienceIndex, number: int) -> str:
    passage = index.passages[number]
    return index.documents[passage.document_id].text[passage.start : passage.end]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
