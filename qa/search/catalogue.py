"""The documents that one audience may be quoted on one day."""

import datetime
from dataclasses import dataclass

from qa.errors import UnknownDocument
from qa.index.generation import AudienceIndex
from qa.records import Document, Passage


@dataclass(frozen=True, slots=True)
class Census:
    """What one audience's index holds: all its passages, and how many of its documents are valid, due and expired."""

    passages: int
    documents: int
    review_due: int
    expired: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One audience's index on one day: a snapshot, whatever is published meanwhile.

    A document that expired after the build is not in it. A review that is to be done by `due_by` counts as due.
    """

    index: AudienceIndex
    today: datetime.date
    due_by: datetime.date

    def documents(self) -> tuple[Document, ...]:
        """The documents that may be quoted, by id."""
        return tuple(document for _, document in sorted(self.index.documents.items()) if self._is_valid(document))

    def document(self, document_id: str) -> Document:
        """Raises UnknownDocument when there is none of that id that may be quoted."""
        document = self.index.documents.get(document_id)
        if document is None or not self._is_valid(document):
            reason = f"No approved {self.index.audience} document has that id."
            raise UnknownDocument(reason, "GET /v1/documents lists them.")
        return document

    def passages(self, document: Document) -> tuple[Passage, ...]:
        """The passages of a document of this catalogue, in the text's order."""
        own = (passage for passage in self.index.passages if passage.document_id == document.id)
        return tuple(sorted(own, key=lambda passage: passage.start))

    def census(self) -> Census:
        """The counts, made when they are asked for."""
        valid = self.documents()
        due = sum(document.approval.review_by <= self.due_by for document in valid)
        return Census(len(self.index.passages), len(valid), due, len(self.index.documents) - len(valid))

    def _is_valid(self, document: Document) -> bool:
        return not document.approval.has_expired(self.today)
