"""The model as it was published: a vector depends on its text only."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest

from qa.encoder import torch_runtime
from qa.encoder.model import find_model
from qa.encoder.protocol import Vectors
from qa.encoder.torch_runtime import SentenceTransformerEncoder
from qa.errors import ModelUnavailable
from tests.support.encoders import linked_model

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
    return SentenceTransformerEncoder(find_model(None))


@pytest.fixture(scope="module")
def vectors(encoder: SentenceTransformerEncoder) -> list[Vectors]:
    return [encoding.vector for encoding in encoder.encode(TEXTS)]


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
        (alone,) = encoder.encode([text])
        assert alone.vector.tobytes() == vector.tobytes()
    backwards = [encoding.vector for encoding in encoder.encode(TEXTS[::-1])]
    assert [vector.tobytes() for vector in backwards[::-1]] == [vector.tobytes() for vector in vectors]


def test_the_tokens_of_a_text_stand_where_their_spans_say(encoder: SentenceTransformerEncoder) -> None:
    text = "Kyphoplasty hardens  PMMA, café."
    (encoding,) = encoder.encode([text])
    pieces = [text[slice(*span)] for span in encoding.token_spans]
    assert "".join(pieces) == text.replace(" ", "")
    assert len(pieces) > 5, "a rare word is several tokens"
    assert encoding.token_vectors.shape == (len(pieces), 64)
    assert encoding.token_vectors.dtype == np.float32
    assert np.linalg.norm(encoding.token_vectors, axis=1) == pytest.approx(np.ones(len(pieces)), abs=1e-5)


def test_a_text_without_tokens_has_a_vector_all_the_same(encoder: SentenceTransformerEncoder) -> None:
    (encoding,) = encoder.encode([""])
    assert (encoding.token_vectors.shape, encoding.token_spans) == ((0, 64), ())
    assert np.linalg.norm(encoding.vector) == pytest.approx(1.0, abs=1e-5)


def test_of_a_text_beyond_the_models_limit_the_start_is_read(encoder: SentenceTransformerEncoder) -> None:
    (encoding,) = encoder.encode(["word " * 2_000])
    assert 0 < len(encoding.token_spans) == len(encoding.token_vectors) < 1_000
    assert encoding.token_spans[-1].end <= 5 * len(encoding.token_spans)


def test_no_texts_have_no_vectors(encoder: SentenceTransformerEncoder) -> None:
    assert list(encoder.encode([])) == []


def test_texts_of_one_meaning_are_nearer_than_texts_of_two(encoder: SentenceTransformerEncoder) -> None:
    texts = [TEXTS[0], "How long until the cement is hard?", "Where can I park?"]
    cement, question, other = (encoding.vector for encoding in encoder.encode(texts))
    assert cement @ question > 0.6 > 0.3 > cement @ other


def test_the_model_works_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    (encoding,) = SentenceTransformerEncoder(find_model(None)).encode(["cement"])
    assert encoding.vector.shape == (384,)
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_a_folder_that_holds_no_model_beside_its_weights_is_refused_when_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    encoder = SentenceTransformerEncoder(find_model(tmp_path))
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        list(encoder.encode(["cement"]))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "modules.json"])
def test_a_file_of_the_model_that_is_cut_short_is_refused_when_it_is_used(tmp_path: Path, name: str) -> None:
    folder = linked_model(tmp_path / "model")
    data = (folder / name).read_bytes()
    (folder / name).unlink()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        list(SentenceTransformerEncoder(find_model(folder)).encode(["cement"]))


def test_a_model_that_cannot_be_traced_is_refused_with_the_reason_and_what_to_do(
    encoder: SentenceTransformerEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untraceable(transformer: object, folder: Path) -> None:
        raise ValueError("unsupported operator:\n  aten::novelty")

    monkeypatch.setattr(torch_runtime, "_export_graph", untraceable)
    with pytest.raises(ModelUnavailable, match=r"ValueError: unsupported operator: aten::novelty\. Point QA_MODEL"):
        encoder.export(tmp_path)
