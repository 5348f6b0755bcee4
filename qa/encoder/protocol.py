"""Text → vectors: what an encoder is, and what identifies it.

With some runtimes the neighbours in a batch change the last bits of a vector, and a patient's answer would then depend
on which staff documents were embedded beside it. So texts share a pass only where that was shown to change no bit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qa.records import Span
from qa.storage.files import sha256_of_text

Vectors = NDArray[np.float32]

STORE_VERSION = 2
"""Counts the ways in which an encoder was exported and stored; another one makes other ids."""

GRAPH, WEIGHTS, TOKENIZER, PROJECTION = "model.onnx", "model.weights", "tokenizer.json", "projection.npy"
"""The files of an exported encoder; the last one only where token vectors are projected."""
HIDDEN = "hidden"
"""The graph's output: a vector for each token of each text, padding too."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model makes the vectors. `files_sha256` covers what decides them beside the weights: configuration,
    tokenizer, pooling, and the projection of token vectors."""

    name: str
    weights_sha256: str
    files_sha256: str


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """What a generation's questions must be encoded with: the export of a model.

    `id` names its folder in the index; it is derived from the model alone, so that two machines give it the same.
    """

    model: ModelIdentity
    id: str

    @classmethod
    def of(cls, model: ModelIdentity) -> "EncoderIdentity":
        made_from = (str(STORE_VERSION), model.name, model.weights_sha256, model.files_sha256)
        return cls(model, sha256_of_text("\n".join(made_from))[:16])


@dataclass(frozen=True, slots=True)
class Encoding:
    """What one pass of the encoder makes of a text.

    `vector` has shape (dimension,) and length 1. `token_vectors` has shape (tokens, token dimension) and rows of
    length 1: one for each token that the model reads, without its special ones; `token_spans` says where each stands.
    """

    vector: Vectors
    token_vectors: Vectors
    token_spans: tuple[Span, ...]


class Encoder(Protocol):
    """Text → vectors, all float32."""

    @property
    def identity(self) -> EncoderIdentity: ...

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        """The encodings of texts, in order, as they are made; each depends on its text alone, to the bit."""
        ...

    def encode_questions(self, texts: Sequence[str]) -> tuple[Encoding, ...]:
        """The encodings of texts that wait at the same time; each is what it is alone, to the bit."""
        ...

    def load(self) -> None:
        """Loads the model now, if it is not loaded yet: else the first use does."""
        ...

    def knows_word(self, word: str) -> bool:
        """Whether the model's own vocabulary holds a lower-case word whole: then it is hardly a misspelling."""
        ...


class Encoders(Protocol):
    """Where a reader gets the encoder that a generation names."""

    def open(self, identity: EncoderIdentity) -> Encoder:
        """Raises DamagedGeneration when it is missing or damaged, ModelUnavailable where nothing runs it.

        Raises IndexUnavailable or StorageFailed when the machine is in trouble: then it may be whole.
        """
        ...


class EncoderMaker(Protocol):
    """Where a build gets the encoder of the configured model."""

    def planned(self) -> EncoderIdentity:
        """What `make` gives, known without loading anything."""
        ...

    def stored(self) -> Encoder | None:
        """The encoder that is stored already; None when there is none, or a damaged one.

        Raises IndexUnavailable when the machine cannot read it: then it may be whole.
        """
        ...

    def make(self, samples: Sequence[str]) -> Encoder:
        """Makes and stores the encoder, after trying it on samples of the texts that it is for.

        Raises ModelUnavailable, saying why, when it is of no use.
        """
        ...


def rows_of_tokens(hidden: Vectors, spans: Sequence[tuple[int, int]], projection: Vectors | None) -> Vectors:
    """The vectors of the tokens that stand for characters, of all that the model read; projected, and of length 1."""
    rows = hidden[[number for number, (start, end) in enumerate(spans) if start < end]]
    return unit(rows if projection is None else rows @ projection)


def spans_of_tokens(spans: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """Where the tokens of `rows_of_tokens` stand."""
    return tuple(Span(start, end) for start, end in spans if start < end)


def unit(vectors: Vectors) -> Vectors:
    """Each row divided by its length; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    divided: Vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
    return divided
