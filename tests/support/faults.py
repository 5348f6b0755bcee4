"""A disk that fails: each thing that this process changes below a folder is a step, and one step goes wrong.

Python's own calls are steps, also those of libraries (an audit hook sees them), and so is every write to a file that
Python opened. What native code writes by itself is met by `limit_files` instead.
"""

import errno
import io
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from qa.storage import files

Fault = Literal["none", "fails once", "full", "read-only", "writes half"]
"""`full` and `read-only` last from the step on; a full disk still lets go of files. A write that fails has taken half
of its bytes. `writes half` takes half at every write, as a system may, and says so; it fails none."""

_CHANGES = frozenset({"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.link", "os.symlink"})
TAKES_SPACE = frozenset({"open", "os.mkdir", "os.link", "os.symlink", "write", "fsync"})
_ERRORS = {"fails once": errno.EIO, "full": errno.ENOSPC, "read-only": errno.EROFS}


@dataclass
class Disk:
    """The disk below `folder`. Once watched it is watched for good: meant for a process that is about to end.

    `before_step` is called before each step, and in the middle of a write.
    """

    folder: Path
    fault: Fault = "none"
    at_step: int = 0
    before_step: Callable[[], object] = lambda: None
    steps: list[tuple[str, str]] = field(default_factory=list)
    looking: bool = False

    def watch(self) -> None:
        """Counts from now on."""
        sys.addaudithook(self._audit)
        real_open, real_exchange = io.open, files.exchange

        def open_watched(file: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **options: Any) -> Any:
            named = isinstance(file, str | os.PathLike) and self._holds(file)
            if self.looking or not named or "w" not in mode:
                return real_open(file, mode, buffering, *arguments, **options)
            stream = io.BufferedWriter(_WatchedFile(file, "w", self))
            return stream if "b" in mode else io.TextIOWrapper(stream, *arguments, **options)

        def sync(descriptor: int) -> None:
            """What a killed process has written stays; only a power cut loses what was not synced."""
            self.step("fsync", str(_path_of(descriptor)))

        def exchange(one: Path, other: Path) -> None:
            self.step("exchange", str(other))
            real_exchange(one, other)

        io.open = open_watched
        os.fsync = sync  # type: ignore[assignment]
        files.exchange = exchange

    def step(self, kind: str, path: str, half: Callable[[], object] = lambda: None) -> None:
        """Counts a step, and fails if it is this one's turn; `half` does a part of it first."""
        self.steps.append((kind, path))
        self.look()
        number = len(self.steps)
        lasts = self.fault in ("full", "read-only")
        code = _ERRORS.get(self.fault)
        if code is None or not (number == self.at_step or (lasts and number > self.at_step)):
            return
        if self.fault == "full" and kind not in TAKES_SPACE:
            return
        half()
        raise OSError(code, os.strerror(code), path)

    def look(self) -> None:
        self.looking = True
        self.before_step()
        self.looking = False

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.looking:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | os.PathLike) and flags & (os.O_WRONLY | os.O_RDWR) and self._holds(path):
                self.step(event, os.fspath(path))
        elif event in _CHANGES:
            path = Path(os.fsdecode(arguments[0]))
            if not path.is_absolute() and arguments[-1] >= 0:  # in a folder that is being removed
                path = _path_of(arguments[-1]) / path
            if self._holds(path):
                self.step(event, str(path))

    def _holds(self, path: str | os.PathLike[str]) -> bool:
        return os.fspath(path).startswith(f"{self.folder}{os.sep}")


def _path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


class _WatchedFile(io.FileIO):
    def __init__(self, path: Any, mode: str, disk: Disk) -> None:
        super().__init__(path, mode)
        self._disk = disk

    def write(self, data: Any) -> int:
        bytes_ = memoryview(data)
        middle = max(1, len(bytes_) // 2)
        self._disk.step("write", str(self.name), lambda: super(_WatchedFile, self).write(bytes_[:middle]))
        written = super().write(bytes_[:middle])
        if self._disk.fault == "writes half":
            return written
        self._disk.look()
        return written + (super().write(bytes_[middle:]) if middle < len(bytes_) else 0)


def limit_files(size_bytes: int, *, killed: bool) -> None:
    """No file of this process grows beyond a size: a write that crosses it is cut short, or kills the process.

    The system sees to it, so that it holds for native code too.
    """
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL if killed else signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))
