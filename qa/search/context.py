"""The context of a passage: the headings, lead-ins and table header before it, as slices of its document's text."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from qa.records import Block, ContextKind, ContextSlice, Document, Passage, Span
from qa.search.lead_ins import closing_sentences, lead_ins_of, table_header_of
from qa.text.english import TURNS_WHAT_FOLLOWS


def context_of(document: Document, passages: Sequence[Passage], number: int) -> tuple[ContextSlice, ...]:
    """What stands before passage `number` and says what it is about, in the order of the text, none of it within.

    `passages` hold the document's own beside each other, in the text's order. The title is there only where it turns
    the meaning of what follows.
    """
    own = section_of(document, passages[number])
    return (
        *_headings(document, own),
        *_lead_ins(document, passages, number),
        *_table_header(document, passages[number]),
    )


def section_of(document: Document, passage: Passage) -> int:
    """The number of the section that a passage is cut from."""
    return bisect_right(document.sections, passage.start, key=lambda section: section.start) - 1


def block_at(blocks: Sequence[Block], position: int) -> int:
    """The number of the block of a section that holds a position of its body."""
    return bisect_right(blocks, position, key=lambda block: block.start) - 1


def _headings(document: Document, own: int) -> Iterator[ContextSlice]:
    """The headings of a section's path, outermost first, after the document's title if that one is governing.

    Each is the nearest before the section with its path: what stands between is below it.
    """
    path = document.sections[own].heading_path
    for length in range(len(path) + 1):
        for section in reversed(document.sections[: own + 1]):
            if section.heading is not None and section.heading_path == path[:length]:
                governing = TURNS_WHAT_FOLLOWS.search(document.text[slice(*section.heading)]) is not None
                if length or governing:
                    yield _slice(document, section.heading, "heading", governing=governing)
                break


def _lead_ins(document: Document, passages: Sequence[Passage], number: int) -> Iterator[ContextSlice]:
    """What leads in any block of the passage and stands before it."""
    passage = passages[number]
    blocks = document.sections[section_of(document, passage)].blocks
    first, last = block_at(blocks, passage.start), block_at(blocks, passage.end - 1)
    led = range(first, last + 1)
    before = {lead_in for block in led for lead_in in lead_ins_of(document.text, blocks, block) if lead_in < first}
    for lead_in in sorted(before):
        sentences = closing_sentences(document.text, _sentences_before(passages, number, blocks[lead_in]))
        yield _slice(document, Span(sentences[0].start, sentences[-1].end), "lead_in", governing=True)


def _table_header(document: Document, passage: Passage) -> Iterator[ContextSlice]:
    blocks = document.sections[section_of(document, passage)].blocks
    header = table_header_of(blocks, block_at(blocks, passage.start))
    if header is not None:
        yield _slice(document, Span(blocks[header].start, blocks[header].end), "table_header", governing=True)


def _sentences_before(passages: Sequence[Passage], number: int, block: Block) -> list[Span]:
    """The sentences of a block, which stands before passage `number`."""
    found: list[Span] = []
    while number and passages[number - 1].document_id == passages[number].document_id:
        number -= 1
        passage = passages[number]
        found[:0] = [span for span in passage.sentences if block.start <= span.start and span.end <= block.end]
        if passage.start <= block.start:
            break
    return found


def _slice(document: Document, span: Span, kind: ContextKind, *, governing: bool) -> ContextSlice:
    return ContextSlice(document.text[slice(*span)], *span, kind, governing)
