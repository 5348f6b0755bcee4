"""Plain text → canonical text: its own lines, with headings and list items recognised by their look."""

import re
from dataclasses import dataclass

from qa.corpus.formats.canonical import Heading, Mark, assemble, normalise
from qa.corpus.formats.decoding import decode
from qa.records import Block, BlockKind, CanonicalText, Span

_TAB_WIDTH = 4
_ITEM = re.compile(r"\s*(?:[\u2022*\u2013\u2014o\u25cf\u25aa\u25e6\u00b7-]|[0-9]{1,2}[.)]|[A-Za-z]\))\s+\S")
_SURE_BULLET = re.compile(r"\s*\u2022")
_SENTENCE_END = (".", "?", "!", ":", ";")
_WRAPPED_LENGTH = 50
_HEADING_WORDS = 10
_HEADING_LENGTH = 80
_NOT_AT_A_HEADINGS_END = (".", ",", ";", ":")
_TITLE_LEVEL, _HEADING_LEVEL = 1, 2


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the text without its indentation; `[start, end)` is where it stands."""

    text: str
    start: int
    end: int
    is_item: bool


def read_plain_text(data: bytes) -> CanonicalText:
    """The file's own lines; runs of blank lines become one.

    A short line alone between blank lines is a heading if text follows; the first one is the document's title if
    another heading follows at once. Any other that has no text of its own stays text, so that it can be quoted.

    Raises `UnreadableDocument` when the file is not text.
    """
    lines = [line.rstrip() for line in normalise(decode(data)).expandtabs(_TAB_WIDTH).split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    groups = _groups(text)
    marks: list[Mark] = []
    short = [_looks_like_heading(group) for group in groups]
    titled = short[:2] == [True, True] and not all(short)
    for number, group in enumerate(groups):
        is_title = titled and number == 0
        if is_title or (short[number] and short[number + 1 : number + 2] == [False]):
            level = _TITLE_LEVEL if is_title else _HEADING_LEVEL
            marks.append(Heading(level, Span(group[0].start, group[0].end)))
        else:
            marks.extend(_blocks(group))
    return assemble(text, marks)


def _groups(text: str) -> list[list[_Line]]:
    """The lines between blank lines, group by group."""
    groups: list[list[_Line]] = [[]]
    start = 0
    for raw in text.split("\n"):
        line = raw.strip()
        if line:
            begin = start + raw.index(line)
            above = groups[-1][-1] if groups[-1] else None
            groups[-1].append(_Line(line, begin, begin + len(line), _begins_item(raw, above)))
        elif groups[-1]:
            groups.append([])
        start += len(raw) + 1
    return _rejoined([group for group in groups if group])


def _rejoined(groups: list[list[_Line]]) -> list[list[_Line]]:
    """Groups again, where a page's end fell into a sentence: a full line without its end, then a small letter."""
    joined: list[list[_Line]] = []
    for group in groups:
        above = joined[-1][-1].text if joined else ""
        goes_on = len(above) >= _WRAPPED_LENGTH and above[-1].isalnum() and group[0].text[0].islower()
        if goes_on and not group[0].is_item:
            joined[-1].extend(group)
        else:
            joined.append(group)
    return joined


def _begins_item(raw: str, above: _Line | None) -> bool:
    """Whether a line is a list item; a dash or number that hard wrapping put at a line's start is not."""
    if not _ITEM.match(raw):
        return False
    if above is None or above.is_item or _SURE_BULLET.match(raw):
        return True
    return above.text.endswith(_SENTENCE_END) or len(above.text) < _WRAPPED_LENGTH


def _looks_like_heading(group: list[_Line]) -> bool:
    line = group[0].text
    return (
        len(group) == 1
        and not group[0].is_item
        and (line[0].isupper() or line[0].isdigit())
        and len(line) <= _HEADING_LENGTH
        and len(line.split()) <= _HEADING_WORDS
        and not line.endswith(_NOT_AT_A_HEADINGS_END)
        # What is left of a web page that was copied.
        and not line.lower().startswith("skip to ")
    )


def _blocks(group: list[_Line]) -> list[Block]:
    """A block for each list item with the lines that continue it, and one for the lines before the first."""
    starts = [number for number, line in enumerate(group) if number == 0 or line.is_item]
    blocks: list[Block] = []
    for first, after in zip(starts, [*starts[1:], len(group)], strict=True):
        kind: BlockKind = "list_item" if group[first].is_item else "paragraph"
        blocks.append(Block(kind, group[first].start, group[after - 1].end))
    return blocks
