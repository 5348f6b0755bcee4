"""A server as a process of its own: how long it takes to start, what it answers, how much memory it takes."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
QA = (sys.executable, "-c", "from qa.cli import main; main()")
START_SECONDS = 180.0
STOP_SECONDS = 15.0
LOG_LINES = 20
_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a process and all its children: RSS counts shared pages once for each, PSS shares them out."""

    rss_megabytes: float
    pss_megabytes: float
    processes: int


@dataclass(frozen=True, slots=True)
class Service:
    """A running server. Start times count from the start of its process."""

    process: subprocess.Popen[bytes]
    port: int
    ready_seconds: float
    first_answer_seconds: float

    def memory(self) -> Memory:
        return memory_of(self.process.pid)


@dataclass(frozen=True, slots=True)
class Probe:
    """A request: `path` is asked by POST where there is a `body`, else by GET."""

    path: str
    body: Mapping[str, object] | Sequence[object] | None = None


def environment() -> dict[str, str]:
    """That of a child process: this checkout's modules, and no thread settings but its own."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(
    command: Sequence[str], port: int, ready: Probe, question: Probe, extra: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Starts a server and waits until `ready` and then `question` are answered with 2xx; stops it at the end."""
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env={**environment(), **(extra or {})}, stdout=subprocess.DEVNULL, stderr=log
        )
        try:
            _wait_for(process, port, ready, started)
            ready_seconds = time.perf_counter() - started
            _wait_for(process, port, question, started)
            yield Service(process, port, round(ready_seconds, 2), round(time.perf_counter() - started, 2))
        except BaseException:
            print(_end_of(log), file=sys.stderr)
            raise
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        print(f"A server did not stop within {STOP_SECONDS:.0f} s of SIGTERM and was killed.", file=sys.stderr)


def _end_of(log: IO[bytes]) -> str:
    """The last lines that a server logged."""
    log.seek(0)
    return b"".join(log.readlines()[-LOG_LINES:]).decode("utf-8", "replace")


def _wait_for(process: subprocess.Popen[bytes], port: int, probe: Probe, started: float) -> None:
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with exit code {process.returncode}. The lines above say why.")
        try:
            call(port, probe)
        except (OSError, http.client.HTTPException) as error:
            if time.perf_counter() - started > START_SECONDS:
                raise RuntimeError(f"The server is not ready after {START_SECONDS:.0f} s ({error}).") from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def call(port: int, probe: Probe, timeout: float = 60.0) -> object:
    """The JSON of a 2xx answer; raises OSError or HTTPException for anything else."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        body = None if probe.body is None else json.dumps(probe.body)
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request("GET" if body is None else "POST", probe.path, body, headers)
        response = connection.getresponse()
        data = response.read()
        if not 200 <= response.status < 300:
            raise http.client.HTTPException(f"{probe.path.split('?')[0]} answered {response.status}")
        return json.loads(data)
    finally:
        connection.close()


def memory_of(pid: int) -> Memory:
    rss = pss = 0
    tree = _tree(pid)
    for one in tree:
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text("ascii")
        except OSError:
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines() if line.endswith(" kB")}
        rss += sizes.get("Rss", 0)
        pss += sizes.get("Pss", 0)
    return Memory(round(rss / 1024, 1), round(pss / 1024, 1), len(tree))


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found.extend(int(child) for child in children.read_text("ascii").split())
            except OSError:
                continue
    return found


class MemoryWatch(threading.Thread):
    """Notes a server's memory every second until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.readings = [memory_of(pid)]

    def run(self) -> None:
        while not self._over.wait(1.0):
            self.readings.append(memory_of(self._pid))

    def stop(self) -> list[Memory]:
        """The readings, the last one of now."""
        self._over.set()
        self.join()
        self.readings.append(memory_of(self._pid))
        return self.readings
