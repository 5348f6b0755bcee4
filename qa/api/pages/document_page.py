"""The document page: a document in parts that, put together in order, are its canonical text, to the character."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from qa.links import slice_fragment
from qa.records import Document, Passage, Section

DEEPEST_HEADING = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """A slice of the text; one that is a passage of the index has its anchor."""

    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A section: the white space before its heading, the heading, that before its body, and the body.

    `level` is that of the HTML heading; 1 is the document's title. `anchor` is the section's permalink.
    """

    before: str
    heading: str
    level: int
    anchor: str
    between: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """The parts of a page, and the white space after the last. `has_title`: whether the text begins with its title."""

    parts: tuple[Part, ...]
    after: str
    has_title: bool

    @property
    def contents(self) -> tuple[Part, ...]:
        """The parts that a list of contents names."""
        return tuple(part for part in self.parts if part.heading and part.level > 1)


def document_page(document: Document, passages: Sequence[Passage]) -> DocumentPage:
    """`passages` are the document's own, in the text's order."""
    text = document.text
    sections = document.sections
    has_title = bool(sections) and _heading(document, sections[0]) == document.approval.title
    parts: list[Part] = []
    anchors: dict[str, int] = {}
    position = 0
    for number, section in enumerate(sections):
        heading = section.heading
        heading_start, heading_end = heading or (section.start, section.start)
        is_title = has_title and number == 0
        parts.append(
            Part(
                before=text[position:heading_start],
                heading=text[heading_start:heading_end],
                level=1 if is_title else min(DEEPEST_HEADING, 1 + max(1, len(section.heading_path))),
                anchor=_anchor(text[heading_start:heading_end], anchors),
                between=text[heading_end : section.start],
                pieces=tuple(_pieces(text, section, passages)),
            )
        )
        position = section.end
    return DocumentPage(tuple(parts), text[position:], has_title)


def facts_for_machines(document: Document) -> Mapping[str, object]:
    """What schema.org calls a MedicalWebPage."""
    approval = document.approval
    return {
        "@context": "https://schema.org",
        "@type": "MedicalWebPage",
        "name": approval.title,
        "lastReviewed": approval.approved_on.isoformat(),
        "reviewedBy": {"@type": "Organization", "name": approval.approved_by},
        "audience": {"@type": "PatientAudience", "audienceType": "patients"},
    }


def source_is_web(document: Document) -> bool:
    """Whether the source can be opened by a link; other schemes could run something."""
    try:
        parts = urlsplit(document.approval.source_url or "")
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _heading(document: Document, section: Section) -> str:
    return document.text[slice(*section.heading)] if section.heading else ""


def _pieces(text: str, section: Section, passages: Sequence[Passage]) -> Iterator[Piece]:
    """The body, cut where passages begin and end."""
    position = section.start
    for passage in passages:
        if position <= passage.start and passage.end <= section.end:
            if position < passage.start:
                yield Piece(text[position : passage.start])
            yield Piece(text[passage.start : passage.end], slice_fragment(passage.start, passage.end))
            position = passage.end
    if position < section.end:
        yield Piece(text[position : section.end])


def _anchor(heading: str, taken: dict[str, int]) -> str:
    """From the heading's words, so that a permalink outlives changes elsewhere in the text."""
    words = "-".join(re.findall(r"\w+", heading.lower()))[:80] or "text"
    taken[words] = taken.get(words, 0) + 1
    return f"s-{words}" if taken[words] == 1 else f"s-{words}-{taken[words]}"
