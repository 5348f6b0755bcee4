"""Publication: which generation is live, and how a new one takes its place (lock, stage, adopt, publish)."""

import contextlib
import math
import re
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock
from filelock import Timeout as LockTimeout

from qa.errors import REBUILD, DamagedGeneration, NoIndex, OutOfService, StorageFailed, UnknownGeneration
from qa.index.manifest import MANIFEST
from qa.storage.files import staging, take_place, write_durably
from qa.storage.io_faults import is_folder, unavailable

CURRENT = "current"
_ID = re.compile(r"[0-9a-f]{16}")
_OUT_OF_SERVICE = "out of service"


def generation_folder(index_folder: Path, identifier: str) -> Path:
    """Raises UnknownGeneration when the identifier is not one, so that it can never be a path."""
    if not _ID.fullmatch(identifier):
        raise UnknownGeneration(f"{identifier!r} is not a generation id.", "`qa generations` lists them.")
    return index_folder / "generations" / identifier


def live_id(index_folder: Path) -> str:
    """The id that `index/current` names.

    Raises NoIndex when there is none, OutOfService when the index was taken out of service, DamagedGeneration when it
    is garbled, and IndexUnavailable when it cannot be read.
    """
    with _current(index_folder) as path:
        identifier = path.read_bytes().decode("ascii", "replace").removesuffix("\n")
    if identifier == _OUT_OF_SERVICE:
        raise OutOfService(
            f"The index {index_folder} was taken out of service: none of its text may be quoted any more.",
            "Approve documents, then run `qa build`.",
        )
    if not _ID.fullmatch(identifier) or not is_folder(index_folder / "generations" / identifier):
        remedy = "Run `qa build`, or `qa rollback ID` with an id of `qa generations`."
        raise DamagedGeneration(f"{path} names no generation.", remedy)
    return identifier


def publication_mark(index_folder: Path) -> tuple[int, int]:
    """Differs after every `publish`, also of the same id built anew; raises NoIndex when nothing is published.

    Raises IndexUnavailable when the machine cannot tell.
    """
    with _current(index_folder) as path:
        found = path.stat()
    return found.st_ino, found.st_mtime_ns


@contextlib.contextmanager
def _current(index_folder: Path) -> Iterator[Path]:
    """The file that names the live generation, around all that reads it."""
    path = index_folder / CURRENT
    try:
        yield path
    except (FileNotFoundError, NotADirectoryError):
        raise NoIndex(f"There is no index in {index_folder}.", REBUILD) from None
    except OSError as error:
        raise unavailable(path, error) from None


def publish(index_folder: Path, identifier: str) -> None:
    """Makes a complete generation the live one, in one step."""
    generation_folder(index_folder, identifier)
    write_durably(index_folder / CURRENT, f"{identifier}\n".encode("ascii"))


def take_out_of_service(index_folder: Path) -> None:
    """Makes no generation live, in one step; a server that has one open stops answering from it."""
    write_durably(index_folder / CURRENT, f"{_OUT_OF_SERVICE}\n".encode("ascii"))


def generation_ids(index_folder: Path) -> list[str]:
    """The generations on the disk, newest first by their manifest's time on the disk; damaged ones too."""
    folder = index_folder / "generations"
    found = [path for path in folder.iterdir() if _ID.fullmatch(path.name)] if is_folder(folder) else []
    return [path.name for path in sorted(found, key=lambda path: (-_written_at(path), path.name))]


def _written_at(folder: Path) -> float:
    """Long ago without a manifest; one that cannot be read counts as new, so that pruning leaves the generation."""
    try:
        return (folder / MANIFEST).stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return 0.0
    except OSError:
        return math.inf


@contextlib.contextmanager
def write_lock(index_folder: Path) -> Iterator[None]:
    """Held by whatever writes the index.

    Raises StorageFailed when another process holds it, OSError when the disk refuses.
    """
    try:
        index_folder.mkdir(parents=True, exist_ok=True)
        with FileLock(index_folder / ".lock", timeout=0):
            yield
    except LockTimeout:
        raise StorageFailed(
            f"Another process is writing {index_folder}.", "Wait for it to end, then try again."
        ) from None


def staging_folder(index_folder: Path, identifier: str) -> contextlib.AbstractContextManager[Path]:
    """A folder to write a generation in; `adopt` gives it its name. Whatever an earlier crash left is removed first."""
    return staging(generation_folder(index_folder, identifier))


def adopt(index_folder: Path, staged: Path, identifier: str) -> None:
    """Gives a complete staging folder its name; a damaged generation of that name is set aside as `<id>.damaged-…`."""
    take_place(staged, generation_folder(index_folder, identifier))
