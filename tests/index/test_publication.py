"""One generation is live, a new one takes its place in one step, and what went wrong leaves no trace."""

import errno
import os
from pathlib import Path

import pytest

from qa.errors import DamagedGeneration, IndexUnavailable, NoIndex, StorageFailed, UnknownGeneration
from qa.index.publication import (
    adopt,
    generation_folder,
    generation_ids,
    live_id,
    publication_mark,
    publish,
    staging_folder,
    write_lock,
)

FIRST = "1" * 16
SECOND = "2" * 16


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index with two generations, the first of them live."""
    for number, identifier in enumerate((FIRST, SECOND), start=1):
        folder = tmp_path / "generations" / identifier
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{}")
        os.utime(folder / "manifest.json", (number, number))
    publish(tmp_path, FIRST)
    return tmp_path


def test_the_generation_published_last_is_live(index: Path) -> None:
    assert live_id(index) == FIRST
    publish(index, SECOND)
    assert live_id(index) == SECOND
    publish(index, FIRST)
    assert live_id(index) == FIRST


def test_without_a_publication_there_is_no_index_and_the_error_says_what_to_run(tmp_path: Path) -> None:
    for ask in (live_id, publication_mark):
        with pytest.raises(NoIndex, match="qa build"):
            ask(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xff\xfe", FIRST[:-1].encode(), FIRST.encode() + b"\n\n", f" {FIRST}".encode(), b"../generations"],
)
def test_a_garbled_pointer_is_refused(index: Path, content: bytes) -> None:
    (index / "current").write_bytes(content)
    with pytest.raises(DamagedGeneration, match=r"current names no generation.*qa build.*qa rollback"):
        live_id(index)


def test_a_pointer_to_a_generation_that_is_gone_is_refused(index: Path) -> None:
    (index / "current").write_text("3" * 16)
    with pytest.raises(DamagedGeneration, match="names no generation"):
        live_id(index)


def test_a_pointer_without_its_line_break_still_counts(index: Path) -> None:
    (index / "current").write_text(SECOND)
    assert live_id(index) == SECOND


def test_a_pointer_that_is_a_folder_is_refused(index: Path) -> None:
    (index / "current").unlink()
    (index / "current").mkdir()
    with pytest.raises(IndexUnavailable, match="cannot be read: Is a directory"):
        live_id(index)


def test_every_publication_leaves_its_mark_also_one_of_the_same_generation(index: Path) -> None:
    before = publication_mark(index)
    assert publication_mark(index) == before
    publish(index, FIRST)
    assert publication_mark(index) != before


@pytest.mark.parametrize("identifier", ["../x", "", "x" * 16, "1" * 17])
def test_what_is_no_id_cannot_be_published(index: Path, identifier: str) -> None:
    with pytest.raises(UnknownGeneration):
        publish(index, identifier)
    assert live_id(index) == FIRST


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_generation_live_and_no_temporary_file(
    index: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space left"):
            publish(index, SECOND)
    assert live_id(index) == FIRST
    assert sorted(path.name for path in index.iterdir()) == ["current", "generations"]


def test_generations_are_listed_newest_first_also_damaged_ones_and_nothing_else(index: Path) -> None:
    damaged = "3" * 16
    for name in (damaged, ".building-4444444444444444", f"{FIRST}.damaged-00000000", "notes"):
        (index / "generations" / name).mkdir()
    assert generation_ids(index) == [SECOND, FIRST, damaged]
    assert generation_ids(index / "nowhere") == []


def test_a_generation_whose_time_the_machine_does_not_give_out_counts_as_the_newest(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = Path.stat

    def refuse(path: Path, **options: bool) -> os.stat_result:
        if path == index / "generations" / FIRST / "manifest.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return stat(path, **options)

    assert generation_ids(index) == [SECOND, FIRST]
    monkeypatch.setattr(Path, "stat", refuse)
    assert generation_ids(index) == [FIRST, SECOND]


def test_one_writer_at_a_time(index: Path) -> None:
    with write_lock(index), pytest.raises(StorageFailed, match="Another process is writing"), write_lock(index):
        pytest.fail("two writers hold one index")
    with write_lock(index):
        pass


def test_staging_begins_empty_and_removes_what_a_crash_left(index: Path) -> None:
    for name in (".building-5555555555555555", f".building-{SECOND}"):
        (index / "generations" / name).mkdir()
        (index / "generations" / name / "half.jsonl").write_text("half")
    with staging_folder(index, SECOND) as staging:
        assert list(staging.iterdir()) == []
        assert sorted(path.name for path in (index / "generations").iterdir()) == [staging.name, FIRST, SECOND]
        (staging / "file").write_text("text")
    assert sorted(path.name for path in (index / "generations").iterdir()) == [FIRST, SECOND]


def test_adopting_sets_a_damaged_generation_of_that_name_aside(index: Path) -> None:
    with staging_folder(index, FIRST) as staging:
        (staging / "manifest.json").write_text("new")
        adopt(index, staging, FIRST)
    assert (generation_folder(index, FIRST) / "manifest.json").read_text() == "new"
    (aside,) = (index / "generations").glob(f"{FIRST}.damaged-*")
    assert (aside / "manifest.json").read_text() == "{}"
    assert generation_ids(index)[0] == FIRST
