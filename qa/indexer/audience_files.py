"""One audience's documents, passages and encodings → the files of its index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qa.corpus.passages import heading_text
from qa.encoder.protocol import Vectors
from qa.index.bm25 import write_terms
from qa.index.generation import write_records
from qa.index.manifest import AudienceFiles, AudienceSummary
from qa.index.token_vectors import write_tokens
from qa.index.vectors import index_kind, write_vectors
from qa.index.vocabulary import collect, write_vocabulary
from qa.indexer.embedding import Embeddings
from qa.indexer.plan import Plan
from qa.records import Audience, Document, Passage


@dataclass(frozen=True, slots=True)
class Content:
    """What a generation holds: the passages of each document, by its id, and their encodings."""

    passages: Mapping[str, tuple[Passage, ...]]
    embeddings: Embeddings


def write_audience(staging: Path, audience: Audience, plan: Plan, content: Content) -> AudienceSummary:
    """Writes them into a new folder of `staging`, named after the audience. Raises OSError when the disk refuses."""
    passages, embeddings = content.passages, content.embeddings
    files = AudienceFiles.of(audience)
    documents = plan.documents[audience]
    rows = [(document, passage) for document in documents for passage in passages[document.id]]
    (staging / audience).mkdir()
    write_records(staging / files.documents, documents)
    write_records(staging / files.passages, tuple(passage for _, passage in rows))
    encoded = [embeddings.of(document, passage) for document, passage in rows]
    example = next(iter(embeddings.encoded.values()))
    sentences = sum(len(passage.sentences) for _, passage in rows)
    kind = index_kind(len(rows))
    write_vectors(
        staging / files.passage_vectors, _stack([passage.vector for passage in encoded], len(example.vector)), kind
    )
    write_tokens(
        staging / files.tokens,
        staging / files.token_starts,
        staging / files.sentence_starts,
        [passage.tokens for passage in encoded],
        example.tokens.rows.shape[1],
    )
    write_terms(
        staging / files.terms,
        ((heading_text(document, passage), document.text[passage.start : passage.end]) for document, passage in rows),
    )
    write_vocabulary(
        staging / files.vocabulary, collect([*(document.text for document in documents), *_titles(documents)])
    )
    texts = {document.id: document.text_sha256 for document in documents}
    return AudienceSummary(plan.digests[audience], texts, len(rows), sentences, kind)


def _titles(documents: Sequence[Document]) -> list[str]:
    return [document.approval.title for document in documents]


def _stack(vectors: Sequence[Vectors], dimension: int) -> Vectors:
    return np.stack(vectors) if vectors else np.empty((0, dimension), np.float32)
