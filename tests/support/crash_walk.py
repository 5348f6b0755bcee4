"""Builds an index again and again, each time with one fault, and looks at what is left. `test_crashes.py` runs it.

It is a process of its own, since a watched disk stays watched, and forks a child for each fault. What may never be ends
it with an error; what came of the faults is counted and printed as JSON.
"""

import functools
import json
import os
import re
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path

from pydantic import TypeAdapter

from qa.encoder import export as encoder_export
from qa.encoder import store as encoder_store
from qa.errors import ClinicQAError
from qa.index import generation, manifest
from qa.index.generation import open_generation
from qa.index.publication import generation_ids, live_id
from qa.indexer import audience_files
from qa.indexer.build import BuildReport
from qa.records import Answer
from qa.search.engine import new_engine
from qa.settings import Settings
from tests.support import encoders
from tests.support.clinic import CALL_GUIDE, CEMENT, Clinic
from tests.support.faults import TAKES_SPACE, Disk, Fault, limit_files
from tests.support.workshop import Workshop, build_in

QUESTION = "how long until the cement hardens?"
NOTHING = ""
"""Stands for the generation of a server that has none to serve."""


class Walk:
    """A clinic with its index before a build, and all that may be served during that build and after it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before = folder / "before"
        self.clinic = Clinic(folder, Settings(corpus=folder / "corpus", index=self.before))
        self.workshop = Workshop(folder)
        self.served: dict[str, list[Answer]] = {}
        self.seen: Counter[str] = Counter()
        self.looked_at: dict[object, str] = {}
        self.repaired: set[object] = set()
        self.new = ""
        self.tidy: list[str] = []

    def prepare(self, scenario: str) -> None:
        """`first` has no index yet. `next` has more generations than are kept, damaged ones, and an encoder that other
        versions of the libraries made. In `repair` the live generation is damaged, and its encoder too.
        """
        self.clinic.write("synonyms.toml", '[[same]]\nwords = ["PMMA", "bone glue"]\n')
        self.clinic.add("guide.md", CALL_GUIDE, "staff")
        self.before.mkdir()
        for minutes in () if scenario == "first" else range(11, 15):
            self.change_page(minutes)
            self.build(self.before)
        if scenario == "next":
            for kind in ("generations", "encoders"):
                for digit in "01":
                    (self.before / kind / f"{digit * 16}.damaged-{digit * 8}").mkdir()
            self.look(self.before, learn=True)
            encoder_export._version = lambda package: "99"
        else:
            self.served[NOTHING] = []
        if scenario == "repair":
            (generation,) = [self.before / "generations" / live_id(self.before)]
            (graph,) = (self.before / "encoders").glob("*/model.onnx")
            for path in (generation / "staff" / "tokens.npy", graph):
                path.write_bytes(b"damaged")
        else:
            self.change_page(15)
        after = self.copy("after")
        self.build(after)
        self.new = self.look(after, learn=True)
        self.tidy = names(after)

    def change_page(self, minutes: int) -> None:
        self.clinic.add("cement.md", CEMENT.replace("10 minutes", f"{minutes} minutes"))

    def copy(self, name: str) -> Path:
        """A copy of the index before the build. Its files are links: a file of an index is never written again."""
        index = self.folder / name
        shutil.rmtree(index, ignore_errors=True)
        shutil.copytree(self.before, index, copy_function=os.link)
        return index

    def build(self, index: Path) -> BuildReport:
        self.workshop.index = index
        return build_in(self.clinic.elsewhere(index.name), self.workshop)

    def look(self, index: Path, *, learn: bool = False) -> str:
        """The generation that a server serves which starts now; it must answer as that one does."""
        state = visible(index)
        if state not in self.looked_at:
            self.workshop.index = index
            settings = self.clinic.elsewhere(index.name).settings
            engine = new_engine(settings, self.workshop.store(), lambda: self.clinic.today)
            engine.reload()
            readiness = engine.readiness()
            found = readiness.generation or NOTHING
            answers = [engine.ask(QUESTION, "patient"), engine.ask(QUESTION, "staff")] if found else []
            if learn:
                self.served[found] = answers
            require(found in self.served, f"served is {found}: {readiness.reason}")
            require(answers == self.served[found], f"{found} answers as no whole generation does: {answers}")
            if NOTHING not in self.served:
                require(not readiness.reason, readiness.reason)
                for identifier in generation_ids(index):
                    open_generation(index, identifier)
            self.looked_at[state] = found
        return self.looked_at[state]

    def check(self, index: Path) -> None:
        """A next build succeeds and tidies up. Once for all faults that left files of the same names and sizes."""
        state = everything(index)
        if state in self.repaired:
            return
        self.repaired.add(state)
        self.seen["next builds"] += 1
        report = self.build(index)
        require(report.generation == self.new == self.look(index), "The next build did not publish the new generation.")
        require(not report.pruned.problem, report.pruned.problem)
        left = set(names(index)) ^ set(self.tidy)
        require({name for name in left if "damaged" not in name} == set(), f"left are {names(index)}, not {self.tidy}")
        require(left <= set(self.tidy), f"left are {names(index)}, not {self.tidy}")

    def steps(self) -> list[tuple[str, str]]:
        """The steps of an undisturbed build."""
        reader, writer = os.pipe()

        def work() -> None:
            disk = Disk(self.copy("counted"))
            disk.watch()
            self.build(disk.folder)
            os.write(writer, json.dumps(disk.steps).encode())

        require(in_child(work) == 0, "An undisturbed build failed.")
        os.close(writer)
        with os.fdopen(reader) as stream:
            return [(kind, path) for kind, path in json.load(stream)]

    def kill(self, every: int) -> None:
        """Before each step, and in the middle of each write, the disk as a process killed there leaves it.

        What is served is looked at each time. The next build is made after `every` so many, and whenever what a reader
        may see has changed.
        """
        numbers = count()

        def work() -> None:
            index = self.copy("run")
            disk = Disk(index)
            disk.before_step = lambda: shutil.copytree(
                index, self.folder / f"killed-{next(numbers)}", copy_function=copy_or_link
            )
            disk.watch()
            self.build(index)

        require(in_child(work) == 0, "An undisturbed build failed.")
        state: object = None
        for number in count():
            killed = self.folder / f"killed-{number}"
            if not killed.exists():
                break
            self.seen["kills"] += 1
            live = self.look(killed)
            self.seen["new" if live == self.new else "old"] += 1
            if number % every == 0 or visible(killed) != state or list(killed.glob(".*.tmp")):
                state = visible(killed)
                self.check(killed)
            shutil.rmtree(killed)

    def fail(self, fault: Fault, every: int, only: frozenset[str] | None = None) -> None:
        """Each build meets the fault at one step: at `every` so many of those of a kind, and at the last ones."""
        steps = self.steps()
        turns = [number for number, (kind, _) in enumerate(steps, start=1) if only is None or kind in only]
        last = turns[-4:]
        for at_step in sorted({*turns[::every], *last}):
            index = self.copy("run")

            def work(index: Path = index, at_step: int = at_step) -> None:
                Disk(index, fault, at_step).watch()
                self.build(index)

            self.judge(index, in_child(work))

    def limit(self, every: int, *, killed: bool) -> None:
        """Each build's files may grow to a size only: at which one file more cannot be written any more.

        Once from the start, and once from when the terms and token vectors are written, which native code does.
        """
        generation = self.folder / "after" / "generations" / self.new
        sizes = {path.stat().st_size for path in generation.rglob("*") if path.is_file()}
        native = {path.stat().st_size for path in generation.rglob("terms/*")} | {
            path.stat().st_size for path in generation.rglob("*.npy")
        }
        turns = [(size, False) for size in sorted(sizes)[::every]] + [
            (size, True) for size in sorted(native)[:: (every + 1) // 2]
        ]
        for size, natively in turns:
            if size == 0:
                continue
            index = self.copy("run")

            def work(index: Path = index, limit: int = size - 1, natively: bool = natively) -> None:
                if natively:
                    for name in ("write_terms", "write_tokens"):
                        setattr(audience_files, name, limited(getattr(audience_files, name), limit, killed))
                else:
                    limit_files(limit, killed=killed)
                self.build(index)

            self.judge(index, in_child(work))

    def order(self) -> None:
        """Whatever a build writes is on the disk before a name leads to it: file, folder, then the next name."""
        steps = self.steps()
        counted = self.folder / "counted"
        named = {"generations": "os.rename", "encoders": "exchange"}
        for kind, way in named.items():
            target = next(counted.glob(f"{kind}/{self.new if kind == 'generations' else '*[0-9a-f]'}"))
            staged = counted / kind / f".building-{target.name}"
            (at,) = [
                number
                for number, (step, path) in enumerate(steps)
                if step == way and Path(path) == (staged if way == "os.rename" else target)
            ]
            synced = {plain(Path(path)) for step, path in steps[:at] if step == "fsync"}
            for path in (target, *target.rglob("*")):
                place = staged / path.relative_to(target)
                found = plain(place) in synced or plain(place.with_name(f".{place.name}.01234567.tmp")) in synced
                require(found or path.name.startswith(".tantivy-"), f"{place} was not synced before it got its name.")
            later = [path for step, path in steps[at:] if step == "fsync"]
            swap = [path for step, path in steps[at:] if step == "fsync" and ".current." in path]
            require(later.index(str(target.parent)) < later.index(swap[0]), f"{target.parent} was not synced.")
            self.seen[kind] += 1

    def judge(self, index: Path, code: int) -> None:
        """Checks what a build left that ended with an exit code, or by a signal when it is negative."""
        self.seen[f"exit {code}"] += 1
        require(code in (0, 7) or code < 0, f"The build ended with {code}.")
        live = self.look(index)
        self.seen["new" if live == self.new else "old"] += 1
        require(code != 0 or live == self.new, "A build that succeeded published nothing.")
        self.check(index)


def limited(write: Callable[..., None], size: int, killed: bool) -> Callable[..., None]:
    """`write` on a disk where no file grows beyond a size from then on."""

    def write_limited(*arguments: object) -> None:
        limit_files(size, killed=killed)
        write(*arguments)

    return write_limited


def visible(index: Path) -> object:
    """What a reader may see of an index: the files under no hidden name, each told from every other."""
    found = []
    for path in sorted(index.rglob("*")):
        place = path.relative_to(index)
        if path.is_file() and not any(part.startswith(".") for part in place.parts[:2]):
            status = path.stat()
            found.append((str(place), status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def everything(index: Path) -> object:
    """Every file of an index with its size, without what is random in the names."""
    files = (path for path in index.rglob("*") if path.is_file() or not any(path.iterdir()))
    return tuple(sorted((plain(path.relative_to(index)), path.stat().st_size) for path in files))


def names(index: Path) -> list[str]:
    """What lies in an index and its two folders, without what is random in the names."""
    return sorted(plain(path.relative_to(index)) for path in [*index.glob("*"), *index.glob("*/*")])


def plain(path: Path) -> str:
    return re.sub(r"[0-9a-f]{32}|(?<=[.-])[0-9a-f]{8}(?![0-9a-f])", "…", path.as_posix())


def copy_or_link(source: str, target: str) -> None:
    """Links what is never written again, and copies what may still grow."""
    if "/.building-" in source or "/.current" in source:
        shutil.copyfile(source, target)
    else:
        os.link(source, target)


def in_child(work: Callable[[], object]) -> int:
    """The exit code of a child that does the work, with that of the error that ends it; a signal's is negative."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            work()
            code = 0
        except ClinicQAError as error:
            code = error.exit_code
        except BaseException:  # noqa: BLE001 - a panic of native code is one
            traceback.print_exc()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def make_quick() -> None:
    """Nobody pulls the plug here, and what is the same in every build is made once, before the forks."""
    setattr(os, "fsync", lambda descriptor: None)  # noqa: B010
    for module in (generation, manifest, encoder_store):
        setattr(module, "TypeAdapter", functools.cache(TypeAdapter))  # noqa: B010 - mypy knows it as a class
    setattr(encoders, "_word_vector", functools.cache(encoders._word_vector))  # noqa: B010


def main(folder: str, scenario: str, walk: str, every: int) -> None:
    make_quick()
    walked = Walk(Path(folder))
    walked.prepare(scenario)
    walked.seen.clear()
    walked.repaired.clear()
    if walk == "killed":
        walked.kill(every)
    elif walk == "order":
        walked.order()
    elif walk == "limited":
        walked.limit(every, killed=False)
        walked.limit(every, killed=True)
    else:
        fault: Fault = walk  # type: ignore[assignment]
        walked.fail(fault, every, TAKES_SPACE if fault == "full" else None)
    print(json.dumps(walked.seen))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
