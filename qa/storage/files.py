"""Hashes, and atomic, durable writes: a crash leaves the old file or the new one, never a mixture."""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_BUILDING = ".building-"
_REMOVING = ".removing-"
_DAMAGED = ".damaged-"
_AT_CURRENT_FOLDER = -100
_RENAME_EXCHANGE = 2
_ABANDONED_AFTER_SECONDS = 60.0
"""A younger folder may be one that is made just now, and not yet held."""


def sha256_of_bytes(data: bytes) -> str:
    """The SHA-256 of `data` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_text(text: str) -> str:
    """The SHA-256 of the UTF-8 bytes of `text`, as 64 lower-case hexadecimal digits."""
    return sha256_of_bytes(text.encode("utf-8"))


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes; raises OSError when it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_file(path: Path) -> None:
    """Waits until the file's bytes are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Waits until the folder's entries (names, renames) are on the disk."""
    sync_file(path)


def write_durably(path: Path, data: bytes) -> None:
    """Replaces `path` in one step: temporary file beside it, fsync, rename, fsync of the folder.

    Raises OSError; `path` is then untouched and the temporary file gone.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A folder to write the content of `folder` in; `take_place` gives it its name.

    Whatever an earlier crash left beside it is removed first. Raises OSError.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for leftover in leftovers(folder.parent):
        shutil.rmtree(leftover, ignore_errors=True)
    staged = folder.with_name(f"{_BUILDING}{folder.name}")
    staged.mkdir()
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def take_place(staged: Path, folder: Path, *, keep_old: bool = True) -> None:
    """Gives a complete staging folder its name, in one step.

    What stood there is set aside as `<name>.damaged-…`, unless `keep_old` says that it goes with the staging folder.
    """
    if not folder.exists():
        os.replace(staged, folder)  # noqa: PTH105 - Path.replace says the same; this one is what tests make fail
    else:
        exchange(staged, folder)
        if keep_old:
            staged.rename(folder.with_name(f"{folder.name}{_DAMAGED}{secrets.token_hex(4)}"))
    sync_folder(folder.parent)


def exchange(one: Path, other: Path) -> None:
    """Two folders exchange names: in one step on Linux, where the file system can; elsewhere by way of a third name."""
    system = ctypes.CDLL(None, use_errno=True)
    names = _AT_CURRENT_FOLDER, os.fsencode(one), _AT_CURRENT_FOLDER, os.fsencode(other)
    if hasattr(system, "renameat2") and system.renameat2(*names, _RENAME_EXCHANGE) == 0:
        return
    third = one.with_name(f"{one.name}-{secrets.token_hex(4)}")
    other.rename(third)
    one.rename(other)
    third.rename(one)


def discard(path: Path) -> None:
    """Removes a folder, hidden first: a crash leaves the whole folder or a leftover. Raises OSError."""
    hidden = path.rename(path.with_name(f"{_REMOVING}{path.name}-{secrets.token_hex(4)}"))
    shutil.rmtree(hidden)


def leftovers(folder: Path) -> list[Path]:
    """The folders in a folder that a crash left half written or half removed."""
    return sorted([*folder.glob(f"{_BUILDING}*"), *folder.glob(f"{_REMOVING}*")])


def temporary_files(path: Path) -> list[Path]:
    """What a crash left of writing a file durably."""
    return sorted(path.parent.glob(f".{path.name}.*.tmp"))


def set_aside(folder: Path) -> list[Path]:
    """The damaged folders that `take_place` set aside in a folder."""
    return sorted(folder.glob(f"*{_DAMAGED}*"))


@contextlib.contextmanager
def temporary_folder(kind: str, place: Path | None = None) -> Iterator[Path]:
    """A folder for this process alone in `place`, or among the system's temporary files; it is gone afterwards.

    Those of the same kind that a killed process left are removed first. Raises OSError.
    """
    place = place or Path(tempfile.gettempdir())
    prefix = f"clinic-qa-{kind}-"
    for folder in place.glob(f"{prefix}*"):
        _remove_abandoned(folder)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    try:
        held = hold_folder(folder)
        try:
            yield folder
        finally:
            os.close(held)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def hold_folder(folder: Path) -> int:
    """A descriptor that keeps a temporary folder from being taken for an abandoned one until it is closed.

    However a process ends, the system closes its descriptors. Raises OSError.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with contextlib.suppress(OSError):  # where nothing can be locked, nothing is removed either
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _remove_abandoned(folder: Path) -> None:
    """Removes a temporary folder of this user that nobody holds."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            status = os.fstat(descriptor)
            if status.st_uid == os.geteuid() and time.time() - status.st_mtime > _ABANDONED_AFTER_SECONDS:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        finally:
            os.close(descriptor)
