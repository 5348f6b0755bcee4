"""Ranked passages → quotes with citations, or not_covered.

The confidence is provisional: half the best passage's cosine, half the share of the question's content words that it
holds. It is not calibrated yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qa.encoder import Vectors
from qa.generation import AudienceIndex
from qa.records import Answer, Citation, Document, Passage, Quote, RankedPassage, Span
from qa.terms import Word

COSINE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Question:
    """A question as typed, with its unit vector of shape (dimension,) and its content words."""

    text: str
    vector: Vectors
    words: tuple[Word, ...]


def answer(
    index: AudienceIndex, question: Question, ranked: Sequence[RankedPassage], limit: int, threshold: float
) -> Answer:
    """Quotes the best `limit` passages when the confidence reaches the threshold; else offers them as related."""
    confidence = _confidence(index, question, ranked[0]) if ranked else 0.0
    answered = bool(ranked) and confidence >= threshold
    quotes = tuple(_quote(index, question.vector, passage) for passage in ranked[:limit])
    return Answer(
        outcome="answered" if answered else "not_covered",
        confidence=round(confidence, 4),
        audience=index.audience,
        generation=index.digest,
        quotes=quotes if answered else (),
        related=() if answered else quotes,
        not_covered_terms=tuple(
            dict.fromkeys(word.text for word in question.words if not any(map(index.terms.holds, word.terms)))
        ),
    )


def citation_of(document: Document, passage: Passage) -> Citation:
    """Where a passage stands; the link opens the document with the passage in view."""
    approval = document.approval
    query = "?audience=staff" if approval.audience == "staff" else ""
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
        link=f"/documents/{document.id}{query}#p-{passage.start}-{passage.end}",
    )


def _confidence(index: AudienceIndex, question: Question, best: RankedPassage) -> float:
    passage = index.passages[best.passage]
    document = index.documents[passage.document_id]
    context = " ".join((document.approval.title, *passage.heading_path, document.text[passage.start : passage.end]))
    held = {term for word in index.terms.words_of(context) for term in word.terms}
    covered = sum(1 for word in question.words if held.intersection(word.terms))
    share = covered / len(question.words) if question.words else 0.0
    return COSINE_SHARE * max(0.0, best.cosine) + (1 - COSINE_SHARE) * share


def _quote(index: AudienceIndex, vector: Vectors, ranked: RankedPassage) -> Quote:
    passage = index.passages[ranked.passage]
    document = index.documents[passage.document_id]
    return Quote(
        text=document.text[passage.start : passage.end],
        highlights=(_answering_sentence(index, vector, ranked.passage),),
        score=round(ranked.score, 4),
        citation=citation_of(document, passage),
    )


def _answering_sentence(index: AudienceIndex, vector: Vectors, number: int) -> Span:
    """The sentence nearest to the question, as offsets into the passage; the first of equals."""
    passage = index.passages[number]
    first = index.first_sentence[number]
    cosines = index.sentence_vectors.vectors_of(range(first, first + len(passage.sentences))) @ vector
    sentence = passage.sentences[int(np.argmax(cosines))]
    return Span(sentence.start - passage.start, sentence.end - passage.start)
