"""Headings and blocks → canonical text: one layout and one invariant for every reader.

A reader hands what it finds to a `Builder`, or lays its own text out and calls `assemble`; `check` is the proof.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from qa.errors import UnreadableDocument
from qa.records import Block, BlockKind, CanonicalText, Section, Span

_LINE_BREAKS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Controls, soft hyphen, zero-width, bidirectional, interlinear and tag characters, byte order mark, lone surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f\ud800-\udfff]"
)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_TAB_WIDTH = 4
_INDENT = "  "
_LINE_BY_LINE: frozenset[BlockKind] = frozenset({"list_item", "table_row"})


@dataclass(frozen=True, slots=True)
class Heading:
    """Where a heading of `level` (1 is the outermost) stands in the text."""

    level: int
    span: Span


Mark = Heading | Block


def normalise(text: str) -> str:
    """`text` in NFC with `\\n` as the only line break, plain spaces and tabs, and no character that nobody sees."""
    text = _LINE_BREAKS.sub("\n", _UNSEEN.sub("", text))
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text))


def one_line(text: str) -> str:
    """`text` normalised, with every run of white space as one space."""
    return " ".join(normalise(text).split())


def few_lines(text: str) -> str:
    """`text` normalised, with its line breaks kept, no blank line, and other white space as one space."""
    lines = (" ".join(line.split()) for line in normalise(text).split("\n"))
    return "\n".join(line for line in lines if line)


class Builder:
    """Lays out headings and blocks in the order they are given; each method drops what is empty once normalised."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._marks: list[Mark] = []
        self._previous: BlockKind | None = None

    def heading(self, level: int, text: str) -> None:
        """A heading, on a line of its own."""
        if text := one_line(text):
            self._marks.append(Heading(max(1, level), self._place(text, None)))

    def paragraph(self, text: str) -> None:
        """A paragraph; a `\\n` in it is a line break that is kept, a blank line begins another paragraph."""
        for part in _BLANK_LINE.split(normalise(text)):
            self._block("paragraph", few_lines(part))

    def list_item(self, text: str, marker: str, depth: int) -> None:
        """One list item behind its bullet or number; `depth` 0 is the outermost list; its lines stay one block."""
        if text := few_lines(text):
            self._block("list_item", f"{one_line(marker)} {text}".strip(), _INDENT * max(0, depth))

    def table_row(self, cells: Sequence[str]) -> None:
        """One row of a table, its cells joined with a bar; an empty cell keeps its place between others."""
        texts = [one_line(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        self._block("table_row", one_line(" | ".join(texts)))

    def preformatted(self, text: str) -> None:
        """Text whose line breaks and indentation matter; its first line's indentation stands outside the block."""
        lines = [line.rstrip() for line in normalise(text).expandtabs(_TAB_WIDTH).split("\n")]
        text = "\n".join(lines).strip("\n")
        body = text.lstrip()
        self._block("preformatted", body, text[: len(text) - len(body)])

    def build(self, title: str | None = None) -> CanonicalText:
        """The text and its sections; `title` holds only if there is no heading of level 1."""
        return assemble("".join(self._parts), self._marks, title)

    def _block(self, kind: BlockKind, text: str, indentation: str = "") -> None:
        if text:
            self._marks.append(Block(kind, *self._place(text, kind, indentation)))

    def _place(self, text: str, kind: BlockKind | None, indentation: str = "") -> Span:
        together = kind in _LINE_BY_LINE and kind == self._previous
        gap = ("\n" if together else "\n\n") if self._parts else ""
        self._previous = kind
        self._parts.append(gap + indentation + text)
        self._length += len(self._parts[-1])
        return Span(self._length - len(text), self._length)


def assemble(text: str, marks: Sequence[Mark], title: str | None = None) -> CanonicalText:
    """Sections from the marks of a laid-out text, in order.

    The first heading of level 1 is the document's title, stands in no path, and overrides `title`.
    """
    name = next((mark for mark in marks if isinstance(mark, Heading) and mark.level == 1), None)
    groups: list[tuple[Heading | None, list[Block]]] = [(None, [])]
    for mark in marks:
        if isinstance(mark, Heading):
            groups.append((mark, []))
        else:
            groups[-1][1].append(mark)
    sections: list[Section] = []
    chain: list[tuple[int, str]] = []
    for heading, blocks in groups:
        if heading is None:
            if blocks:
                sections.append(_section(None, (), blocks))
            continue
        while chain and chain[-1][0] >= heading.level:
            chain.pop()
        if heading is not name:
            chain.append((heading.level, text[slice(*heading.span)]))
        sections.append(_section(heading, tuple(words for _, words in chain), blocks))
    return CanonicalText(text, text[slice(*name.span)] if name else one_line(title or "") or None, tuple(sections))


def _section(heading: Heading | None, path: tuple[str, ...], blocks: Sequence[Block]) -> Section:
    after = heading.span.end if heading else 0
    start, end = (blocks[0].start, blocks[-1].end) if blocks else (after, after)
    return Section(path, heading.span if heading else None, heading.level if heading else 0, start, end, tuple(blocks))


def check(canonical: CanonicalText) -> None:
    """Prove that every slice of `canonical` is what its records say.

    Headings and blocks are ordered, disjoint, inside their section, not empty, without white space at their ends, and
    hold all of the text but white space; the text is normalised. Raises `UnreadableDocument`, naming it, when one of
    these does not hold.
    """
    text = canonical.text
    _demand(text == normalise(text) and "\t" not in text, "the text is not normalised")
    _demand(canonical.title is None or canonical.title.strip() == canonical.title != "", "the title is blank")
    cursor = 0
    for section in canonical.sections:
        _check_section(text, section)
        for start, end in ([section.heading] if section.heading else []) + [(b.start, b.end) for b in section.blocks]:
            _demand(cursor <= start < end <= len(text), "two of its parts overlap")
            _demand(text[start:end] == text[start:end].strip(), "a part begins or ends with white space")
            _demand(not text[cursor:start].strip(), "some of its text belongs to no part")
            cursor = end
    _demand(not text[cursor:].strip(), "some of its text belongs to no part")
    pages = [(page.start, page.end) for page in canonical.pages]
    bounds = [0, *(bound for page in pages for bound in page), len(text)]
    _demand(bounds == sorted(bounds), "its pages overlap")


def _check_section(text: str, section: Section) -> None:
    if section.heading:
        own = text[slice(*section.heading)]
        _demand("\n" not in own, "a heading spans several lines")
        _demand(not section.heading_path or section.heading_path[-1] == own, "a heading's path does not end in it")
    else:
        _demand(not section.heading_path and bool(section.blocks), "a section has neither heading nor text")
    if section.blocks:
        body = (section.blocks[0].start, section.blocks[-1].end)
    else:
        body = (section.heading.end, section.heading.end) if section.heading else (0, 0)
    _demand((section.start, section.end) == body, "a section's bounds are not those of its blocks")


def _demand(holds: bool, fault: str) -> None:
    if not holds:
        raise UnreadableDocument(
            f"The text made of it does not hold together: {fault}.",
            "This is a fault of Clinic QA, not of the document: report it, and save the document in another format.",
        )
