"""Highlighting: which sentence covers the question best or holds the quantity asked for, then what is marked for it."""

import re
from collections.abc import Iterator, Sequence

from qa.records import Block, Document, Passage, Span
from qa.search.context import block_at, section_of
from qa.search.lead_ins import closing_sentences, introduces, lead_ins_of, led_by, table_header_of
from qa.text.english import QUANTITIES

_DIGIT = re.compile(r"\d")
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


def spans_to_mark(document: Document, passage: Passage, chosen: Sequence[int]) -> tuple[Span, ...]:
    """What is marked when those sentences of a passage answer, as offsets into its text, in order and disjoint.

    An item takes along what leads it in, a row its table's header, and a lead-in the items that it leads in, as far as
    they stand in the passage. Where most items of a list answer, the list does.
    """
    blocks = document.sections[section_of(document, passage)].blocks
    own: dict[int, list[int]] = {}
    for number, sentence in enumerate(passage.sentences):
        own.setdefault(block_at(blocks, sentence.start), []).append(number)
    marked = set(chosen)
    for block, numbers in own.items():
        led = [own[item] for item in led_by(document.text, blocks, block) if item in own]
        most = sum(not marked.isdisjoint(item) for item in led) > len(led) / 2
        if numbers[-1] in chosen or most:
            marked.update(number for item in led for number in item)
        if not marked.isdisjoint(numbers):
            for lead_in in _needed_by(document.text, blocks, block):
                sentences = [passage.sentences[number] for number in own.get(lead_in, ())]
                taken = closing_sentences(document.text, sentences)
                marked.update(own.get(lead_in, [])[len(sentences) - len(taken) :])
    return tuple(_stretches(passage, marked))


def _needed_by(text: str, blocks: Sequence[Block], block: int) -> Iterator[int]:
    """The blocks without which a block means something else. A table's first row with a number in it is no header."""
    for lead_in in lead_ins_of(text, blocks, block):
        if blocks[lead_in].kind == "list_item" or introduces(text, blocks[lead_in]):
            yield lead_in
    header = table_header_of(blocks, block)
    if header is not None and not _DIGIT.search(text, blocks[header].start, blocks[header].end):
        yield header


def _stretches(passage: Passage, marked: set[int]) -> Iterator[Span]:
    """One span for sentences that follow each other."""
    firsts = [number for number in sorted(marked) if number - 1 not in marked]
    lasts = [number for number in sorted(marked) if number + 1 not in marked]
    for first, last in zip(firsts, lasts, strict=True):
        yield Span(passage.sentences[first].start - passage.start, passage.sentences[last].end - passage.start)
