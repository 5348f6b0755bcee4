"""The nearest vectors are those of brute force, and the file gives back every bit."""

import os
import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.encoder.protocol import Vectors
from qa.errors import DamagedGeneration, StorageFailed
from qa.index.vectors import EXACT_UP_TO, IndexKind, VectorIndex, index_kind, write_vectors

ROOT = Path(__file__).resolve().parents[2]


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
    questions = unit_vectors(3, seed=seed + 1)
    for question, (numbers, found) in zip(questions, index.search(questions, limit), strict=True):
        cosines = vectors @ question
        assert len(numbers) == len(set(numbers.tolist())) == min(limit, count)
        assert found.tolist() == sorted(found.tolist(), reverse=True)
        assert found == pytest.approx(cosines[numbers], abs=1e-5)
        assert found == pytest.approx(np.sort(cosines)[::-1][: len(found)], abs=1e-5)


@pytest.mark.parametrize("kind", ["exact", "hnsw"])
def test_what_is_found_for_a_vector_is_the_same_to_the_bit_beside_others(tmp_path: Path, kind: IndexKind) -> None:
    # Near duplicates: their cosines differ in the last bits, which a product of matrices gives otherwise than one of
    # a matrix and a vector.
    near = np.repeat(unit_vectors(40, 48), 12, axis=0) + 1e-7 * unit_vectors(480, 48, seed=2)
    write_vectors(tmp_path / "vectors.faiss", near.astype(np.float32), kind)
    index = VectorIndex.open(tmp_path / "vectors.faiss")
    questions = unit_vectors(9, 48, seed=3)
    together = index.search(questions, 30)
    for number, (numbers, cosines) in enumerate(together):
        ((alone, own),) = index.search(questions[number : number + 1], 30)
        assert (numbers.tobytes(), cosines.tobytes()) == (alone.tobytes(), own.tobytes())
        assert cosines.tobytes() == index.cosines(numbers, questions[number]).tobytes()


def test_a_cosine_does_not_depend_on_which_others_are_asked_for(tmp_path: Path) -> None:
    index = written(tmp_path, unit_vectors(50, 37))
    question = unit_vectors(1, 37, seed=4)[0]
    together = index.cosines(range(50), question)
    for number in range(50):
        assert index.cosines([number], question).tobytes() == together[number : number + 1].tobytes()


@pytest.mark.parametrize("kind", ["exact", "hnsw"])
def test_equal_scores_stand_in_the_order_written(tmp_path: Path, kind: IndexKind) -> None:
    write_vectors(tmp_path / "vectors.faiss", np.repeat(unit_vectors(1), 5, axis=0), kind)
    ((numbers, _),) = VectorIndex.open(tmp_path / "vectors.faiss").search(unit_vectors(1), 5)
    assert numbers.tolist() == [0, 1, 2, 3, 4]


def test_a_graph_finds_nearly_all_of_the_nearest_and_gives_back_every_bit(tmp_path: Path) -> None:
    vectors, questions = unit_vectors(3_000, 16), unit_vectors(20, 16, seed=2)
    write_vectors(tmp_path / "graph", vectors, "hnsw")
    graph, exact = VectorIndex.open(tmp_path / "graph"), written(tmp_path, vectors)
    assert (graph.kind, exact.kind) == ("hnsw", "exact")
    assert graph.vectors_of(range(3_000)).tobytes() == vectors.tobytes()
    found = zip(graph.search(questions, 100), exact.search(questions, 100), strict=True)
    shares = [len(np.intersect1d(some, best)) / 100 for (some, _), (best, _) in found]
    assert sum(shares) / len(shares) >= 0.98


def test_more_vectors_are_searched_by_a_graph_than_are_compared_one_by_one() -> None:
    assert [index_kind(count) for count in (0, EXACT_UP_TO, EXACT_UP_TO + 1)] == ["exact", "exact", "hnsw"]


def test_an_index_that_is_open_does_not_mind_its_file_being_cut_short(tmp_path: Path) -> None:
    index = written(tmp_path, unit_vectors(5_000))
    before = index.vectors_of(range(5_000)).tobytes()
    (tmp_path / "vectors.faiss").write_bytes(b"")
    assert index.vectors_of(range(5_000)).tobytes() == before


def test_an_index_of_another_kind_is_refused(tmp_path: Path) -> None:
    faiss.write_index(faiss.IndexScalarQuantizer(8, faiss.ScalarQuantizer.QT_8bit), str(tmp_path / "vectors.faiss"))
    with pytest.raises(DamagedGeneration, match="IndexScalarQuantizer"):
        VectorIndex.open(tmp_path / "vectors.faiss")


def test_every_bit_of_a_vector_comes_back(tmp_path: Path) -> None:
    vectors = unit_vectors(20)
    index = written(tmp_path, vectors)
    assert (len(index), index.dimension) == (20, 8)
    assert index.vectors_of([3, 3, 19]).tobytes() == vectors[[3, 3, 19]].tobytes()


@pytest.mark.parametrize(("count", "kind"), [(9, "exact"), (0, "hnsw"), (2_000, "hnsw")])
def test_the_same_vectors_give_the_same_file(tmp_path: Path, count: int, kind: IndexKind) -> None:
    write_vectors(tmp_path / "a", unit_vectors(count), kind)
    write_vectors(tmp_path / "b", unit_vectors(count), kind)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_empty_index_finds_nothing_and_keeps_its_dimension(tmp_path: Path) -> None:
    index = written(tmp_path, np.empty((0, 8), np.float32))
    assert (len(index), index.dimension) == (0, 8)
    assert [numbers.tolist() for numbers, _ in index.search(unit_vectors(2), 5)] == [[], []]
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
    code = f"from tests.index.test_vectors import write_on_a_small_disk as w; w({str(tmp_path / 'v')!r}, {room})"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == outcome
