"""How an index gets its encoder: exported from the configured model, tried against it, and stored once."""

import functools
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from qa.encoder.model import Model, find_model
from qa.encoder.onnx_runtime import OnnxEncoder
from qa.encoder.protocol import Encoder, EncoderIdentity, Encoding, MadeEncoder, Runtime
from qa.encoder.store import EncoderRecord, OpenExported, encoder_folder, read_record, verify_encoder, write_record
from qa.errors import UNUSABLE, DamagedGeneration, ModelUnavailable
from qa.storage.files import staging, take_place
from qa.storage.sealed import list_files

LEAST_COSINE = 0.9999
"""An export whose vectors are less like the original's is not used."""
MAX_SAMPLES = 64
BATCH = 8
_ODD_TEXTS = ("", "👍", "Ça va? Łukasz — e\u0301tude 水泥", "word " * 600)
_EXPORTERS = ("onnx", "onnxruntime", "sentence-transformers", "tokenizers", "torch", "transformers")


class Original(Encoder, Protocol):
    """A model that can be exported."""

    def export(self, folder: Path) -> int:
        """Writes the exported files, returns the limit of tokens; raises ModelUnavailable, saying why it cannot."""
        ...


OpenOriginal = Callable[[Model], Original]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well an export agrees with its original: the least cosine of all vectors, or what differs otherwise."""

    least_cosine: float
    texts: int
    problem: str = ""


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
        """See `EncoderMaker.planned`: the exported encoder, unless the index says that the model's was refused."""
        exported, refused = self._identity("onnx"), self._identity("sentence-transformers")
        try:
            record = read_record(self._index_folder, refused)
        except UNUSABLE:
            return exported
        return refused if record.versions == self._versions else exported

    def stored(self) -> MadeEncoder | None:
        """See `EncoderMaker.stored`. An encoder that other versions of the libraries made is made anew."""
        identity = self.planned()
        try:
            record = read_record(self._index_folder, identity)
            verify_encoder(self._index_folder, identity)
        except UNUSABLE:
            return None
        return self._made(record) if record.versions == self._versions else None

    def make(self, samples: Sequence[str]) -> MadeEncoder:
        """See `EncoderMaker.make`: exports the model unless that is refused. Raises ModelUnavailable and OSError.

        The live generation's encoder stays whole meanwhile: another one takes its place in one step, and a refusal
        stands beside it.
        """
        original = self._open_original(self.model)
        identity = self._identity("onnx")
        with staging(encoder_folder(self._index_folder, identity)) as staged:
            record = self._export(original, staged, identity, samples)
            write_record(staged, record)
            take_place(
                staged,
                encoder_folder(self._index_folder, record.identity),
                keep_old=not self._is_whole(record.identity),
            )
        return self._made(record)

    def _export(
        self, original: Original, staged: Path, identity: EncoderIdentity, samples: Sequence[str]
    ) -> EncoderRecord:
        """Writes the exported files into `staged` and tries them; where they are of no use, none is left."""
        original.load()  # a model that cannot be loaded is no failed export
        max_tokens, agreement = 0, Agreement(0.0, 0)
        try:
            max_tokens = original.export(staged)
            exported = self._open_exported(staged, identity, max_tokens, 1)
            agreement = compare(original, exported, samples)
            problem = agreement.problem
        except (ModelUnavailable, DamagedGeneration) as error:
            problem = error.message
        if problem:
            for path in staged.iterdir():
                path.unlink()
            identity = self._identity("sentence-transformers")
        return EncoderRecord(
            identity,
            max_tokens,
            agreement.least_cosine,
            agreement.texts,
            problem,
            self._versions,
            list_files(staged),
        )

    def _is_whole(self, identity: EncoderIdentity) -> bool:
        try:
            read_record(self._index_folder, identity)
            verify_encoder(self._index_folder, identity)
        except UNUSABLE:
            return False
        return True

    def _made(self, record: EncoderRecord) -> MadeEncoder:
        if record.identity.runtime == "onnx":
            folder = encoder_folder(self._index_folder, record.identity)
            return MadeEncoder(self._open_exported(folder, record.identity, record.max_tokens, 1))
        return MadeEncoder(self._open_original(self.model), record.problem)

    def _identity(self, runtime: Runtime) -> EncoderIdentity:
        return EncoderIdentity.of(self.model.identity, runtime)


def compare(original: Encoder, exported: Encoder, samples: Sequence[str]) -> Agreement:
    """Encodes up to 64 samples, evenly spread, and some odd texts with both, and some of them in one batch too."""
    step = max(1, -(-len(samples) // MAX_SAMPLES))
    texts = [*samples[::step], *_ODD_TEXTS]
    expected = list(original.encode(texts))
    alone = list(exported.encode(texts))
    together = exported.encode_questions(texts[-BATCH:])
    cosines = [1.0]
    for one, found in zip(expected + expected[-BATCH:], [*alone, *together], strict=True):
        if one.token_spans != found.token_spans:
            return Agreement(0.0, len(texts), "The exported encoder reads other tokens than the model.")
        if _shapes(one) != _shapes(found):
            return Agreement(0.0, len(texts), "The exported encoder makes vectors of another size than the model.")
        cosines.append(float(one.vector @ found.vector))
        cosines.extend(np.sum(one.token_vectors * found.token_vectors, axis=1).tolist())
    least = float(np.nan_to_num(np.min(cosines), nan=-1.0))
    if least < LEAST_COSINE:
        problem = f"The exported encoder's vectors have a cosine of {least:.4f} to the model's, under {LEAST_COSINE}."
        return Agreement(least, len(texts), problem)
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
