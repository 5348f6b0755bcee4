"""Trouble of the machine is never read as damage of the index: it is named, passes, and costs nothing that is built."""

import builtins
import errno
import io
import itertools
import json
import mmap
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qa.encoder.onnx_runtime import OnnxEncoder
from qa.encoder.store import EncoderStore
from qa.errors import UNUSABLE, ClinicQAError, DamagedGeneration, IndexUnavailable, NoIndex, StorageFailed
from qa.index.generation import open_generation
from qa.index.publication import live_id, publication_mark
from qa.search.engine import new_engine
from qa.settings import Settings
from qa.storage.io_faults import is_folder, naming_faults, opened_by_library, private_copy, read_bytes
from tests.support.clinic import CEMENT, TODAY, Clinic
from tests.support.encoders import identity_of, lend_encoder, packaged_encoder
from tests.support.workshop import Workshop, build_in

ROOT = Path(__file__).resolve().parents[2]
THOROUGH = os.environ.get("QA_EVERY_FAULT") == "1"
QUESTION = "How long until the cement hardens?"
REMEDIES = {
    errno.EMFILE: "Raise the limit of open files (`ulimit -n`).",
    errno.ENFILE: "Raise the system's limit of open files (`fs.file-max`).",
    errno.ENOMEM: "Free memory.",
    errno.EIO: "Check the disk.",
    errno.EACCES: "Check its permissions.",
    errno.EPERM: "Check its permissions.",
    errno.ESTALE: "Check its permissions and the disk.",
}
"""Without EINTR, after which Python calls again (PEP 475)."""
NO_PLACE = "Free space in the temporary folder, or set TMPDIR to one that may be written."


class Machine:
    """What this process asks the system for below a folder, counted: to look at files, open, read and map them.

    The step whose turn it is fails with `code`, once. Of what is read of a file only the first part is a step. What
    libraries do without when it fails is none: `sendfile`, and NumPy's look at the copy that it maps.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.steps: list[str] = []
        self.fails_at = 0
        self.code = 0
        real_open = io.open

        def open_counted(file: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **options: Any) -> Any:
            if not self.holds(file):
                return real_open(file, mode, buffering, *arguments, **options)
            self.step(f"open {file}", file)
            if "w" in mode or "a" in mode or "+" in mode:
                return real_open(file, mode, buffering, *arguments, **options)
            stream = io.BufferedReader(_CountedFile(file, self))
            return stream if "b" in mode else io.TextIOWrapper(stream, *arguments, **options)

        for module in (io, builtins):
            patch.setattr(module, "open", open_counted)
        for owner, name in ((Path, "stat"), (os, "listdir"), (os, "mkdir")):
            patch.setattr(owner, name, self.counted(name, getattr(owner, name)))
        patch.setattr(mmap, "mmap", self.counted("mmap", mmap.mmap, everywhere=True))

    def counted(self, name: str, call: Callable[..., Any], *, everywhere: bool = False) -> Callable[..., Any]:
        def counted_call(path: Any, *arguments: Any, **options: Any) -> Any:
            if everywhere or (self.holds(path) and not (name == "stat" and "clinic-qa-" in str(path))):
                self.step(f"{name} {path}", None if everywhere else path)
            return call(path, *arguments, **options)

        return counted_call

    def holds(self, path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(f"{self.folder}{os.sep}")

    @property
    def failed(self) -> str:
        """The step that failed."""
        return self.steps[self.fails_at - 1]

    def step(self, what: str, path: Any) -> None:
        self.steps.append(what)
        if len(self.steps) == self.fails_at:
            raise OSError(self.code, os.strerror(self.code), path and os.fspath(path))

    def fail(self, step: int, code: int) -> None:
        """From the next step on they are counted anew, and this one fails."""
        self.steps.clear()
        self.fails_at, self.code = step, code


class _CountedFile(io.FileIO):
    def __init__(self, path: Any, machine: Machine) -> None:
        super().__init__(path, "r")
        self._machine: Machine | None = machine

    def _step(self) -> None:
        machine, self._machine = self._machine, None
        if machine is not None:
            machine.step(f"read {self.name}", self.name)

    def readinto(self, buffer: Any) -> int | None:
        self._step()
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self._step()
        return super().readall() or b""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary copies, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def machine(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def faults(steps: int, every: int) -> Iterator[tuple[int, int]]:
    """Pairs of a step and an error: each step with the next error, or with all."""
    if THOROUGH:
        yield from itertools.product(range(1, steps + 1), REMEDIES)
    else:
        yield from zip(range(1, steps + 1, every), itertools.cycle(REMEDIES), strict=False)


def test_an_engine_names_the_trouble_serves_on_and_takes_the_generation_up_when_it_is_over(
    clinic: Clinic, machine: Machine, temporary: Path
) -> None:
    engine, counting = clinic.engine(), clinic.engine()
    before = engine.ask(QUESTION)
    clinic.add("cement.md", CEMENT.replace("about 10 minutes", "about 11 minutes"))
    clinic.build()
    machine.fail(0, 0)
    assert counting.reload() == "taken_up"
    opened = Counter(step for step in machine.steps if step.startswith("open ") and "/index/generations/" in step)
    (once,) = [step for step, times in opened.items() if times < 2]
    assert once.endswith("/manifest.json"), "Python hashes every other file, and reads it"
    assert len(opened) > 30
    for step, code in faults(len(machine.steps), 1):
        machine.fail(step, code)
        assert engine.reload() == "failed", machine.failed
        reason = engine.readiness().reason
        assert os.strerror(code) in reason, machine.failed
        assert reason.endswith((REMEDIES[code], NO_PLACE)), reason
        assert reason.endswith(NO_PLACE) <= (code in {errno.EACCES, errno.EPERM})
        assert list(temporary.iterdir()) == [], machine.failed
        if step % 50 == 0:
            assert engine.ask(QUESTION) == before
    machine.fail(0, 0)
    assert engine.reload() == "taken_up"
    assert "11 minutes" in engine.ask(QUESTION).quotes[0].text
    assert engine.readiness().reason == ""


def test_a_build_stops_with_the_trouble_and_neither_sets_aside_nor_embeds_what_is_whole(
    clinic: Clinic, machine: Machine
) -> None:
    machine.folder = clinic.settings.index
    generation = live_id(clinic.settings.index)
    machine.fail(0, 0)
    assert not clinic.build().published
    for step, code in faults(len(machine.steps), 7):
        clinic.encoder.encoded.clear()
        machine.fail(step, code)
        try:
            problem = clinic.build().pruned.problem
        except (IndexUnavailable, StorageFailed) as error:
            problem = str(error)
        keeps = machine.failed.endswith("/manifest.json")  # pruning leaves what it cannot look into, and goes on
        assert os.strerror(code) in problem or keeps, f"{machine.failed}: {problem}"
        machine.fail(0, 0)
        assert [path.name for path in (clinic.settings.index / "generations").iterdir()] == [generation]
        assert clinic.encoder.encoded == []
    assert live_id(clinic.settings.index) == generation
    assert clinic.engine().ask(QUESTION).quotes


def test_trouble_with_an_encoder_leaves_it_and_is_no_reason_against_its_export(
    empty_clinic: Clinic, machine: Machine
) -> None:
    empty_clinic.add("cement.md", CEMENT)
    workshop = Workshop(empty_clinic.folder)
    build_in(empty_clinic, workshop)
    machine.folder = workshop.index / "encoders"
    engine = new_engine(empty_clinic.settings, workshop.store(), lambda: TODAY)
    machine.fail(0, 0)
    workshop.store().open(workshop.identity)
    for step, code in faults(len(machine.steps), 1):
        machine.fail(step, code)
        assert engine.reload() == "failed"
        assert os.strerror(code) in engine.readiness().reason
        machine.fail(step, code)
        with pytest.raises((IndexUnavailable, StorageFailed)) as trouble:
            build_in(empty_clinic, workshop)
        assert not isinstance(trouble.value, UNUSABLE), machine.failed
        machine.fail(0, 0)
        assert [path.name for path in machine.folder.iterdir()] == [workshop.identity.id]
    assert workshop.original.exports == 1
    assert engine.reload() == "taken_up"


def reload_with_few_descriptors(index: str) -> None:
    """Prints what an engine with the real encoder meets where few descriptors are left, and whether it recovers."""
    import resource

    import onnxruntime  # noqa: F401 - what is imported is open already
    import tokenizers  # noqa: F401

    used, (_, most) = len(list(Path("/proc/self/fd").iterdir())), resource.getrlimit(resource.RLIMIT_NOFILE)
    settings = Settings(index=Path(index))
    outcomes: list[tuple[str, str]] = []
    for spare in range(-1, 12):
        engine = new_engine(settings, EncoderStore(settings.index), lambda: TODAY)
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, most))
        first = engine.reload()
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        outcomes.append((first, engine.readiness().reason))
        if first == "failed":
            engine.reload()
            outcomes[-1] = (first, outcomes[-1][1] if engine.readiness().ready else "not taken up")
    print(json.dumps(outcomes))


def test_a_process_without_descriptors_refuses_nothing_and_leaves_no_copy(
    empty_clinic: Clinic, exported: Path, temporary: Path
) -> None:
    empty_clinic.add("cement.md", CEMENT)
    empty_clinic.encoder.identity = packaged_encoder()
    lend_encoder(exported, empty_clinic.settings.index)
    empty_clinic.build()
    code = "import sys; from tests.storage.test_io_faults import reload_with_few_descriptors as r; r(sys.argv[1])"
    environment = os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, str(empty_clinic.settings.index)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outcomes = [tuple(outcome) for outcome in json.loads(done.stdout)]
    failed = [reason for outcome, reason in outcomes if outcome == "failed"]
    assert len(failed) >= 2
    assert all("Too many open files. Raise the limit of open files" in reason for reason in failed), failed
    assert {outcome for outcome, _ in outcomes} == {"failed", "taken_up"}, outcomes
    assert list(temporary.glob("clinic-qa-*")) == []


def load_with_little_memory(folder: str) -> None:
    """Prints what the real encoder says where a third of the memory can be had that its model takes, and then all."""
    import resource

    import onnxruntime  # noqa: F401
    import tokenizers  # noqa: F401

    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit, unlimited = pages * resource.getpagesize() + 60_000_000, resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_AS, (limit, unlimited))
    encoder = OnnxEncoder(Path(folder), identity_of("x"), 256, 1)
    try:
        encoder.load()
    except ClinicQAError as error:
        print(type(error).__name__, error)
    resource.setrlimit(resource.RLIMIT_AS, (unlimited, unlimited))
    encoder.load()
    print("loaded")


def test_an_encoder_that_finds_too_little_memory_is_whole(exported: Path) -> None:
    (folder,) = (exported / "encoders").iterdir()
    code = "import sys; from tests.storage.test_io_faults import load_with_little_memory as l; l(sys.argv[1])"
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    first, second = done.stdout.splitlines()
    assert first.startswith(f"StorageFailed {folder} cannot be copied to ")
    assert first.endswith(": Cannot allocate memory. Free memory.")
    assert second == "loaded"


def test_without_memory_for_the_vectors_nothing_is_damaged(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    identifier = live_id(clinic.settings.index)

    def no_memory(reader: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("faiss.read_index", no_memory)
        with pytest.raises(IndexUnavailable, match=r"faiss cannot be read: Cannot allocate memory\. Free memory"):
            open_generation(clinic.settings.index, identifier)
    assert open_generation(clinic.settings.index, identifier).id == identifier


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_temporary_folder_that_takes_no_copy_is_to_be_freed_or_replaced(
    tmp_path: Path, machine: Machine, temporary: Path, code: int
) -> None:
    (tmp_path / "rows").write_bytes(b"rows")
    machine.folder = temporary
    for step in (1, 2):  # the folder, the file
        machine.fail(step, code)
        with pytest.raises(StorageFailed) as trouble, private_copy(tmp_path / "rows"):
            pass
        assert trouble.value.remedy == NO_PLACE
        assert f"cannot be copied to {temporary}: {os.strerror(code)}" in trouble.value.message
    machine.fail(0, 0)
    with private_copy(tmp_path / "rows") as copy:
        assert copy.read_bytes() == b"rows"
    assert list(temporary.iterdir()) == []


def test_a_temporary_folder_that_is_gone_is_no_damage(clinic: Clinic, temporary: Path) -> None:
    temporary.rmdir()
    engine = clinic.engine()
    assert engine.reload() == "failed"
    assert NO_PLACE in engine.readiness().reason
    temporary.mkdir()
    assert engine.reload() == "taken_up"


def test_a_copy_that_another_program_tidies_away_is_no_damage(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"rows")

    def read_late() -> None:
        with private_copy(tmp_path / "rows") as copy:
            shutil.rmtree(copy.parent)
            copy.read_bytes()

    with pytest.raises(StorageFailed):
        read_late()


@pytest.mark.parametrize("open_copy", [read_bytes, lambda path: private_copy(path).__enter__()])
def test_a_file_that_is_missing_is_damage(tmp_path: Path, open_copy: Callable[[Path], object]) -> None:
    for path in (tmp_path / "gone", tmp_path / "file" / "inside"):
        (tmp_path / "file").touch()
        with pytest.raises(DamagedGeneration, match=r"is missing\. Run `qa build`"):
            open_copy(path)


@pytest.mark.parametrize("code", REMEDIES)
def test_a_pointer_or_folder_that_the_machine_does_not_give_out_is_there_all_the_same(
    clinic: Clinic, machine: Machine, code: int
) -> None:
    index = clinic.settings.index
    for look in (publication_mark, live_id, is_folder):
        machine.fail(1, code)
        with pytest.raises(IndexUnavailable, match=re.escape(os.strerror(code))) as trouble:
            look(index / "generations" if look is is_folder else index)
        assert not isinstance(trouble.value, NoIndex)
        assert trouble.value.remedy == REMEDIES[code]


class Library:
    """Reads files by itself: fails so many times with an error of its own, then makes something."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self) -> str:
        self.failures -= 1
        if self.failures >= 0:
            raise KeyError("something")
        return "made"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"whole")
    return path


def test_a_library_that_fails_once_may_try_again_and_one_that_fails_twice_is_believed(file: Path) -> None:
    assert opened_by_library(Library(1), file) == "made"
    with pytest.raises(KeyError):
        opened_by_library(Library(2), file)


@pytest.mark.parametrize("failures", [1, 2])
@pytest.mark.parametrize("missing", ["file", "descriptors", "memory", "threads"])
def test_a_library_is_not_believed_where_the_machine_is_in_trouble(
    file: Path, monkeypatch: pytest.MonkeyPatch, missing: str, failures: int
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    def no_thread(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    code = {"file": errno.EIO, "descriptors": errno.EMFILE, "memory": errno.ENOMEM, "threads": errno.EAGAIN}[missing]
    machine = Machine(file.parent, monkeypatch)
    machine.fail({"file": 10, "descriptors": 5}.get(missing, 0), code)
    if missing == "memory":
        monkeypatch.setattr(mmap, "mmap", refuse)
    if missing == "threads":
        monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(IndexUnavailable) as trouble, naming_faults(file):
        opened_by_library(Library(failures), file)
    assert not isinstance(trouble.value, DamagedGeneration)
    assert trouble.value.remedy in {*REMEDIES.values(), "Raise the limit of threads (`ulimit -u`, or the container's)."}


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "projection.npy"])
@pytest.mark.parametrize("code", REMEDIES)
def test_the_real_encoder_tells_trouble_from_damage(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    (source,) = (exported / "encoders").iterdir()
    folder = shutil.copytree(source, tmp_path / "encoder", copy_function=os.link)
    if name == "model.onnx":
        (folder / name).unlink()  # ONNX Runtime says no more than that it failed
        (folder / name).write_bytes(b"what a disk that fails gives")
    machine = Machine(folder / name, monkeypatch)
    monkeypatch.setattr(machine, "holds", lambda path: str(path) == str(folder / name))
    encoder = OnnxEncoder(folder, identity_of("x"), 256, 1)
    machine.fail(2, code)
    with pytest.raises(ClinicQAError) as trouble:
        encoder.load()
    assert type(trouble.value) is IndexUnavailable
    assert os.strerror(code) in trouble.value.message
    assert trouble.value.remedy == REMEDIES[code]
