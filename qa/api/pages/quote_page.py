"""The quotes of an answer on a page: each is cut where its answering sentence begins and ends."""

from collections.abc import Iterator
from dataclasses import dataclass

from qa.records import Citation, Quote


@dataclass(frozen=True, slots=True)
class QuotePiece:
    """A slice of a quote; `answers` where it is the answering sentence."""

    text: str
    answers: bool


@dataclass(frozen=True, slots=True)
class ShownQuote:
    """A quote as a page shows it."""

    pieces: tuple[QuotePiece, ...]
    citation: Citation
    review_is_due: bool


def pieces_of(quote: Quote) -> Iterator[QuotePiece]:
    """Put together in order, they are the quote, to the character."""
    position = 0
    for start, end in quote.highlights:
        if position < start:
            yield QuotePiece(quote.text[position:start], False)
        yield QuotePiece(quote.text[start:end], True)
        position = end
    if position < len(quote.text):
        yield QuotePiece(quote.text[position:], False)
