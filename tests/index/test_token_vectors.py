"""Each token of a question is covered as well as by the nearest token of a passage, within the rounding to int8."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.encoder.protocol import Vectors
from qa.errors import DamagedGeneration, StorageFailed
from qa.index.token_vectors import SCALE, PassageTokens, TokenIndex, quantised, write_tokens

DIMENSION = 8
ROUNDING = DIMENSION**0.5 * 0.5 / SCALE + 1e-5
"""How far a cosine may move when every coordinate moves by half a step, and the other vector has length 1."""


def unit_rows(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION))
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def index_of(folder: Path, passages: list[Vectors], sentence_starts: list[tuple[int, ...]] | None = None) -> TokenIndex:
    """An index whose passages are a sentence each, unless it is said which tokens their sentences begin with."""
    starts = sentence_starts or [(0,)] * len(passages)
    rows = [PassageTokens(quantised(vectors), own) for vectors, own in zip(passages, starts, strict=True)]
    write_tokens(*paths_in(folder), rows, DIMENSION)
    return TokenIndex.open(*paths_in(folder))


def paths_in(folder: Path) -> tuple[Path, Path, Path]:
    return folder / "tokens.npy", folder / "token_starts.npy", folder / "sentence_starts.npy"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(1, 5), st.data())
def test_coverage_is_the_largest_cosine_to_a_token_of_the_passage(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], question_tokens: int, data: st.DataObject
) -> None:
    passages = [unit_rows(count, number) for number, count in enumerate(counts)]
    index = index_of(tmp_path_factory.mktemp("tokens"), passages)
    assert len(index) == len(counts)
    question = unit_rows(question_tokens, 99)
    numbers = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=10))
    found = index.coverage(numbers, question)
    assert found.shape == (len(numbers), question_tokens)
    for number, row in zip(numbers, found, strict=True):
        for token, covered in zip(question, row, strict=True):
            expected = max((float(token @ other) for other in passages[number]), default=0.0)
            assert covered == pytest.approx(expected, abs=ROUNDING)
            assert -1 - ROUNDING <= covered <= 1 + ROUNDING


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.integers(0, 3), st.integers(1, 4))
def test_a_sentence_covers_what_its_own_tokens_cover(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], heading_tokens: int, question_tokens: int
) -> None:
    starts = tuple(itertools.accumulate(lengths[:-1], initial=heading_tokens))
    rows, question = unit_rows(heading_tokens + sum(lengths), 7), unit_rows(question_tokens, 99)
    folder = tmp_path_factory.mktemp("tokens")
    index = index_of(folder, [unit_rows(3, 1), rows], [(0, 2), starts])
    assert index.sentences == 2 + len(lengths)
    found = index.sentence_coverage(1, range(2, 2 + len(lengths)), question)
    assert found.shape == (len(lengths), question_tokens)
    for start, length, covered in zip(starts, lengths, found, strict=True):
        alone = index_of(folder, [rows[start : start + length]]).coverage([0], question)[0]
        assert covered.tobytes() == alone.tobytes(), "a sentence without tokens covers nothing"


def test_a_passage_without_tokens_covers_nothing_and_leaves_its_neighbours_alone(tmp_path: Path) -> None:
    question = unit_rows(2, 1)
    index = index_of(tmp_path, [unit_rows(0, 0), question, unit_rows(0, 0)])
    covered = index.coverage([0, 1, 2], question)
    assert covered[0].tolist() == covered[2].tolist() == [0.0, 0.0]
    assert covered[1] == pytest.approx([1.0, 1.0], abs=ROUNDING)


def test_coverage_does_not_depend_to_the_bit_on_what_else_is_asked_for(tmp_path: Path) -> None:
    index = index_of(tmp_path, [unit_rows(count, count) for count in (3, 1, 7, 2, 90, 33)])
    question = unit_rows(23, 9)
    together = index.coverage([3, 0, 5, 4, 2], question)
    for place, number in enumerate([3, 0, 5, 4, 2]):
        assert index.coverage([number], question).tobytes() == together[place].tobytes()
        for token in range(23):
            alone = index.coverage([number], question[token : token + 1])
            assert alone.tobytes() == together[place, token : token + 1].tobytes()


def test_the_question_itself_is_rounded_too_little_to_matter(tmp_path: Path) -> None:
    question, passage = unit_rows(5, 1), unit_rows(40, 2)
    index = index_of(tmp_path, [passage])
    exact = (quantised(passage) / SCALE @ question.T.astype(np.float64)).max(axis=0)
    assert index.coverage([0], question)[0] == pytest.approx(exact, abs=3e-5)


def test_a_question_without_tokens_and_no_passages_have_nothing_to_cover(tmp_path: Path) -> None:
    index = index_of(tmp_path, [unit_rows(3, 3)])
    assert index.coverage([0], unit_rows(0, 0)).shape == (1, 0)
    assert index.coverage([], unit_rows(2, 0)).shape == (0, 2)


def test_an_index_without_passages_can_be_written_and_opened(tmp_path: Path) -> None:
    assert len(index_of(tmp_path, [])) == 0


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    passages = [unit_rows(count, count) for count in (2, 0, 5)]
    index = index_of(tmp_path, passages)
    for number, rows in enumerate(passages):
        found = index.of(number, range(number, number + 1))
        assert np.array_equal(found.rows, quantised(rows))
        assert found.rows.dtype == np.int8
        assert found.sentence_starts == (0,)


def test_the_same_vectors_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        index_of(tmp_path / name, [unit_rows(3, 3), unit_rows(1, 1)])
    for one, other in zip(paths_in(tmp_path / "one"), paths_in(tmp_path / "other"), strict=True):
        assert one.read_bytes() == other.read_bytes()


def saved(array: Any) -> Callable[[Path], None]:
    return lambda path: np.save(path, array, allow_pickle=False)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def overwritten(path: Path) -> None:
    path.write_text("tokens")


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "rows cut short": ("tokens.npy", cut),
    "rows emptied": ("tokens.npy", emptied),
    "rows that are no array": ("tokens.npy", overwritten),
    "rows missing": ("tokens.npy", Path.unlink),
    "rows of another type": ("tokens.npy", saved(np.zeros((4, DIMENSION), np.float32))),
    "rows in one dimension": ("tokens.npy", saved(np.zeros(4, np.int8))),
    "a row too few": ("tokens.npy", saved(np.zeros((3, DIMENSION), np.int8))),
    "starts cut short": ("token_starts.npy", cut),
    "starts emptied": ("token_starts.npy", emptied),
    "starts missing": ("token_starts.npy", Path.unlink),
    "starts of another passage": ("token_starts.npy", saved(np.array([0, 1, 3]))),
    "no starts": ("token_starts.npy", saved(np.array([], np.int64))),
    "sentences cut short": ("sentence_starts.npy", cut),
    "sentences missing": ("sentence_starts.npy", Path.unlink),
    "sentences of another type": ("sentence_starts.npy", saved(np.zeros(2))),
}


@pytest.mark.parametrize(("name", "damage"), DAMAGES.values(), ids=DAMAGES.keys())
def test_files_that_are_damaged_or_of_two_indexes_are_refused(
    tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    index_of(tmp_path, [unit_rows(3, 3), unit_rows(1, 1)])
    damage(tmp_path / name)
    with pytest.raises(DamagedGeneration, match=r"token|sentence") as refusal:
        TokenIndex.open(*paths_in(tmp_path))
    assert "qa build" in str(refusal.value)


def test_an_array_of_python_objects_is_never_unpickled(tmp_path: Path) -> None:
    index_of(tmp_path, [unit_rows(3, 3)])
    np.save(tmp_path / "tokens.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(DamagedGeneration):
        TokenIndex.open(*paths_in(tmp_path))


def test_an_index_that_is_open_does_not_mind_its_files_being_cut_short(tmp_path: Path) -> None:
    question = unit_rows(2, 5)
    index = index_of(tmp_path, [unit_rows(2_000, 1), question])
    before = index.coverage([0, 1], question)
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    assert np.array_equal(index.coverage([0, 1], question), before)


def test_a_temporary_folder_that_is_full_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index_of(tmp_path, [unit_rows(3, 3)])

    def full(source: str, target: str) -> str:
        raise OSError(28, "No space left on device", target)

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(StorageFailed, match="No space left"):
        TokenIndex.open(*paths_in(tmp_path))
