"""`qa build` with an encoder that encodes the first passages, and gives the others perturbed vectors of those.

For indexes that would take too long to encode; started by `scenario.py`. Texts, terms and files are real, the
vectors of passages beyond `--encode-first` are copies. Prints the build's report as JSON.

    python -m scripts.bench.build --corpus DIR --index DIR --encode-first 5000
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the command `qa` does, before the libraries are loaded

import numpy as np

from qa.encoder.export import ExportingEncoders
from qa.encoder.protocol import Encoder, EncoderIdentity, EncoderMaker, Encoding, Vectors
from qa.indexer.build import build_index
from qa.settings import load_settings, today

NOISE = 0.3
"""Length of the noise that is added to a unit vector: the copy's cosine to it is about .96."""
SEED = 5


class PerturbedCopies:
    """An encoder that encodes the first `limit` texts of a build. Each later one is a copy of one of these, at best of
    one with the same title: its vectors with noise, and as many tokens as the text that it copies.
    """

    def __init__(self, encoder: Encoder, limit: int) -> None:
        self._encoder = encoder
        self._limit = limit
        self._random = np.random.default_rng(SEED)

    @property
    def identity(self) -> EncoderIdentity:
        return self._encoder.identity

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        made: list[Encoding] = []
        by_title: dict[str, list[int]] = {}
        for text, encoding in zip(texts, self._encoder.encode(texts[: self._limit]), strict=False):
            by_title.setdefault(_title(text), []).append(len(made))
            made.append(encoding)
            yield encoding
        for text in texts[len(made) :]:
            candidates = by_title.get(_title(text)) or range(len(made))
            yield self._copy(made[candidates[int(self._random.integers(len(candidates)))]])

    def encode_questions(self, texts: Sequence[str]) -> tuple[Encoding, ...]:
        return self._encoder.encode_questions(texts)

    def load(self) -> None:
        self._encoder.load()

    def knows_word(self, word: str) -> bool:
        return self._encoder.knows_word(word)

    def _copy(self, encoding: Encoding) -> Encoding:
        return Encoding(self._noisy(encoding.vector), self._noisy(encoding.token_vectors), encoding.token_spans)

    def _noisy(self, vectors: Vectors) -> Vectors:
        noise = self._random.standard_normal(vectors.shape, np.float32)
        moved = vectors + noise * np.float32(NOISE / np.sqrt(vectors.shape[-1]))
        unit: Vectors = moved / np.linalg.norm(moved, axis=-1, keepdims=True)
        return unit


class CopyingEncoders:
    """An encoder maker whose encoders give perturbed copies after the first `limit` passages."""

    def __init__(self, makers: EncoderMaker, limit: int) -> None:
        self._makers = makers
        self._limit = limit

    def planned(self) -> EncoderIdentity:
        return self._makers.planned()

    def stored(self) -> Encoder | None:
        encoder = self._makers.stored()
        return None if encoder is None else PerturbedCopies(encoder, self._limit)

    def make(self, samples: Sequence[str]) -> Encoder:
        return PerturbedCopies(self._makers.make(samples), self._limit)


def _title(text: str) -> str:
    return text.split(". ", 1)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--encode-first", type=int, required=True, metavar="PASSAGES")
    arguments = parser.parse_args()
    settings = load_settings(corpus=arguments.corpus, index=arguments.index)
    encoders = CopyingEncoders(ExportingEncoders(settings.index, settings.model), arguments.encode_first)
    report = build_index(settings, encoders, today(), lambda _done, _total: None)
    print(json.dumps({**asdict(report), "left_out": len(report.left_out)}))


if __name__ == "__main__":
    main()
