"""What a block hangs on: the paragraph before its list, the item above it, the first row of its table.

Blocks go by their numbers in their section.
"""

from collections.abc import Sequence

from qa.records import Block, Span
from qa.text.english import TURNS_WHAT_FOLLOWS

LEAD_IN_WORDS = 25
"""Of a lead-in that is longer, the last sentences are taken that have no more, and the last one always."""


def lead_ins_of(text: str, blocks: Sequence[Block], number: int) -> tuple[int, ...]:
    """The blocks that block `number` can't be read without, in order: paragraphs first, then items of its own list.

    Before a list that is any paragraph, before a table one that introduces it, elsewhere one that ends in a colon.
    """
    kind = blocks[number].kind
    first = first_of_run(blocks, number)
    if kind == "list_item":
        return (*_paragraphs_before_list(text, blocks, first), *_items_above(text, blocks, first, number))
    above = first - 1
    if above < 0 or blocks[above].kind != "paragraph":
        return ()
    leads = introduces(text, blocks[above]) if kind == "table_row" else _ends_in_colon(text, blocks[above])
    return (above,) if leads else ()


def led_by(text: str, blocks: Sequence[Block], number: int) -> tuple[int, ...]:
    """The blocks that block `number` leads in, in order; none where it says something by itself."""
    below = number + 1
    if below == len(blocks) or not _is_bare(text, blocks, number):
        return ()
    if blocks[number].kind == "list_item":
        return tuple(_items_below(text, blocks, number))
    return tuple(range(below, _end_of_run(blocks, below)))


def table_header_of(blocks: Sequence[Block], number: int) -> int | None:
    """The first row of the table in which block `number` is a later one."""
    first = first_of_run(blocks, number)
    return first if blocks[number].kind == "table_row" and first < number else None


def introduces(text: str, block: Block) -> bool:
    """Whether a block before a list or table speaks of it: it is no whole statement, or one that turns others."""
    words = text[block.start : block.end]
    return not words.endswith((".", "!")) or TURNS_WHAT_FOLLOWS.search(words) is not None


def first_of_run(blocks: Sequence[Block], number: int) -> int:
    """The first item of the list, or row of the table, that block `number` is in; else the block itself."""
    kind = blocks[number].kind
    while kind in {"list_item", "table_row"} and number and blocks[number - 1].kind == kind:
        number -= 1
    return number


def closing_sentences(text: str, sentences: Sequence[Span]) -> Sequence[Span]:
    """Those of a lead-in's sentences that are taken of it."""
    first = max(0, len(sentences) - 1)
    while first and len(text[sentences[first - 1].start : sentences[-1].end].split()) <= LEAD_IN_WORDS:
        first -= 1
    return sentences[first:]


def _paragraphs_before_list(text: str, blocks: Sequence[Block], first: int) -> list[int]:
    """The one right before the list; where it only interrupts a list, also what introduces that one."""
    found: list[int] = []
    while first and blocks[first - 1].kind == "paragraph":
        found.insert(0, first - 1)
        if introduces(text, blocks[first - 1]):
            return found
        if first < 2 or blocks[first - 2].kind != "list_item":
            break
        first = first_of_run(blocks, first - 2)
    return found[-1:]


def _items_above(text: str, blocks: Sequence[Block], first: int, number: int) -> list[int]:
    """The items in which an item is nested, and those that end in a colon before it in a list that came flat."""
    found: list[int] = []
    below = number
    for above in range(number - 1, first - 1, -1):
        depth, own = _depth(text, blocks[above]), _depth(text, blocks[below])
        leads_flat = depth == own and not _ends_in_colon(text, blocks[below]) and _leads_flat(text, blocks, above)
        if depth < own or leads_flat:
            found.insert(0, above)
            below = above
    return found


def _items_below(text: str, blocks: Sequence[Block], number: int) -> list[int]:
    """The items that are nested in an item; in a list that came flat, those up to the next one that ends in a colon."""
    own, flat = _depth(text, blocks[number]), _leads_flat(text, blocks, number)
    found: list[int] = []
    for below in range(number + 1, _end_of_run(blocks, number)):
        depth = _depth(text, blocks[below])
        if depth < own or (depth == own and (not flat or _ends_in_colon(text, blocks[below]))):
            break
        found.append(below)
    return found


def _leads_flat(text: str, blocks: Sequence[Block], number: int) -> bool:
    """Whether an item ends in a colon, and the next one is as deep as itself."""
    below = number + 1
    return (
        _ends_in_colon(text, blocks[number])
        and below < len(blocks)
        and blocks[below].kind == "list_item"
        and _depth(text, blocks[below]) == _depth(text, blocks[number])
    )


def _is_bare(text: str, blocks: Sequence[Block], number: int) -> bool:
    """Whether a block says nothing without what follows: it ends in a colon, or is no sentence and a list follows."""
    block, following = blocks[number], blocks[number + 1]
    if block.kind != "paragraph" or following.kind not in {"list_item", "table_row"}:
        return _ends_in_colon(text, block)
    return not text[block.start : block.end].endswith((".", "!", "?"))


def _ends_in_colon(text: str, block: Block) -> bool:
    return text[block.start : block.end].endswith(":")


def _end_of_run(blocks: Sequence[Block], number: int) -> int:
    kind = blocks[number].kind
    end = number + 1
    while kind in {"list_item", "table_row"} and end < len(blocks) and blocks[end].kind == kind:
        end += 1
    return end


def _depth(text: str, block: Block) -> int:
    """How far a block is indented, in characters."""
    line = text.rfind("\n", 0, block.start) + 1
    return block.start - line
