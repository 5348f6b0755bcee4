"""Encoders for tests: one without a model, and the packaged one's identity and files."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from qa.encoder.model import find_model
from qa.encoder.protocol import Encoder, EncoderIdentity, Encoding, ModelIdentity, Vectors
from qa.errors import DamagedGeneration
from qa.records import Span

DIMENSION = 64


KNOWN_WORDS = frozenset({"football", "yesterday", "evening"})


def identity_of(name: str, digit: str = "0") -> EncoderIdentity:
    """The identity of an encoder that needs no file."""
    return EncoderIdentity.of(ModelIdentity(name, digit * 64, "f" * 64))


class BagOfWordsEncoder:
    """An encoder without a model: a text's vector is the sum of a pseudo-random vector for each of its words.

    Each word is a token, and its vector depends on that word only. It gives itself to whoever asks for an encoder.
    """

    identity = identity_of("bag-of-words")

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        for text in texts:
            self.encoded.append(text)
            yield encoding_of(text)

    def encode_questions(self, texts: Sequence[str]) -> tuple[Encoding, ...]:
        return tuple(self.encode(texts))

    def load(self) -> None:
        pass

    def knows_word(self, word: str) -> bool:
        return word in KNOWN_WORDS

    def open(self, identity: EncoderIdentity) -> "BagOfWordsEncoder":
        if identity != self.identity:
            raise DamagedGeneration(f"The encoder of {identity.model.name} is missing.", "Run `qa build`.")
        return self

    def planned(self) -> EncoderIdentity:
        return self.identity

    def stored(self) -> Encoder | None:
        return self

    def make(self, samples: Sequence[str]) -> Encoder:
        return self


def encoding_of(text: str) -> Encoding:
    """What the encoder without a model makes of a text."""
    words = list(re.finditer(r"\w+", text))
    vectors = np.reshape([_word_vector(word.group().lower()) for word in words], (-1, DIMENSION)).astype(np.float32)
    total = vectors.sum(axis=0) if words else _word_vector("")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    spans = tuple(Span(*word.span()) for word in words)
    return Encoding((total / np.linalg.norm(total)).astype(np.float32), vectors / lengths, spans)


def _word_vector(word: str) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)


def packaged_encoder() -> EncoderIdentity:
    """The identity of the packaged model's exported encoder."""
    return EncoderIdentity.of(find_model(None).identity)


def linked_model(folder: Path) -> Path:
    """A copy of the packaged model whose files can be replaced."""
    packaged = find_model(None).folder
    for path in packaged.rglob("*"):
        target = folder / path.relative_to(packaged)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    return folder


def lend_encoder(exported: Path, index: Path) -> None:
    """Gives an index the exported encoder, so that its first build need not make it. Its files must not be changed."""
    shutil.copytree(exported / "encoders", index / "encoders", copy_function=os.link)


class BrokenEncoder(BagOfWordsEncoder):
    """Fails with the question in its message, as libraries do."""

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        raise RuntimeError(f"cannot encode {texts}")
