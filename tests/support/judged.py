"""Questions with labels, and the replies that are judged by them."""

import datetime
import re
from collections.abc import Callable

from qa.evaluation.judging import LabelledQuestion
from qa.records import Answer, Citation, Quote, Span


def quote(text: str, document: str = "risks", score: float = 0.5) -> Quote:
    """A quote of a whole document that holds nothing else."""
    day = datetime.date(2026, 11, 20)
    citation = Citation(document, "Title", "patient", (), None, 0, len(text), "0" * 64, None, "x", day, day, "/")
    return Quote(text, (Span(0, len(text)),), (), score, citation)


def reply(confidence: float, *passages: str | Quote, answered: bool = True, generation: str = "generation") -> Answer:
    """An answer with those passages, quoted or only related; a text stands for a quote of it."""
    quotes = tuple(quote(passage) if isinstance(passage, str) else passage for passage in passages)
    return Answer(
        outcome="answered" if answered else "not_covered",
        confidence=confidence,
        audience="patient",
        generation=generation,
        quotes=quotes if answered else (),
        related=() if answered else quotes,
        not_covered_terms=(),
    )


def labelled(
    identifier: str, answer: str | None = "right", kind: str | None = None, document: str | None = None
) -> LabelledQuestion:
    return LabelledQuestion(identifier, f"{identifier}?", re.compile(answer) if answer else None, kind, document)


def asking(replies: dict[str, Answer]) -> Callable[[str], Answer]:
    return lambda question: replies[question.removesuffix("?")]
