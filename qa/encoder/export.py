"""How an index gets its encoder: exported from the configured model, tried against it, and stored once."""

import functools
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from qa.encoder.model import TAKE_ANOTHER, Model, find_model
from qa.encoder.onnx_runtime import OnnxEncoder
from qa.encoder.protocol import Encoder, EncoderIdentity, Encoding
from qa.encoder.store import EncoderRecord, OpenExported, encoder_folder, verify_encoder, write_record
from qa.errors import UNUSABLE, DamagedGeneration, ModelUnavailable
from qa.storage.files import staging, take_place
from qa.storage.sealed import list_files

LEAST_COSINE = 0.9999
"""An export whose vectors are less like the original's is not used."""
MAX_SAMPLES = 64
BATCH = 8
_ODD_TEXTS = ("", "👍", "Ça va? Łukasz — e\u0301tude 水泥", "word " * 600)
_EXPORTERS = ("onnx", "onnxruntime", "sentence-transformers", "tokenizers", "torch", "transformers")


class Original(Protocol):
    """A model that can be exported, and what it makes of texts itself: what an export must agree with."""

    def encode(self, texts: Sequence[str]) -> Iterator[Encoding]:
        """See `Encoder.encode`; raises ModelUnavailable when it cannot be loaded."""
        ...

    def export(self, folder: Path) -> int:
        """Writes the exported files, returns the limit of tokens; raises ModelUnavailable, saying why it cannot."""
        ...


OpenOriginal = Callable[[Model], Original]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well an export agrees with its original: the least cosine of all vectors, over so many texts."""

    least_cosine: float
    texts: int


class ExportingEncoders:
    """The encoder of the configured model, for a build: the stored one, or one that is exported now."""

    def __init__(
        self,
        index_folder: Path,
        model: Path | None,
        open_original: OpenOriginal | None = None,
        open_exported: OpenExported = OnnxEncoder,
    ) -> None:
        """`model` is the folder of the configured model, None for the packaged one."""
        self._index_folder = index_folder
        self._folder = model
        self._open_original = open_original or _sentence_transformer
        self._open_exported = open_exported

    @functools.cached_property
    def model(self) -> Model:
        """The configured model; raises ModelUnavailable when it is not there, or not the pinned one."""
        return find_model(self._folder)

    @functools.cached_property
    def _versions(self) -> Mapping[str, str]:
        """Those of the packages that decide what an export makes, and how well it agrees."""
        return {package: _version(package) for package in _EXPORTERS}

    def planned(self) -> EncoderIdentity:
        """See `EncoderMaker.planned`."""
        return EncoderIdentity.of(self.model.identity)

    def stored(self) -> Encoder | None:
        """See `EncoderMaker.stored`. An encoder that other versions of the libraries made is made anew."""
        record = self._whole()
        return self._open(record) if record is not None and record.versions == self._versions else None

    def make(self, samples: Sequence[str]) -> Encoder:
        """See `EncoderMaker.make`: exports the model, and tries the export against it.

        The live generation's encoder stays whole meanwhile: another one takes its place in one step, and only when it
        is of use. Raises ModelUnavailable, saying why, when it is not, and OSError when the disk refuses.
        """
        folder = encoder_folder(self._index_folder, self.planned())
        with staging(folder) as staged:
            record = self._export(staged, samples)
            write_record(staged, record)
            take_place(staged, folder, keep_old=self._whole() is None)
        return self._open(record)

    def _export(self, staged: Path, samples: Sequence[str]) -> EncoderRecord:
        """Writes the exported files into `staged` and tries them."""
        original, identity = self._open_original(self.model), self.planned()
        max_tokens = original.export(staged)
        try:
            agreement = compare(original, self._open_exported(staged, identity, max_tokens, 1), samples)
        except DamagedGeneration as error:
            raise ModelUnavailable(f"The exported encoder is of no use: {error.message}", TAKE_ANOTHER) from error
        return EncoderRecord(
            identity, max_tokens, agreement.least_cosine, agreement.texts, self._versions, list_files(staged)
        )

    def _whole(self) -> EncoderRecord | None:
        """What the index says of the encoder that it holds; None when there is none, or a damaged one."""
        try:
            return verify_encoder(self._index_folder, self.planned())
        except UNUSABLE:
            return None

    def _open(self, record: EncoderRecord) -> Encoder:
        folder = encoder_folder(self._index_folder, record.identity)
        return self._open_exported(folder, record.identity, record.max_tokens, 1)


def compare(original: Original, exported: Encoder, samples: Sequence[str]) -> Agreement:
    """Encodes up to 64 samples, evenly spread, and some odd texts with both, and some of them in one batch too.

    Raises ModelUnavailable, saying what differs, when the export does not make what the original makes.
    """
    step = max(1, -(-len(samples) // MAX_SAMPLES))
    texts = [*samples[::step], *_ODD_TEXTS]
    expected = list(original.encode(texts))
    alone = list(exported.encode(texts))
    together = exported.encode_questions(texts[-BATCH:])
    cosines = [1.0]
    for one, found in zip(expected + expected[-BATCH:], [*alone, *together], strict=True):
        if one.token_spans != found.token_spans:
            raise ModelUnavailable("The exported encoder reads other tokens than the model.", TAKE_ANOTHER)
        if _shapes(one) != _shapes(found):
            raise ModelUnavailable("The exported encoder makes vectors of another size than the model.", TAKE_ANOTHER)
        cosines.append(float(one.vector @ found.vector))
        cosines.extend(np.sum(one.token_vectors * found.token_vectors, axis=1).tolist())
    least = float(np.nan_to_num(np.min(cosines), nan=-1.0))
    if least < LEAST_COSINE:
        raise ModelUnavailable(
            f"The exported encoder's vectors have a cosine of {least:.4f} to the model's, under {LEAST_COSINE}.",
            TAKE_ANOTHER,
        )
    return Agreement(least, len(texts))


def _shapes(encoding: Encoding) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return encoding.vector.shape, encoding.token_vectors.shape


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _sentence_transformer(model: Model) -> Original:
    from qa.encoder.torch_runtime import SentenceTransformerEncoder

    return SentenceTransformerEncoder(model)
