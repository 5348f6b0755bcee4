"""Which passages must be encoded, and which encodings the live generation already holds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qa.encoder import Encoder, Vectors
from qa.errors import UNUSABLE
from qa.files import sha256_of_text
from qa.generation import open_generation
from qa.manifest import Recipe, to_json_line
from qa.passages import embedding_text
from qa.publication import live_id
from qa.records import Document, Passage
from qa.tokens import TokenRows, quantised

Progress = Callable[[int, int], None]
"""Called with (done, total) passages encoded; total counts only those that must be."""


@dataclass(frozen=True, slots=True)
class EncodedPassage:
    """What an index keeps of a passage: its vector, its token vectors, and a vector for each sentence, row by row."""

    vector: Vectors
    tokens: TokenRows
    sentences: Vectors


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The encodings of all passages, how many were reused, and how many were made now."""

    encoded: Mapping[str, EncodedPassage]
    reused: int
    made: int

    def of(self, document: Document, passage: Passage) -> EncodedPassage:
        """Raises KeyError when the passage was not embedded."""
        return self.encoded[_key(document, passage)]


def embed(
    rows: Sequence[tuple[Document, Passage]], index: Path, recipe: Recipe, encoder: Encoder, progress: Progress
) -> Embeddings:
    """Encodes each passage that the live generation does not hold, together with its sentences."""
    known = _known(index, recipe)
    wanted = {_key(*row): row for row in rows}
    missing = {key: row for key, row in wanted.items() if key not in known}
    progress(0, len(missing))
    groups = [group for row in missing.values() for group in _groups(*row)]
    encodings = encoder.encode(groups)
    for done, key in enumerate(missing, start=1):
        passages, sentences = next(encodings), next(encodings)
        vectors = [sentence.vector for sentence in sentences]
        known[key] = EncodedPassage(passages[0].vector, quantised(passages[0].token_vectors), np.stack(vectors))
        progress(done, len(missing))
    return Embeddings({key: known[key] for key in wanted}, len(wanted) - len(missing), len(missing))


def _groups(document: Document, passage: Passage) -> tuple[list[str], list[str]]:
    """What is encoded in a pass of its own: the passage with its headings, and its sentences together."""
    return [embedding_text(document, passage)], list(_sentence_texts(document, passage))


def _sentence_texts(document: Document, passage: Passage) -> Iterator[str]:
    return (document.text[sentence.start : sentence.end] for sentence in passage.sentences)


def _key(document: Document, passage: Passage) -> str:
    """Names all the text that goes into a passage's encodings."""
    return sha256_of_text(to_json_line(_groups(document, passage)))


def _known(index: Path, recipe: Recipe) -> dict[str, EncodedPassage]:
    """What the live generation holds; empty when it is of no use."""
    try:
        live = open_generation(index, live_id(index))
    except UNUSABLE:
        return {}
    if live.manifest.recipe.encoder != recipe.encoder:
        return {}
    staff = live.audiences["staff"]
    vectors = staff.vectors.vectors_of(range(len(staff.passages)))
    return {
        _key(staff.documents[passage.document_id], passage): EncodedPassage(
            vectors[number],
            staff.tokens.rows_of(number),
            staff.sentence_vectors.vectors_of(staff.sentence_numbers(number)),
        )
        for number, passage in enumerate(staff.passages)
    }
