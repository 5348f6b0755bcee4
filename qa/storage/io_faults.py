"""I/O faults: does it mean damage of the index, or trouble of the machine, that a file cannot be read?

Damage stays until a build repairs it, and is refused for good. Trouble passes: nothing is set aside or made anew for
it, and a server tries again on its own.
"""

import contextlib
import errno
import mmap
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from qa.errors import REBUILD, DamagedGeneration, IndexUnavailable, StorageFailed
from qa.storage.files import temporary_folder

IOFault = OSError | MemoryError
Opened = TypeVar("Opened")

_SPARE_DESCRIPTORS = 8
_ROOM = 4
"""Times the size of its files: more memory than a library takes to read them. ONNX Runtime takes 2.3 times."""
_BLOCK_BYTES = 1 << 20
_NO_PLACE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR}
)


@contextlib.contextmanager
def naming_faults(path: Path) -> Iterator[None]:
    """Around all that reads a file of an index.

    Raises DamagedGeneration when it is missing, IndexUnavailable when it cannot be read.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise DamagedGeneration(f"{path} is missing.", REBUILD, {"file": path.name}) from None
    except (OSError, MemoryError) as error:
        raise unavailable(path, error) from None


def read_bytes(path: Path) -> bytes:
    """All bytes of a file of an index.

    Raises DamagedGeneration when it is missing, IndexUnavailable when it cannot be read.
    """
    with naming_faults(path):
        return path.read_bytes()


def is_folder(path: Path) -> bool:
    """Whether a folder of an index is there; since Python 3.14, `Path.is_dir` answers any trouble with no.

    Raises IndexUnavailable when the machine cannot tell.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unavailable(path, error) from None


def unavailable(path: Path, error: IOFault) -> IndexUnavailable:
    """What to raise when the machine cannot read a file or folder of an index, which may be whole."""
    return IndexUnavailable(f"{path} cannot be read: {reason_of(error)}.", remedy_of(error))


def reason_of(error: IOFault) -> str:
    """What the system says."""
    if isinstance(error, MemoryError):
        return os.strerror(errno.ENOMEM)
    return error.strerror or type(error).__name__


def remedy_of(error: IOFault) -> str:
    """What to do about it; names no path."""
    match _number(error):
        case errno.EMFILE:
            return "Raise the limit of open files (`ulimit -n`)."
        case errno.ENFILE:
            return "Raise the system's limit of open files (`fs.file-max`)."
        case errno.ENOMEM:
            return "Free memory."
        case errno.EAGAIN:
            return "Raise the limit of threads (`ulimit -u`, or the container's)."
        case errno.EACCES | errno.EPERM:
            return "Check its permissions."
        case errno.EIO:
            return "Check the disk."
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "Free disk space."
        case errno.EROFS:
            return "Make its file system writable."
    return "Check its permissions and the disk."


def _number(error: IOFault) -> int:
    return errno.ENOMEM if isinstance(error, MemoryError) else error.errno or 0


@contextlib.contextmanager
def private_copy(path: Path) -> Iterator[Path]:
    """A copy of a file, or of a folder of files, to memory-map. It is deleted afterwards; what is mapped outlives it.

    A process dies when a file that it has mapped is cut short, so nothing that others can reach is mapped.

    Raises DamagedGeneration when a file is missing, IndexUnavailable when one cannot be read, and StorageFailed for
    trouble with the copy, the caller's included.
    """
    with naming_faults(path):
        sources = _files_of(path)
    with _copying(path), temporary_folder("copy") as folder:
        try:
            for source in sources:
                _copy(source, folder / source.name)
            yield folder / path.name if sources == [path] else folder
        finally:
            for source in sources:  # without a descriptor to spare, `rmtree` removes nothing
                with contextlib.suppress(OSError):
                    (folder / source.name).unlink()
            with contextlib.suppress(OSError):
                folder.rmdir()


def _files_of(path: Path) -> list[Path]:
    """The file, or those of the folder."""
    return sorted(file for file in path.iterdir() if not file.is_dir()) if path.is_dir() else [path]


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.filename == str(source) and error.filename2 is None:  # the source, and not the way to the copy
            with naming_faults(source):
                raise
        raise


@contextlib.contextmanager
def _copying(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, MemoryError) as error:
        place = tempfile.tempdir or "a temporary folder"  # None where there is none to write in
        remedy = remedy_of(error)
        if _number(error) in _NO_PLACE:
            remedy = "Free space in the temporary folder, or set TMPDIR to one that may be written."
        raise StorageFailed(f"{path} cannot be copied to {place}: {reason_of(error)}.", remedy) from None


def opened_by_library(library: Callable[[], Opened], path: Path) -> Opened:
    """What a library makes of a file, or of a folder of files, that it reads by itself.

    Its own errors don't tell damage from trouble. After one, it is tried here whether the files can be read and memory
    and threads can be had; if so, the library tries again. Raises the library's error when it fails twice without
    trouble, and OSError for trouble.
    """
    try:
        return library()
    except Exception:  # noqa: BLE001 - of whatever kind: the second one is passed on
        _prove_usable(path)
    try:
        return library()
    except Exception:
        _prove_usable(path)
        raise


def _prove_usable(path: Path) -> None:
    """Raises OSError where a library could not read the files either."""
    files = _files_of(path)
    with contextlib.ExitStack() as opened:
        streams = [opened.enter_context(file.open("rb")) for file in (*files, *files[:1] * _SPARE_DESCRIPTORS)]
        for stream in streams[: len(files)]:
            while stream.read(_BLOCK_BYTES):
                pass
        size = sum(os.fstat(stream.fileno()).st_size for stream in streams[: len(files)])
    mmap.mmap(-1, 1 + _ROOM * size).close()  # asked for, never touched
    enough = threading.Event()
    try:
        for _ in range(os.cpu_count() or 1):
            threading.Thread(target=enough.wait).start()
    except RuntimeError:
        raise OSError(errno.EAGAIN, "No thread can be started") from None
    finally:
        enough.set()
