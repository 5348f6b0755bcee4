"""Loads on a server, each made by a client process of its own, and the figures of their samples."""

import json
import math
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray

from scripts.bench.client import DRAIN_SECONDS, Specification
from scripts.bench.service import environment


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in milliseconds, exact: each is one of the samples (nearest rank)."""

    count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """What one load gave. Rates count requests that came within the counted seconds; `accepted` are the 2xx.

    `failed` had their connection broken, `unanswered` no answer some seconds after the end, `not_sent` no connection.
    """

    connections: int
    offered_per_second: float | None
    seconds: float
    requests_per_second: float
    accepted: Latency
    refused: Latency
    statuses: dict[str, int]
    failed: int
    unanswered: int
    not_sent: int
    client_cpu_share: float

    @property
    def troubles(self) -> int:
        """Requests that were sent and did not end in 200."""
        others = sum(number for code, number in self.statuses.items() if code != "200")
        return others + self.failed + self.unanswered


class RunningLoad:
    """A client at work."""

    def __init__(self, specification: Specification) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-load-")
        self._specification = replace(specification, output=self._folder.name)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scripts.bench.client"], env=environment(), stdin=subprocess.PIPE, text=True
        )
        if self._process.stdin is None:
            raise RuntimeError("The load client has no standard input. Start it again.")
        json.dump(asdict(self._specification), self._process.stdin)
        self._process.stdin.close()

    def stop(self) -> None:
        """Ends the load before its time."""
        self._process.send_signal(signal.SIGTERM)

    def figures(self) -> LoadFigures:
        """Waits for the end of the load."""
        return self.figures_and_bodies()[0]

    def figures_and_bodies(self) -> tuple[LoadFigures, list[bytes]]:
        """Waits for the end of the load; the bodies are those of all answers, where they were kept."""
        code = self._process.wait(self._specification.seconds + DRAIN_SECONDS + 60)
        if code:
            raise RuntimeError(f"The load client ended with exit code {code}. The lines above say why.")
        folder = Path(self._folder.name)
        figures = _figures(folder, self._specification)
        bodies = (folder / "bodies.jsonl").read_bytes().splitlines() if self._specification.keep_bodies else []
        self._folder.cleanup()
        return figures, bodies


def run_load(specification: Specification) -> LoadFigures:
    return RunningLoad(specification).figures()


def latency_of(seconds: NDArray[np.float64]) -> Latency:
    ordered = np.sort(seconds) * 1000

    def at(share: float) -> float | None:
        return round(float(ordered[math.ceil(share * len(ordered)) - 1]), 3) if len(ordered) else None

    return Latency(len(ordered), at(0.5), at(0.95), at(0.99), at(1.0))


def _figures(folder: Path, specification: Specification) -> LoadFigures:
    counts = json.loads((folder / "counts.json").read_text("utf-8"))
    with np.load(folder / "samples.npz") as samples:
        arrived, latency, status = samples["arrived"], samples["latency"], samples["status"]
    accepted = (status >= 200) & (status < 300)
    seconds = max(1e-9, counts["counted_seconds"])
    ends = specification.warm_up_seconds + seconds
    in_time = accepted & (arrived + latency <= ends)
    return LoadFigures(
        connections=specification.connections,
        offered_per_second=specification.rate,
        seconds=round(seconds, 2),
        requests_per_second=round(float(in_time.sum()) / seconds, 2),
        accepted=latency_of(latency[accepted]),
        refused=latency_of(latency[~accepted]),
        statuses={str(code): number for code, number in sorted(Counter(status.tolist()).items())},
        failed=counts["failed"],
        unanswered=counts["unanswered"],
        not_sent=counts["not_sent"],
        client_cpu_share=round(counts["cpu_seconds"] / max(1e-9, counts["wall_seconds"]), 3),
    )


def ask_requests(questions: Sequence[str], audience: str) -> tuple[str, ...]:
    """`POST /v1/ask` for each question."""
    return tuple(_post(json.dumps({"question": question, "audience": audience})) for question in questions)


def _post(body: str) -> str:
    head = "POST /v1/ask HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body.encode('utf-8'))}\r\n\r\n{body}"


def get_requests(path: str, queries: Sequence[dict[str, str]] = ({},)) -> tuple[str, ...]:
    """`GET` of a path with each of the queries."""
    targets = (f"{path}?{urlencode(query)}" if query else path for query in queries)
    return tuple(f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n" for target in targets)
