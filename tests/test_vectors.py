"""The nearest vectors are those of brute force, and the file gives back every bit."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.errors import DamagedGeneration, StorageFailed
from qa.vectors import VectorIndex, Vectors, write_vectors

ROOT = Path(__file__).resolve().parent.parent


def unit_vectors(count: int, dimension: int = 8, seed: int = 1) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def written(folder: Path, vectors: Vectors) -> VectorIndex:
    write_vectors(folder / "vectors.faiss", vectors)
    return VectorIndex.open(folder / "vectors.faiss")


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_search_finds_the_nearest_by_cosine_best_first(
    tmp_path_factory: pytest.TempPathFactory, count: int, limit: int, seed: int
) -> None:
    vectors = unit_vectors(count, seed=seed)
    index = written(tmp_path_factory.mktemp("vectors"), vectors)
    question = unit_vectors(1, seed=seed + 1)[0]
    found = index.search(question, limit)
    cosines = vectors @ question
    assert len(found) == min(limit, count)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    for (number, score), expected in zip(found, np.sort(cosines)[::-1], strict=False):
        assert score == pytest.approx(cosines[number], abs=1e-5)
        assert score == pytest.approx(expected, abs=1e-5)


def test_equal_scores_stand_in_the_order_written(tmp_path: Path) -> None:
    index = written(tmp_path, np.repeat(unit_vectors(1), 5, axis=0))
    assert [number for number, _ in index.search(unit_vectors(1)[0], 5)] == [0, 1, 2, 3, 4]


def test_every_bit_of_a_vector_comes_back(tmp_path: Path) -> None:
    vectors = unit_vectors(20)
    index = written(tmp_path, vectors)
    assert (len(index), index.dimension) == (20, 8)
    assert index.vectors_of([3, 3, 19]).tobytes() == vectors[[3, 3, 19]].tobytes()


def test_the_same_vectors_give_the_same_file(tmp_path: Path) -> None:
    write_vectors(tmp_path / "a", unit_vectors(9))
    write_vectors(tmp_path / "b", unit_vectors(9))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_empty_index_finds_nothing_and_keeps_its_dimension(tmp_path: Path) -> None:
    index = written(tmp_path, np.empty((0, 8), np.float32))
    assert (len(index), index.dimension) == (0, 8)
    assert index.search(unit_vectors(1)[0], 5) == []
    assert index.vectors_of([]).shape == (0, 8)


@pytest.mark.parametrize("content", [b"", b"IxFI", b"not a FAISS index" * 50])
def test_a_file_that_faiss_cannot_read_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vectors.faiss").write_bytes(content)
    with pytest.raises(DamagedGeneration, match=r"vectors\.faiss.*qa build"):
        VectorIndex.open(tmp_path / "vectors.faiss")


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DamagedGeneration, match=r"vectors\.faiss"):
        VectorIndex.open(tmp_path / "vectors.faiss")


def test_a_folder_that_is_not_there_is_a_storage_failure(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="cannot be written"):
        write_vectors(tmp_path / "nowhere" / "vectors.faiss", unit_vectors(2))


def write_on_a_small_disk(path: str, room: int) -> None:
    """Prints what writing ten vectors gives where no file may be larger than `room` bytes."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        write_vectors(Path(path), unit_vectors(10))
        os.write(1, b"written")
    except StorageFailed:
        os.write(1, b"StorageFailed")


@pytest.mark.parametrize(("room", "outcome"), [(0, "StorageFailed"), (300, "StorageFailed"), (4096, "written")])
def test_a_full_disk_is_noticed_and_not_taken_for_a_shorter_file(tmp_path: Path, room: int, outcome: str) -> None:
    code = f"from tests.test_vectors import write_on_a_small_disk as w; w({str(tmp_path / 'v')!r}, {room})"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == outcome
