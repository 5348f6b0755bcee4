"""What passes between the stages: frozen records, nothing else.

Every offset counts Unicode code points of a document's canonical text, and every range is half-open: `[start, end)`.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from qa.errors import UnknownAudience

Audience = Literal["patient", "staff"]
AUDIENCES: tuple[Audience, ...] = get_args(Audience)


def checked_audience(name: str) -> Audience:
    """The audience of that name; raises UnknownAudience."""
    for audience in AUDIENCES:
        if audience == name:
            return audience
    raise UnknownAudience("There is no such audience.", f"Use {' or '.join(AUDIENCES)}.")


BlockKind = Literal["paragraph", "list_item", "table_row", "preformatted"]

Status = Literal[
    "approved",
    "review_due",
    "changed",
    "unlisted",
    "expired",
    "withdrawn",
    "missing",
    "unreadable",
    "no_reader",
    "invalid_entry",
]
"""What `qa status` says of a file; `review_due` is approved and served, its review being near or past."""

SERVABLE: frozenset[Status] = frozenset({"approved", "review_due"})


class Span(NamedTuple):
    """A slice `[start, end)` of a canonical text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, list item (with its bullet or number), table row or preformatted block of a section."""

    kind: BlockKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """The text under one heading, up to the next heading of any level.

    `heading_path` runs from the outermost heading to the section's own and leaves out the document's title; it is
    empty for text before the first heading. `heading` is where the own heading stands, None where there is none.
    `[start, end)` is the body; `blocks` hold all of the body but white space, in order, without overlap.
    """

    heading_path: tuple[str, ...]
    heading: Span | None
    level: int
    start: int
    end: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a paged format, numbered from 1."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CanonicalText:
    """What a reader of a format makes of a file's bytes: the text a person reads, and its structure.

    `text` has no markup, only `\\n` as line break, no NBSP, BOM, NUL or lone surrogate, and is in NFC.
    `title` is the document's own, None where it names none. Sections follow each other in the text's order.
    """

    text: str
    title: str | None
    sections: tuple[Section, ...]
    pages: tuple[Page, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """One entry of the register: which bytes are approved, by whom, for whom, until when.

    `path` is relative to the corpus folder, with `/` on every platform. `file_sha256` is of the file's bytes,
    `text_sha256` of the UTF-8 bytes of the canonical text that the approver was shown.
    """

    document_id: str
    path: str
    title: str
    audience: Audience
    file_sha256: str
    text_sha256: str
    approved_by: str
    approved_on: datetime.date
    review_by: datetime.date
    expires_on: datetime.date | None = None
    source_url: str | None = None
    withdrawn_on: datetime.date | None = None
    withdrawn_why: str | None = None

    def has_expired(self, today: datetime.date) -> bool:
        """Whether the text must not be quoted any more: from the day of its expiry on."""
        return self.expires_on is not None and self.expires_on <= today


@dataclass(frozen=True, slots=True)
class Document:
    """An approved document with the text that was approved."""

    approval: Approval
    text: str
    sections: tuple[Section, ...]
    pages: tuple[Page, ...] = ()

    @property
    def id(self) -> str:
        return self.approval.document_id

    @property
    def text_sha256(self) -> str:
        return self.approval.text_sha256


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What the corpus and the register say of one file; `approval` is None for an unlisted one."""

    path: str
    status: Status
    explanation: str
    approval: Approval | None = None

    @property
    def is_servable(self) -> bool:
        return self.status in SERVABLE

    @property
    def is_approved_but_not_servable(self) -> bool:
        """Whether someone approved the file, nobody withdrew it, and it still can't be quoted."""
        listed = self.approval is not None or self.status == "invalid_entry"
        return listed and not self.is_servable and self.status != "withdrawn"


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of one section of a document: what is ranked and quoted. `sentences` tile it but for white space."""

    document_id: str
    start: int
    end: int
    heading_path: tuple[str, ...]
    page: int | None
    sentences: tuple[Span, ...]


ReplacementKind = Literal["spelling", "abbreviation", "synonym", "lay_word"]


@dataclass(frozen=True, slots=True)
class Replacement:
    """A part of the question as it was typed, and what it was read as."""

    typed: str
    read_as: str
    kind: ReplacementKind


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A question as it may be meant, and how that differs from what was typed, from left to right."""

    text: str
    replacements: tuple[Replacement, ...]


@dataclass(frozen=True, slots=True)
class QuestionWord:
    """A word of a question: how it was typed and where, and the numbers of the encoder's tokens in it.

    `weight` is its inverse document frequency in the index asked; `terms` are the index terms that it gives.
    """

    text: str
    start: int
    terms: tuple[str, ...]
    tokens: tuple[int, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage by its number in an index, with its cosine to the question, and its BM25 score over the best
    candidate's, in [0, 1]."""

    passage: int
    cosine: float
    term_score: float


@dataclass(frozen=True, slots=True)
class RankedPassage:
    """A candidate with its signals at the token grain and its score in [0, 1].

    A token is covered as well as the largest cosine to a token of the passage says. `mean_coverage` is the mean over
    all tokens of the question, `token_coverage` holds those of its content words, `word_coverage` each word's mean.
    """

    candidate: Candidate
    mean_coverage: float
    token_coverage: tuple[float, ...]
    word_coverage: tuple[float, ...]
    score: float

    @property
    def passage(self) -> int:
        return self.candidate.passage


@dataclass(frozen=True, slots=True)
class Signals:
    """What the confidence is computed from, each in [-1, 1]; the best passages are the first five.

    `least_tokens`: the mean coverage of the three least-covered tokens, by the best passage that covers them most.
    `least_token`: that of the least-covered token by the first passage. `least_token_mean`: the same by the three of
    the best passages that cover theirs most, on average. `topic`: that of the less covered of the two rarest words, by
    the passage that covers it most. Of the first passage: `mean_coverage` of all tokens, the `cosine`, and
    `least_word`, the coverage of the least-covered word, 1 for a word that it holds.
    `words_held`: 1 where the index holds every content word, else 0. `words_known`: 0 where it does not hold one that
    the best passages don't cover either, else 1. `number_given`: 0 where the question asks for a number of something
    and no best passage gives one, else 1.

    Where the passages are read, each has a signal of its own, and only one: the `reader`'s log-odds that it answers.
    """

    least_tokens: float = 0.0
    least_token: float = 0.0
    least_token_mean: float = 0.0
    topic: float = 0.0
    mean_coverage: float = 0.0
    least_word: float = 0.0
    words_held: float = 0.0
    words_known: float = 0.0
    number_given: float = 0.0
    cosine: float = 0.0
    reader: float = 0.0


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quote stands, so that anyone can fetch the document and check the slice and the hash."""

    document_id: str
    title: str
    audience: Audience
    heading_path: tuple[str, ...]
    page: int | None
    start: int
    end: int
    document_sha256: str
    source_url: str | None
    approved_by: str
    approved_on: datetime.date
    review_by: datetime.date
    link: str


ContextKind = Literal["heading", "lead_in", "table_header"]


@dataclass(frozen=True, slots=True)
class ContextSlice:
    """A slice `[start, end)` of the quoted document's text, outside the quote, that says what the quote is about.

    One that is `governing` turns what the quote means ("Do not take any of these:"): it is shown as large as the
    answer, wherever the quote is.
    """

    text: str
    start: int
    end: int
    kind: ContextKind
    governing: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """The exact slice that its citation names; `highlights` are offsets into `text`, `score` lies in [0, 1].

    `context` stands in the order of the document's text, before the quote.
    """

    text: str
    highlights: tuple[Span, ...]
    context: tuple[ContextSlice, ...]
    score: float
    citation: Citation


Outcome = Literal["answered", "not_covered"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to one question, all of it from one generation of one audience's index.

    `quotes` is empty when the outcome is `not_covered`. `related` holds the closest passages beside them, which are no
    answer by themselves.
    `generation` is the digest of the audience's own index: a patient's answer tells nothing of staff documents.
    `not_covered_terms` are words as they were typed; `read_as` says where the question was read otherwise than typed.
    """

    outcome: Outcome
    confidence: float
    audience: Audience
    generation: str
    quotes: tuple[Quote, ...]
    related: tuple[Quote, ...]
    not_covered_terms: tuple[str, ...]
    read_as: tuple[Replacement, ...] = ()


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether questions can be answered now. `reason` says why not and what to run; it is empty when ready.

    `documents` and `passages` count per audience served.
    """

    ready: bool
    reason: str
    generation: str | None = None
    built_at: datetime.datetime | None = None
    model: str | None = None
    model_sha256: str | None = None
    reader_sha256: str | None = None
    documents: Mapping[Audience, int] = field(default_factory=dict)
    passages: Mapping[Audience, int] = field(default_factory=dict)
