"""Document → passages and sentences, as offsets into its canonical text.

A passage is cut only between units: sentences of a paragraph, whole list items, whole table rows. Where to cut is the
cheapest way through the section, found by dynamic programming over the units.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import sentencex

from qa.records import Block, Document, Page, Passage, Section, Span
from qa.text.english import LANGUAGE

_WORD = re.compile(r"\S+")
MAX_PASSAGE_SHARE = 2.0
"""A passage of several units never exceeds this many times the words aimed at."""
CUT_IN_PARAGRAPH = 0.25
CUT_AFTER_LEAD_IN = 1.0
CUT_IN_LIST = 0.15
"""What a cut costs besides the passages' distance from the aim, where 1 is an empty passage's distance."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """A stretch that is never cut; `cut_cost` is that of a cut right after it."""

    start: int
    end: int
    words: int
    sentences: tuple[Span, ...]
    cut_cost: float


SentenceSplitter = Callable[[str], Sequence[str]]


def passages_of(document: Document, target_words: int) -> Iterator[Passage]:
    """The passages of a document in the order of its text: together they hold all of each section but white space.

    `target_words` is what a passage aims at; a single sentence, list item or table row that is longer stays whole.
    """
    split: SentenceSplitter = partial(sentencex.segment, LANGUAGE)
    for section in document.sections:
        units = [unit for units in _units_of(document.text, section, split) for unit in units]
        for first, last in _cheapest_cuts(units, target_words):
            start, end = units[first].start, units[last].end
            sentences = tuple(sentence for unit in units[first : last + 1] for sentence in unit.sentences)
            page = _page_at(document.pages, start)
            yield Passage(document.id, start, end, section.heading_path, page, sentences)


def heading_text(document: Document, passage: Passage) -> str:
    """Title and headings in a line: what is searched with a passage, and never quoted."""
    parts = (document.approval.title, *passage.heading_path)
    return ". ".join(part.rstrip(".") for part in parts if part.strip())


def embedding_text(document: Document, passage: Passage) -> str:
    """What is embedded for a passage: its title and headings, then its text."""
    return f"{heading_text(document, passage)}. {document.text[passage.start : passage.end]}"


def sentence_spans(text: str, start: int, end: int, split: SentenceSplitter) -> tuple[Span, ...]:
    """The sentences of `text[start:end]` as spans without outer white space, in order.

    A splitter that does not return the whole text is not trusted: the stretch is then one sentence.
    """
    stretch = text[start:end]
    pieces = list(split(stretch))
    if "".join(pieces) != stretch:
        pieces = [stretch]
    spans: list[Span] = []
    position = start
    for piece in pieces:
        inner = piece.strip()
        if inner:
            offset = position + len(piece) - len(piece.lstrip())
            spans.append(Span(offset, offset + len(inner)))
        position += len(piece)
    return tuple(spans)


def _units_of(text: str, section: Section, split: SentenceSplitter) -> Iterator[list[_Unit]]:
    for number, block in enumerate(section.blocks):
        following = section.blocks[number + 1] if number + 1 < len(section.blocks) else None
        sentences = sentence_spans(text, block.start, block.end, split)
        after_block = _cut_cost(text, block, following)
        if block.kind != "paragraph":
            yield [_Unit(block.start, block.end, _count_words(text, block.start, block.end), sentences, after_block)]
            continue
        yield [
            _Unit(
                *sentence,
                words=_count_words(text, *sentence),
                sentences=(sentence,),
                cut_cost=after_block if sentence is sentences[-1] else CUT_IN_PARAGRAPH,
            )
            for sentence in sentences
        ]


def _cut_cost(text: str, block: Block, following: Block | None) -> float:
    """A cut between two blocks costs nothing, except after a lead-in ("The risks are:") or inside a list or table."""
    if following is None:
        return 0.0
    if following.kind != "paragraph" and following.kind == block.kind:
        return CUT_IN_LIST
    if text[block.start : block.end].endswith(":") or (block.kind == "paragraph" and following.kind != "paragraph"):
        return CUT_AFTER_LEAD_IN
    return 0.0


def _count_words(text: str, start: int, end: int) -> int:
    return sum(1 for _ in _WORD.finditer(text, start, end))


def _cheapest_cuts(units: Sequence[_Unit], target_words: int) -> list[tuple[int, int]]:
    """Index ranges [first, last] of the units of each passage, with the least sum of costs."""
    best: list[float] = [0.0] + [float("inf")] * len(units)
    came_from = [0] * (len(units) + 1)
    for last in range(len(units)):
        words = 0
        for first in range(last, -1, -1):
            words += units[first].words
            if first < last and words > MAX_PASSAGE_SHARE * target_words:
                break
            cost = best[first] + ((words - target_words) / target_words) ** 2 + units[last].cut_cost
            if cost < best[last + 1]:
                best[last + 1], came_from[last + 1] = cost, first
    ranges: list[tuple[int, int]] = []
    position = len(units)
    while position:
        ranges.append((came_from[position], position - 1))
        position = came_from[position]
    return ranges[::-1]


def _page_at(pages: tuple[Page, ...], position: int) -> int | None:
    return next((page.number for page in pages if page.start <= position < page.end), None)
