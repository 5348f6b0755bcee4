"""The answer: quotes with citations from the ranked passages, or not_covered."""

from collections.abc import Sequence
from dataclasses import dataclass

from qa.index.generation import AudienceIndex
from qa.index.token_vectors import mean_coverage
from qa.links import slice_link
from qa.records import Answer, Citation, Document, Passage, Quote, RankedPassage, Rewriting, Signals
from qa.search.answerability import ReadPassage
from qa.search.context import context_of
from qa.search.highlight import answering_sentence, needed_sentences, spans_to_mark
from qa.search.query import Question

UNCOVERED = 0.55
"""A content word of the question that the quoted passages cover no better is named as not covered."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A question as one rewriting says it, the passages of `index` in order, and how sure an answer from them is.

    `signals` is None where no passage is left, or nothing is asked; the confidence is then 0. `read` are the passages
    that were read, those that answer first: they stand first in `ranked`, too.
    """

    index: AudienceIndex
    question: Question
    rewriting: Rewriting
    ranked: Sequence[RankedPassage]
    signals: Signals | None
    confidence: float
    read: tuple[ReadPassage, ...] = ()


def answer(considered: Considered, limit: int, threshold: float) -> Answer:
    """Quotes the best passages, `limit` at most, when the confidence reaches the threshold; else they are only related.

    Where passages were read, each quote stands on its own: one whose own confidence is lower is only related.
    """
    index = considered.index
    answered = bool(considered.ranked) and considered.confidence >= threshold
    shown = tuple(_quote(considered, passage) for passage in considered.ranked[:limit])
    count = len(shown) if answered else 0
    if considered.read:
        count = sum(one.confidence >= threshold for one in considered.read[:limit])
    return Answer(
        outcome="answered" if answered else "not_covered",
        confidence=round(considered.confidence, 4),
        audience=index.audience,
        generation=index.digest,
        quotes=shown[:count],
        related=shown[count:],
        not_covered_terms=_not_covered(considered, answered=answered),
        read_as=considered.rewriting.replacements,
    )


def citation_of(document: Document, passage: Passage) -> Citation:
    """Where a passage stands; the link opens the document with the passage in view."""
    approval = document.approval
    return Citation(
        document_id=document.id,
        title=approval.title,
        audience=approval.audience,
        heading_path=passage.heading_path,
        page=passage.page,
        start=passage.start,
        end=passage.end,
        document_sha256=document.text_sha256,
        source_url=approval.source_url,
        approved_by=approval.approved_by,
        approved_on=approval.approved_on,
        review_by=approval.review_by,
        link=slice_link(document.id, approval.audience, passage.start, passage.end),
    )


def _quote(considered: Considered, ranked: RankedPassage) -> Quote:
    index = considered.index
    passage = index.passages[ranked.passage]
    document = index.documents[passage.document_id]
    return Quote(
        text=document.text[passage.start : passage.end],
        highlights=spans_to_mark(document, passage, _chosen_sentences(considered, ranked.passage)),
        context=context_of(document, index.passages, ranked.passage),
        score=round(ranked.score, 4),
        citation=citation_of(document, passage),
    )


def _chosen_sentences(considered: Considered, number: int) -> tuple[int, ...]:
    """The numbers of the sentences of passage `number` that answer, of its own from 0 on, in order.

    They are those that the reader finds needed, or in a passage that was not read, the one that covers the question
    best.
    """
    for one in considered.read:
        if one.ranked.passage == number:
            return needed_sentences(one.verdict.sentences)
    index, question = considered.index, considered.question
    passage = index.passages[number]
    text = index.documents[passage.document_id].text
    covered = index.tokens.sentence_coverage(number, index.sentence_numbers(number), question.encoding.token_vectors)
    coverage = mean_coverage(covered).tolist()
    return (answering_sentence(question.text, text, passage.sentences, coverage),)


def _not_covered(considered: Considered, *, answered: bool) -> tuple[str, ...]:
    """The content words that nothing covers, as typed: of one that was read as another, what was typed.

    Of an answered question, those that no approved text holds and the best passages don't cover otherwise; of one that
    is not, those of which either is so.
    """
    terms = considered.index.terms
    if not terms.content_words_of(considered.question.text):
        return ()
    replacements = considered.rewriting.replacements
    typed = {word.text.lower(): change.typed for change in replacements for word in terms.words_of(change.read_as)}
    best = considered.ranked[:3]
    named: dict[str, None] = {}
    for number, word in enumerate(considered.question.words):
        held = any(map(terms.holds, word.terms))
        covered = max((passage.word_coverage[number] for passage in best), default=0.0) >= UNCOVERED
        enough = (held or covered) if answered else (held and covered)
        if not enough:
            named[typed.get(word.text.lower(), word.text)] = None
    return tuple(named)
