"""Which passages must be encoded, and which encodings a generation already holds."""

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qa.corpus.passages import embedding_text
from qa.encoder.protocol import Encoder, EncoderIdentity, Vectors
from qa.index.generation import Generation
from qa.index.token_vectors import PassageTokens, quantised
from qa.records import Document, Passage, Span
from qa.storage.files import sha256_of_text
from qa.storage.sealed import to_json_line

Progress = Callable[[int, int], None]
"""Called with (done, total) passages encoded; total counts only those that must be."""


@dataclass(frozen=True, slots=True)
class EncodedPassage:
    """What an index keeps of a passage: its vector, and those of its tokens."""

    vector: Vectors
    tokens: PassageTokens


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
    rows: Sequence[tuple[Document, Passage]],
    held: Mapping[str, EncodedPassage],
    encoder: Encoder,
    progress: Progress,
) -> Embeddings:
    """Encodes each passage that is not in `held`, the encodings of a generation, with its title and headings."""
    known = dict(held)
    wanted = {_key(*row): row for row in rows}
    missing = {key: row for key, row in wanted.items() if key not in known}
    progress(0, len(missing))
    encodings = encoder.encode([embedding_text(*row) for row in missing.values()])
    for done, ((key, row), encoding) in enumerate(zip(missing.items(), encodings, strict=True), start=1):
        sentence_starts = _sentence_starts(*row, encoding.token_spans)
        tokens = PassageTokens(quantised(encoding.token_vectors), sentence_starts)
        known[key] = EncodedPassage(encoding.vector, tokens)
        progress(done, len(missing))
    return Embeddings({key: known[key] for key in wanted}, len(wanted) - len(missing), len(missing))


def _sentence_starts(document: Document, passage: Passage, spans: Sequence[Span]) -> tuple[int, ...]:
    """The number of the first token of each sentence, among those at `spans` of the passage's embedding text."""
    text_start = len(embedding_text(document, passage)) - (passage.end - passage.start)
    starts = [span.start for span in spans]
    return tuple(
        bisect.bisect_left(starts, text_start + sentence.start - passage.start) for sentence in passage.sentences
    )


def _key(document: Document, passage: Passage) -> str:
    """Names the text that goes into a passage's encoding, and where its sentences begin."""
    sentences = [sentence.start - passage.start for sentence in passage.sentences]
    return sha256_of_text(to_json_line([embedding_text(document, passage), sentences]))


def held_encodings(generation: Generation, encoder: EncoderIdentity) -> dict[str, EncodedPassage]:
    """The encodings that a generation holds, for `embed`; none where another encoder made them."""
    if generation.manifest.recipe.encoder != encoder:
        return {}
    staff = generation.audiences["staff"]
    vectors = staff.vectors.vectors_of(range(len(staff.passages)))
    return {
        _key(staff.documents[passage.document_id], passage): EncodedPassage(
            vectors[number], staff.tokens.of(number, staff.sentence_numbers(number))
        )
        for number, passage in enumerate(staff.passages)
    }
