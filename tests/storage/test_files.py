"""Temporary folders: gone afterwards, and what a killed process left goes with the next of its kind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.storage.files import hold_folder, temporary_folder

HOLDER = """
import sys
from pathlib import Path
from qa.storage.files import temporary_folder

with temporary_folder("test", Path(sys.argv[1])) as folder:
    (folder / "counts").write_bytes(b"1")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses a temporary folder until it is ended."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def folder_of(holder: subprocess.Popen[str]) -> Path:
    """Its folder, made to look as if it had been there since 1970."""
    assert holder.stdout is not None
    folder = Path(holder.stdout.readline().strip())
    os.utime(folder, (0, 0))
    return folder


def test_a_temporary_folder_is_gone_afterwards_with_all_that_is_in_it(tmp_path: Path) -> None:
    with temporary_folder("test", tmp_path) as folder:
        (folder / "file").write_bytes(b"1")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_of_its_kind(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    left = folder_of(holder)
    holder.kill()
    holder.wait()
    assert left.exists()
    with temporary_folder("other", tmp_path):
        assert left.exists()
    with temporary_folder("test", tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_a_process_uses_stays_however_old_it_is(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    used = folder_of(holder)
    with temporary_folder("test", tmp_path):
        assert used.exists()


def test_a_folder_stays_as_long_as_anyone_holds_it(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    """As the workers hold the supervisor's."""
    left = folder_of(holder)
    held = hold_folder(left)
    holder.kill()
    holder.wait()
    with temporary_folder("test", tmp_path):
        assert left.exists()
    os.close(held)
    with temporary_folder("test", tmp_path):
        assert not left.exists()


def test_a_folder_that_was_made_just_now_stays(tmp_path: Path) -> None:
    """Its maker may not have come to hold it yet."""
    young = tmp_path / "clinic-qa-test-young"
    young.mkdir()
    with temporary_folder("test", tmp_path):
        assert young.exists()


def test_what_is_no_folder_of_ours_is_let_be(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.utime(elsewhere, (0, 0))
    (tmp_path / "clinic-qa-test-link").symlink_to(elsewhere)
    file = tmp_path / "clinic-qa-test-file"
    file.write_bytes(b"1")
    os.utime(file, (0, 0))
    with temporary_folder("test", tmp_path):
        assert elsewhere.exists()
        assert file.exists()
