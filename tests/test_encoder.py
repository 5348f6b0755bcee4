"""The real model: a vector depends on its text only, and the weights are those that were pinned."""

import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from qa import encoder as encoder_module
from qa.encoder import (
    PACKAGED_MODEL,
    PACKAGED_WEIGHTS_SHA256,
    ModelIdentity,
    SentenceTransformerEncoder,
    Vectors,
    identify,
)
from qa.errors import ModelUnavailable

TEXTS = [
    "The bone cement hardens in about 10 minutes.",
    "Risks. Infection, bleeding.",
    "",
    "👍",
    "word " * 2_000,
    "The bone cement hardens in about 10 minutes.",
]


@pytest.fixture(scope="session")
def encoder() -> SentenceTransformerEncoder:
    """The packaged model, loaded once."""
    encoder = SentenceTransformerEncoder()
    encoder.load()
    return encoder


@pytest.fixture(scope="module")
def vectors(encoder: SentenceTransformerEncoder) -> list[Vectors]:
    return [encoding.vector for (encoding,) in encoder.encode([[text] for text in TEXTS])]


def packaged_folder() -> Path:
    return encoder_module._packaged_folder()


def linked_copy(folder: Path) -> Path:
    """A copy of the packaged model whose files can be replaced."""
    for path in packaged_folder().rglob("*"):
        target = folder / path.relative_to(packaged_folder())
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    return folder


def test_a_vector_has_384_dimensions_and_length_one(vectors: list[Vectors]) -> None:
    assert len(vectors) == len(TEXTS)
    for vector in vectors:
        assert vector.shape == (384,)
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_a_text_has_the_same_vector_to_the_bit_whatever_its_neighbours(
    encoder: SentenceTransformerEncoder, vectors: list[Vectors]
) -> None:
    assert vectors[0].tobytes() == vectors[-1].tobytes()
    for text, vector in zip(TEXTS, vectors, strict=True):
        ((alone,),) = encoder.encode([[text]])
        assert alone.vector.tobytes() == vector.tobytes()
    backwards = [encoding.vector for (encoding,) in encoder.encode([[text] for text in TEXTS[::-1]])]
    assert [vector.tobytes() for vector in backwards[::-1]] == [vector.tobytes() for vector in vectors]


def test_the_tokens_of_a_text_stand_where_their_spans_say(encoder: SentenceTransformerEncoder) -> None:
    text = "Kyphoplasty hardens  PMMA, café."
    ((encoding,),) = encoder.encode([[text]])
    pieces = [text[slice(*span)] for span in encoding.token_spans]
    assert "".join(pieces) == text.replace(" ", "")
    assert len(pieces) > 5, "a rare word is several tokens"
    assert encoding.token_vectors.shape == (len(pieces), 64)
    assert encoding.token_vectors.dtype == np.float32
    assert np.linalg.norm(encoding.token_vectors, axis=1) == pytest.approx(np.ones(len(pieces)), abs=1e-5)


def test_a_text_without_tokens_has_a_vector_all_the_same(encoder: SentenceTransformerEncoder) -> None:
    ((encoding,),) = encoder.encode([[""]])
    assert (encoding.token_vectors.shape, encoding.token_spans) == ((0, 64), ())
    assert np.linalg.norm(encoding.vector) == pytest.approx(1.0, abs=1e-5)


def test_of_a_text_beyond_the_models_limit_the_start_is_read(encoder: SentenceTransformerEncoder) -> None:
    ((encoding,),) = encoder.encode([["word " * 2_000]])
    assert 0 < len(encoding.token_spans) == len(encoding.token_vectors) < 1_000
    assert encoding.token_spans[-1].end <= 5 * len(encoding.token_spans)


def test_texts_of_one_group_come_back_in_order_to_the_bit_whatever_other_groups_hold(
    encoder: SentenceTransformerEncoder,
) -> None:
    group = TEXTS[:4]
    (alone,) = encoder.encode([group])
    for groups in ([group, ["word " * 50]], [["x"], group, ["y", "zebra"]], [group[::-1], group]):
        found = list(encoder.encode(groups))[groups.index(group)]
        for one, other in zip(alone, found, strict=True):
            assert one.vector.tobytes() == other.vector.tobytes()
            assert one.token_vectors.tobytes() == other.token_vectors.tobytes()
            assert one.token_spans == other.token_spans


def test_words_of_the_models_vocabulary_are_known_and_misspelt_ones_are_not(
    encoder: SentenceTransformerEncoder,
) -> None:
    assert all(map(encoder.knows_word, ("cement", "hours", "fracture")))
    assert not any(map(encoder.knows_word, ("cemment", "kyfoplasty", "Cement", "")))


def test_no_texts_have_no_vectors(encoder: SentenceTransformerEncoder) -> None:
    assert list(encoder.encode([])) == []


def test_texts_of_one_meaning_are_nearer_than_texts_of_two(encoder: SentenceTransformerEncoder) -> None:
    texts = [TEXTS[0], "How long until the cement is hard?", "Where can I park?"]
    cement, question, other = (encoding.vector for (encoding,) in encoder.encode([[text] for text in texts]))
    assert cement @ question > 0.6 > 0.3 > cement @ other


def test_the_model_works_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    ((encoding,),) = SentenceTransformerEncoder().encode([["cement"]])
    assert encoding.vector.shape == (384,)
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_the_packaged_models_identity_is_known_without_loading_it() -> None:
    encoder = SentenceTransformerEncoder()
    assert encoder.identity == ModelIdentity(PACKAGED_MODEL, PACKAGED_WEIGHTS_SHA256)
    assert encoder._model is None


def test_packaged_weights_with_one_bit_flipped_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = linked_copy(tmp_path / "model")
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.unlink()
    weights.write_bytes(data)
    monkeypatch.setattr(encoder_module, "_packaged_folder", lambda: folder)
    with pytest.raises(ModelUnavailable, match=f"not the pinned {PACKAGED_WEIGHTS_SHA256}.*Reinstall"):
        SentenceTransformerEncoder()
    assert SentenceTransformerEncoder(folder).identity.weights_sha256 != PACKAGED_WEIGHTS_SHA256


def test_a_model_by_path_is_named_after_its_folder_and_its_weights(tmp_path: Path) -> None:
    folder = linked_copy(tmp_path / "our-model")
    assert identify(folder, packaged=False) == ModelIdentity("our-model", PACKAGED_WEIGHTS_SHA256)
    shutil.copyfile(folder / "config.json", folder / "more.safetensors")
    assert identify(folder, packaged=False).weights_sha256 not in (PACKAGED_WEIGHTS_SHA256, "")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "README.md"])
def test_a_folder_without_safetensors_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04N.")
    with pytest.raises(ModelUnavailable, match=r"holds no \*\.safetensors"):
        SentenceTransformerEncoder(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="nowhere"):
        SentenceTransformerEncoder(tmp_path / "nowhere")


def test_a_folder_that_holds_no_model_beside_its_weights_is_refused_when_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    encoder = SentenceTransformerEncoder(tmp_path)
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        list(encoder.encode([["cement"]]))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "modules.json"])
def test_a_file_of_the_model_that_is_cut_short_is_refused_when_it_is_used(tmp_path: Path, name: str) -> None:
    folder = linked_copy(tmp_path / "model")
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        list(SentenceTransformerEncoder(folder).encode([["cement"]]))


def test_a_model_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module, "_PACKAGE", "no_such_package_here")
    with pytest.raises(ModelUnavailable, match="no_such_package_here is not installed"):
        SentenceTransformerEncoder()
