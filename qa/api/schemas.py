"""Pydantic schemas: the JSON of each request and response, and how it is made from records.

Every offset counts Unicode code points of a document's `text`, and every range is half-open: `[start, end)`.
"""

import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from qa import records
from qa.links import document_link
from qa.records import AUDIENCES, Audience, ContextKind, Outcome, ReplacementKind
from qa.search.query import DEFAULT_QUOTES, MAX_QUESTION_CHARACTERS, MAX_QUOTES

Offsets = Annotated[tuple[int, int], Field(description="[start, end) in code points", examples=[(41, 118)])]
HeadingPath = Annotated[
    tuple[str, ...], Field(description="the headings above the text, outermost first, without the document's title")
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Schema(BaseModel):
    """A JSON object with exactly these members."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def of(cls, record: object) -> Self:
        """Made from a record that has the same fields."""
        return cls.model_validate(record, from_attributes=True)


class AskRequest(Schema):
    """One question."""

    # Length and audience are only described here: the engine checks them.
    model_config = ConfigDict(strict=True)

    question: str = Field(
        description=f"a text of 1 to {MAX_QUESTION_CHARACTERS:,} characters",
        json_schema_extra={"minLength": 1, "maxLength": MAX_QUESTION_CHARACTERS},
        examples=["how long until the cement hardens?"],
    )
    limit: int = Field(
        default=DEFAULT_QUOTES,
        ge=1,
        le=MAX_QUOTES,
        description=f"a whole number from 1 to {MAX_QUOTES}, the most quotes to return",
    )
    audience: str = Field(
        default="patient", description=f"one of {', '.join(AUDIENCES)}", json_schema_extra={"enum": list(AUDIENCES)}
    )


class Citation(Schema):
    """Where a quote stands: fetch the document and check the slice and the hash."""

    document_id: str
    title: str
    audience: Audience = Field(description="whom the document was approved for")
    heading_path: HeadingPath
    page: int | None = Field(description="from 1; null where the format has no pages")
    start: int
    end: int
    document_sha256: Sha256 = Field(description="SHA-256 of the UTF-8 bytes of the document's text")
    source_url: str | None
    approved_by: str
    approved_on: datetime.date
    review_by: datetime.date
    link: str = Field(description="opens the document at the quote, on this server")


class ContextSlice(Schema):
    """A slice `[start, end)` of the cited document's text that stands before the quote and says what it is about."""

    text: str
    start: int
    end: int
    kind: ContextKind
    governing: bool = Field(description="it turns what the quote means: show it as large as the answer, before it")


class Quote(Schema):
    """`text` is the slice `[start, end)` of the cited document's text."""

    text: str
    highlights: tuple[Offsets, ...] = Field(
        description="what answers, with the lead-in or table header that it needs, as offsets into the quote's text"
    )
    context: tuple[ContextSlice, ...] = Field(
        description="the headings, lead-ins and table header that the quote stands under, in the order of the text"
    )
    score: float = Field(ge=0, le=1)
    citation: Citation


class Replacement(Schema):
    """A part of the question that was read otherwise than typed."""

    typed: str
    read_as: str
    kind: ReplacementKind


class Answer(Schema):
    """The reply to one question. The question is not repeated."""

    outcome: Outcome
    confidence: float = Field(ge=0, le=1)
    audience: Audience
    generation: str = Field(description="digest of the audience's index that answered")
    quotes: tuple[Quote, ...] = Field(description="best first; empty when not covered")
    related: tuple[Quote, ...] = Field(description="the closest passages beyond the quotes, which are no answer")
    not_covered_terms: tuple[str, ...] = Field(description="words of the question that no approved text covers")
    read_as: tuple[Replacement, ...] = Field(description="where the question was read otherwise than typed")


class DocumentSummary(Schema):
    """An approved document without its text."""

    id: str
    title: str
    audience: Audience = Field(description="whom the document was approved for")
    document_sha256: Sha256 = Field(description="SHA-256 of the UTF-8 bytes of the document's text")
    approved_by: str
    approved_on: datetime.date
    review_by: datetime.date
    expires_on: datetime.date | None
    source_url: str | None
    characters: int = Field(description="length of the text in code points")
    link: str


class DocumentList(Schema):
    """The documents that an audience may be quoted today, by id."""

    audience: Audience
    documents: tuple[DocumentSummary, ...]


class Section(Schema):
    """The text under one heading; `heading` is where the heading itself stands."""

    heading_path: HeadingPath
    level: int
    heading: Offsets | None
    start: int
    end: int


class Page(Schema):
    """A page of a paged format."""

    number: int = Field(ge=1)
    start: int
    end: int


class Document(DocumentSummary):
    """All that is needed to check a quote."""

    text: str = Field(description="the canonical text that was approved")
    sections: tuple[Section, ...]
    pages: tuple[Page, ...] = Field(description="empty where the format has no pages")


class Liveness(Schema):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Counts(Schema):
    """What one audience's index holds."""

    documents: int
    passages: int


class Readiness(Schema):
    """Which generation answers; `degraded` when a newer one was refused, and `reason` then says why."""

    status: Literal["ready", "degraded"]
    generation: str | None
    built_at: datetime.datetime | None
    model: str | None
    reader_sha256: str | None = Field(
        description="of the model that decides whether passages answer; null where none does"
    )
    audiences: dict[Audience, Counts]
    reason: str


class ErrorBody(Schema):
    """What went wrong and what to do next. Nothing that was sent is repeated here."""

    code: str = Field(description="stable, for programs")
    message: str = Field(description="one line, for people")
    detail: dict[str, object] | None = Field(default=None, description="the same facts, for programs")


class ErrorResponse(Schema):
    """The one shape of every error."""

    error: ErrorBody


def document_summary(document: records.Document) -> DocumentSummary:
    """What the list says of a document."""
    approval = document.approval
    return DocumentSummary(
        id=document.id,
        title=approval.title,
        audience=approval.audience,
        document_sha256=document.text_sha256,
        approved_by=approval.approved_by,
        approved_on=approval.approved_on,
        review_by=approval.review_by,
        expires_on=approval.expires_on,
        source_url=approval.source_url,
        characters=len(document.text),
        link=document_link(document.id, approval.audience),
    )


def whole_document(document: records.Document) -> Document:
    """A document with its text, sections and pages."""
    return Document(
        **dict(document_summary(document)),
        text=document.text,
        sections=tuple(Section.of(section) for section in document.sections),
        pages=tuple(Page.of(page) for page in document.pages),
    )


def readiness(record: records.Readiness) -> Readiness:
    """What `/readyz` says of an engine that has a generation open."""
    return Readiness(
        status="degraded" if record.reason else "ready",
        generation=record.generation,
        built_at=record.built_at,
        model=record.model,
        reader_sha256=record.reader_sha256,
        audiences={
            audience: Counts(documents=count, passages=record.passages[audience])
            for audience, count in record.documents.items()
        },
        reason=record.reason,
    )
