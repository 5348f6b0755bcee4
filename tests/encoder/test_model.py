"""A model is known by all that decides its vectors, and the packaged one's weights are those that were pinned."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qa.encoder import model as model_module
from qa.encoder.model import PACKAGED_MODEL, PACKAGED_WEIGHTS_SHA256, find_model
from qa.encoder.protocol import EncoderIdentity
from qa.errors import ModelUnavailable
from tests.support.encoders import linked_model


def test_the_packaged_models_identity_is_known_without_loading_it() -> None:
    found = find_model(None)
    assert (found.identity.name, found.identity.weights_sha256) == (PACKAGED_MODEL, PACKAGED_WEIGHTS_SHA256)
    assert found.identity == find_model(None).identity
    assert found.projection is not None


def test_packaged_weights_with_one_bit_flipped_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = linked_model(tmp_path / "model")
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.unlink()
    weights.write_bytes(data)
    monkeypatch.setattr(model_module, "_packaged_folder", lambda: folder)
    with pytest.raises(ModelUnavailable, match=f"not the pinned {PACKAGED_WEIGHTS_SHA256}.*Reinstall"):
        find_model(None)
    assert find_model(folder).identity.weights_sha256 != PACKAGED_WEIGHTS_SHA256


def test_a_model_by_path_is_named_after_its_folder_and_its_weights(tmp_path: Path) -> None:
    folder = linked_model(tmp_path / "our-model")
    found = find_model(folder).identity
    assert (found.name, found.weights_sha256) == ("our-model", PACKAGED_WEIGHTS_SHA256)
    shutil.copyfile(folder / "config.json", folder / "more.safetensors")
    assert find_model(folder).identity.weights_sha256 not in (PACKAGED_WEIGHTS_SHA256, "")


def small_model(folder: Path) -> Path:
    """The files of a model, but for their content."""
    for name in ("model.safetensors", "config.json", "tokenizer.json", "modules.json", "vocab.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("mean")
    return folder


CHANGES: dict[str, Callable[[Path], object]] = {
    "weights": lambda folder: (folder / "model.safetensors").write_text("other"),
    "tokenizer": lambda folder: (folder / "tokenizer.json").write_text("other"),
    "vocabulary": lambda folder: (folder / "vocab.txt").write_text("other"),
    "pooling": lambda folder: (folder / "1_Pooling" / "config.json").write_text("cls"),
    "modules": lambda folder: (folder / "modules.json").write_text("two"),
    "no configuration": lambda folder: (folder / "config.json").unlink(),
    "another layer": lambda folder: shutil.copytree(folder / "1_Pooling", folder / "2_Dense"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_decides_a_vector_is_in_the_identity(tmp_path: Path, change: Callable[[Path], object]) -> None:
    folder = small_model(tmp_path / "model")
    before = find_model(folder).identity
    change(folder)
    after = find_model(folder).identity
    assert after != before
    assert EncoderIdentity.of(after).id != EncoderIdentity.of(before).id


def test_what_decides_nothing_is_not_in_the_identity(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "model")
    before = find_model(folder).identity
    (folder / "README.md").write_text("A model.")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "state.json").write_text("{}")
    assert find_model(folder).identity == before


def test_the_same_model_elsewhere_has_the_same_identity(tmp_path: Path) -> None:
    first, second = small_model(tmp_path / "one" / "model"), small_model(tmp_path / "two" / "model")
    assert find_model(first).identity == find_model(second).identity


@pytest.mark.parametrize("name", ["pytorch_model.bin", "README.md"])
def test_a_folder_without_safetensors_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04N.")
    with pytest.raises(ModelUnavailable, match=r"holds no \*\.safetensors"):
        find_model(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="nowhere"):
        find_model(tmp_path / "nowhere")


def test_a_model_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "_PACKAGE", "no_such_package_here")
    with pytest.raises(ModelUnavailable, match="no_such_package_here is not installed"):
        find_model(None)
    assert "no_such_package_here" not in sys.modules
