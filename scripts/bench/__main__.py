"""How fast Clinic QA answers, builds and starts, and how it bears rebuilds, swaps and overload; if asked, beside txtai.

For each size: builds an index with `qa build`, starts `qa serve` on a free loopback port, and puts load on it. The
client runs on the same cores; its own share of a core is printed with each load. The figures go to the terminal as one
table and to a JSON file. Run it while the machine does nothing else: loads that share the cores with other work say
nothing. Everything is written into a temporary folder and removed.

    python -m scripts.bench --corpus CORPUS.jsonl.gz --questions QUERIES.jsonl [--peer txtai] [--output FILE.json]
    python -m scripts.bench --corpus CORPUS.jsonl.gz --questions QUERIES.jsonl --quick

Beyond the corpus's size, documents are perturbed copies (sentences dropped or swapped, words replaced). Of a size above
`--encode-first`, only so many passages are encoded; the vectors of the others are those with noise, as the table says.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from http.client import HTTPException
from pathlib import Path
from subprocess import SubprocessError
from types import FrameType

from qa import __version__
from qa.errors import ClinicQAError
from qa.records import AUDIENCES, checked_audience
from scripts.bench.corpus import pages_of, read_originals, read_questions
from scripts.bench.figures import Plan, SizeFigures
from scripts.bench.peer import PeerFigures, measure_peer, prepare
from scripts.bench.report import peer_rows, ratio_rows, ratios_of, rows_of, table
from scripts.bench.scenario import measure_size, say

FULL = {"sizes": (5_000, 50_000), "seconds": 15.0, "warm_up": 3.0, "overload_seconds": 60.0, "swap_seconds": 2.0}
QUICK = {"sizes": (300,), "seconds": 3.0, "warm_up": 1.0, "overload_seconds": 5.0, "swap_seconds": 0.4}
MOST_QUESTIONS = 1_000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, metavar="FILE", help="BEIR corpus, .jsonl or .jsonl.gz")
    parser.add_argument(
        "--questions",
        type=Path,
        required=True,
        metavar="FILE",
        help="BEIR queries.jsonl, or a text, one question a line",
    )
    parser.add_argument("--quick", action="store_true", help="one or two minutes, for development")
    parser.add_argument("--sizes", type=_numbers, metavar="N,N", help="passages [5000,50000; 300 with --quick]")
    parser.add_argument("--clients", type=_numbers, metavar="N,N", default=(1, 8, 32), help="closed loops [1,8,32]")
    parser.add_argument("--workers", type=int, metavar="N", help="passed to `qa serve`; its own default unless given")
    parser.add_argument("--seconds", type=float, metavar="S", help="of each load [15; 3 with --quick]")
    parser.add_argument("--overload-seconds", type=float, metavar="S", help="of 20 times the capacity [60; 5]")
    parser.add_argument("--swaps", type=int, metavar="N", default=20, help="generations published under load [20]")
    parser.add_argument("--swap-seconds", type=float, metavar="S", help="from one swap to the next [2; 0.4]")
    parser.add_argument(
        "--encode-first", type=int, metavar="N", default=5_000, help="passages to encode of a larger size [5000]"
    )
    parser.add_argument("--audience", choices=AUDIENCES, default="staff", help="whom pages are approved for [staff]")
    parser.add_argument("--peer", choices=("txtai",), help="measure it too, at the first size, in turn")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        default=Path(tempfile.gettempdir(), "clinic-qa-bench"),
        help="where the peer's environment is kept [a folder among the system's temporary ones]",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path(tempfile.gettempdir(), "clinic-qa-bench.json"),
        help="the figures as JSON [clinic-qa-bench.json among the system's temporary files]",
    )
    arguments = parser.parse_args()
    for name, value in (QUICK if arguments.quick else FULL).items():
        if getattr(arguments, name, None) is None:
            setattr(arguments, name, value)
    return arguments


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _plan(arguments: argparse.Namespace, questions: Sequence[str], work: Path) -> Plan:
    return Plan(
        questions=tuple(questions[:MOST_QUESTIONS]),
        audience=checked_audience(arguments.audience),
        clients=arguments.clients,
        seconds=arguments.seconds,
        warm_up_seconds=arguments.warm_up,
        overload_seconds=arguments.overload_seconds,
        swaps=arguments.swaps,
        swap_seconds=arguments.swap_seconds,
        workers=arguments.workers,
        encode_first=arguments.encode_first,
        work=work,
    )


def run(arguments: argparse.Namespace, work: Path) -> dict[str, object]:
    """Measures everything, prints the table, and returns what goes to the JSON file."""
    began, before = time.monotonic(), machine()
    questions, relevant = read_questions(arguments.questions)
    plan = _plan(arguments, questions, work)
    python = prepare(arguments.cache) if arguments.peer else None
    say("reading the corpus")
    originals = read_originals(arguments.corpus, relevant)
    sizes: list[SizeFigures] = []
    peer: PeerFigures | None = None
    for wanted in arguments.sizes:
        pages = pages_of(originals, wanted, plan.audience)
        sizes.append(measure_size(plan, wanted, pages))
        if python is not None and peer is None:
            peer = measure_peer(plan, python, [text for page in pages for text in page.embedding_texts()])
        _print(sizes, peer)
    return {
        "machine": before,
        "options": {name: str(value) for name, value in vars(arguments).items()},
        "seconds": round(time.monotonic() - began, 1),
        "sizes": [asdict(size) for size in sizes],
        "peer": asdict(peer) if peer else None,
        "ratios": [asdict(ratio) for ratio in ratios_of(sizes[0], peer)],
    }


def _print(sizes: Sequence[SizeFigures], peer: PeerFigures | None) -> None:
    """The whole table so far, so that a run that is stopped has not been in vain."""
    for size in sizes:
        print(table(f"Clinic QA, {size.wanted_passages:,} passages", rows_of(size)))
    if peer:
        print(table(f"{peer.name} {peer.versions.get('txtai')}, same model, passages and machine", peer_rows(peer)))
    print(table("Accept when", ratio_rows(ratios_of(sizes[0], peer))), flush=True)


def machine() -> dict[str, object]:
    names = [line for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if line.startswith("model name")]
    return {
        "cpu": names[0].partition(":")[2].strip() if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "clinic_qa": __version__,
        "load_before": os.getloadavg()[0],
    }


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """Ends like Ctrl-C: servers are stopped, and what was written is removed."""
    sys.exit("bench: stopped.")


def main() -> None:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _stop)
    try:
        with tempfile.TemporaryDirectory(prefix="clinic-qa-bench-") as work:
            content = run(arguments, Path(work))
    except (OSError, RuntimeError, HTTPException, SubprocessError, ClinicQAError) as error:
        sys.exit(f"bench: {error}")
    arguments.output.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    say(f"all figures are in {arguments.output}")


if __name__ == "__main__":
    main()
