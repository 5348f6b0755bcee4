"""The exported model: what it makes of a text is what the published model makes, alone or in a batch."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qa.encoder import onnx_runtime as onnx_encoder
from qa.encoder.model import find_model
from qa.encoder.onnx_runtime import LARGEST_BATCH, OnnxEncoder
from qa.encoder.protocol import Encoding
from qa.encoder.store import EncoderStore, encoder_folder
from qa.encoder.torch_runtime import SentenceTransformerEncoder
from qa.errors import DamagedGeneration
from tests.support.clinic import CEMENT, RISKS
from tests.support.encoders import identity_of, packaged_encoder

TEXTS = [
    "The bone cement hardens in about 10 minutes.",
    "Risks. Infection, bleeding.",
    "",
    "👍",
    "word " * 2_000,
    "Kyphoplasty hardens  PMMA, café.",
    CEMENT,
    "水泥硬化",
]
QUESTIONS = [" ".join(RISKS.split()[start : start + length]) for start in range(3) for length in range(1, 41, 4)]


@pytest.fixture(scope="module")
def encoder(exported: Path) -> OnnxEncoder:
    """The packaged model as the server runs it."""
    opened = EncoderStore(exported).open(packaged_encoder())
    assert isinstance(opened, OnnxEncoder)
    return opened


def to_the_bit(encoding: Encoding) -> tuple[bytes, bytes, tuple[object, ...]]:
    return encoding.vector.tobytes(), encoding.token_vectors.tobytes(), encoding.token_spans


def test_it_agrees_with_the_published_model(encoder: OnnxEncoder) -> None:
    original = SentenceTransformerEncoder(find_model(None))
    for one, found in zip(original.encode(TEXTS), encoder.encode(TEXTS), strict=True):
        assert found.token_spans == one.token_spans
        assert found.vector.shape == (384,)
        assert found.token_vectors.shape == one.token_vectors.shape == (len(one.token_spans), 64)
        assert found.vector.dtype == found.token_vectors.dtype == np.float32
        assert found.vector @ one.vector > 0.9999
        assert np.all(np.sum(found.token_vectors * one.token_vectors, axis=1) > 0.9999)
        assert np.linalg.norm(found.vector) == pytest.approx(1.0, abs=1e-5)


def test_a_batch_of_questions_is_to_the_bit_what_each_is_alone(encoder: OnnxEncoder) -> None:
    alone = [to_the_bit(encoding) for text in QUESTIONS for encoding in encoder.encode_questions([text])]
    for size in (2, LARGEST_BATCH + 3, len(QUESTIONS)):
        parts = [QUESTIONS[start : start + size] for start in range(0, len(QUESTIONS), size)]
        together = [to_the_bit(encoding) for part in parts for encoding in encoder.encode_questions(part)]
        assert together == alone
    assert alone == list(map(to_the_bit, encoder.encode(QUESTIONS)))


def test_what_a_build_encodes_side_by_side_is_to_the_bit_what_each_is_alone(encoder: OnnxEncoder) -> None:
    alone = [to_the_bit(encoding) for text in QUESTIONS for encoding in encoder.encode([text])]
    assert list(map(to_the_bit, encoder.encode(QUESTIONS))) == alone


def test_long_and_odd_questions_come_back_in_order_too(encoder: OnnxEncoder) -> None:
    alone = [to_the_bit(encoding) for text in TEXTS for encoding in encoder.encode_questions([text])]
    assert [to_the_bit(encoding) for encoding in encoder.encode_questions(TEXTS)] == alone
    assert encoder.encode_questions([]) == ()


def test_the_number_of_threads_changes_no_bit(encoder: OnnxEncoder, exported: Path) -> None:
    single = EncoderStore(exported, threads=1).open(encoder.identity)
    for one, other in zip(encoder.encode_questions(QUESTIONS), single.encode_questions(QUESTIONS), strict=True):
        assert to_the_bit(one) == to_the_bit(other)


def test_questions_that_wait_together_share_passes(encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = passes(encoder, monkeypatch)
    assert sizes == [LARGEST_BATCH, 3, 1], "eight of like length at a time, and what is longer than was tried alone"


def test_where_a_batch_changes_a_bit_questions_are_encoded_one_at_a_time(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = onnx_encoder._run

    def unsteady(loaded: onnx_encoder._Loaded, read: list[object]) -> tuple[Encoding, ...]:
        encodings = run(loaded, read)  # type: ignore[arg-type]
        if len(read) > 1:
            encodings[0].vector[0] = np.nextafter(encodings[0].vector[0], np.float32(2))
        return encodings

    with monkeypatch.context() as patch:
        patch.setattr(onnx_encoder, "_run", unsteady)
        encoder = EncoderStore(exported).open(packaged_encoder())
    assert isinstance(encoder, OnnxEncoder)
    assert passes(encoder, monkeypatch) == [1] * 12


def passes(encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions each pass holds when eleven short ones and a long one wait."""
    sizes: list[int] = []
    run = onnx_encoder._run

    def counted(loaded: onnx_encoder._Loaded, read: list[object]) -> tuple[Encoding, ...]:
        sizes.append(len(read))
        return run(loaded, read)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(onnx_encoder, "_run", counted)
        encoder.encode_questions(["word " * 500, *QUESTIONS[:11]])
    return sizes


def test_words_of_the_models_vocabulary_are_known_and_misspelt_ones_are_not(encoder: OnnxEncoder) -> None:
    assert all(map(encoder.knows_word, ("cement", "hours", "fracture")))
    assert not any(map(encoder.knows_word, ("cemment", "kyfoplasty", "Cement", "")))


def test_no_texts_have_no_vectors(encoder: OnnxEncoder) -> None:
    assert list(encoder.encode([])) == []


def test_it_works_without_a_network(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    (encoding,) = EncoderStore(exported).open(packaged_encoder()).encode_questions(["cement"])
    assert encoding.vector.shape == (384,)


@pytest.mark.parametrize("name", ["model.onnx", "model.weights", "tokenizer.json", "projection.npy"])
def test_a_file_that_cannot_be_read_is_damage_that_a_build_repairs(exported: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(encoder_folder(exported, packaged_encoder()), folder, copy_function=shutil.copyfile)
    (folder / name).write_bytes(b"nothing of the kind")
    encoder = OnnxEncoder(folder, identity_of("x"), 256, 1)
    with pytest.raises(DamagedGeneration, match=r"cannot be loaded.*qa build"):
        encoder.encode_questions(["cement"])


def test_the_runtime_tells_nobody_that_it_runs_and_leaves_no_file(exported: Path, tmp_path: Path) -> None:
    # With its telemetry on, importing the library writes a session's name among the temporary files.
    code = (
        "import sys; from pathlib import Path; from qa.encoder.store import EncoderStore;"
        "from tests.support.encoders import packaged_encoder; EncoderStore(Path(sys.argv[1])).open(packaged_encoder())"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run(
        [sys.executable, "-c", code, str(exported)], env=environment, cwd=Path(__file__).parents[2], check=True
    )
    assert list(tmp_path.iterdir()) == []


def test_making_one_loads_nothing() -> None:
    code = (
        "import sys; from pathlib import Path; from qa.encoder.onnx_runtime import OnnxEncoder;"
        "OnnxEncoder(Path(), None, 256, 1); print({'onnxruntime', 'tokenizers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
