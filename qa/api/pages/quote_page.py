"""The quotes of an answer on a page: each is cut where what answers begins and ends."""

from collections.abc import Iterator
from dataclasses import dataclass

from qa.records import Citation, Quote


@dataclass(frozen=True, slots=True)
class QuotePiece:
    """A slice of a quote; `answers` where it is marked."""

    text: str
    answers: bool


@dataclass(frozen=True, slots=True)
class ShownQuote:
    """A quote as a page shows it, below what governs it."""

    governing: tuple[str, ...]
    pieces: tuple[QuotePiece, ...]
    citation: Citation
    review_is_due: bool


def shown_quote(quote: Quote, *, review_is_due: bool) -> ShownQuote:
    """The parts of a quote."""
    governing = tuple(each.text for each in quote.context if each.governing)
    return ShownQuote(governing, tuple(pieces_of(quote)), quote.citation, review_is_due)


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
