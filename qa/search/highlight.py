"""Highlighting: the sentence of a passage that covers the question best, or that holds the quantity asked for."""

import re
from collections.abc import Sequence

from qa.records import Span
from qa.text.english import QUANTITIES

QUANTITY_TOLERANCE = 0.2
"""How much less of the question a sentence may cover, to be preferred for the quantity in it."""


def needed_sentences(verdict: Sequence[float]) -> tuple[int, ...]:
    """The numbers of the sentences that a reader finds needed (log-odds above 0), in order; at least the likeliest."""
    needed = tuple(number for number, odds in enumerate(verdict) if odds > 0)
    return needed or (max(range(len(verdict)), key=lambda number: (verdict[number], -number)),)


def answering_sentence(question: str, text: str, sentences: Sequence[Span], coverage: Sequence[float]) -> int:
    """The number of the sentence that answers, by the sentences' spans in `text` and how well they cover the question.

    The first of equals. A question for a length of time, share, size, dose or number prefers a sentence that holds one.
    """
    best = max(range(len(sentences)), key=lambda number: (coverage[number], -number))
    held = _quantity_asked(question)
    if held is None:
        return best
    near = [
        number
        for number, (start, end) in enumerate(sentences)
        if coverage[number] >= coverage[best] - QUANTITY_TOLERANCE and held.search(text, start, end)
    ]
    return max(near, key=lambda number: (coverage[number], -number)) if near else best


def _quantity_asked(question: str) -> re.Pattern[str] | None:
    """What a sentence must hold to name the quantity that is asked for; None when none is."""
    for asked, given in QUANTITIES:
        if asked.search(question):
            return given
    return None
