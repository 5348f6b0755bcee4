"""The encoder's own limit: questions a second and the time of one pass, without anything around it.

Run as a process of its own, with the threads that the server has, on a machine that does nothing else:

    python -m scripts.bench.encoder QUESTIONS.json --index DIR [--seconds N]

QUESTIONS.json is a list of texts. Prints JSON.
"""

import argparse
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.encoder.protocol import Encoder

BATCH = 8
WARM_UP_PASSES = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """`pass_p50_ms` is the median time of one pass, of `batch` questions, while `callers` threads make passes."""

    callers: int
    batch: int
    questions_per_second: float
    pass_p50_ms: float


@dataclass(frozen=True, slots=True)
class EncoderLimit:
    """How fast the encoder is `alone` (one caller), with a caller a core, and in batches of eight on all cores.

    `threads` work on one pass, as in the server.
    """

    threads: int
    alone: Pace
    each_core: Pace
    batches: Pace


def serving_encoder(index_folder: Path, threads: int) -> "Encoder":
    """The encoder that `qa serve` answers with from the live generation."""
    from qa.encoder.store import EncoderStore
    from qa.index.manifest import read_manifest
    from qa.index.publication import generation_folder, live_id

    manifest = read_manifest(generation_folder(index_folder, live_id(index_folder)))
    return EncoderStore(index_folder, threads).open(manifest.recipe.encoder)


def pace(encoder: "Encoder", questions: Sequence[str], callers: int, batch: int, seconds: float) -> Pace:
    """Passes over batches of questions, one after the other in each caller's thread, for some seconds."""
    times: list[float] = []
    ends = time.perf_counter() + seconds

    def work(first: int) -> None:
        for texts in _batches(questions, first, batch):
            started = time.perf_counter()
            if started >= ends:
                return
            encoder.encode_questions(texts)
            times.append(time.perf_counter() - started)

    threads = [threading.Thread(target=work, args=(number * 101,)) for number in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    median = sorted(times)[len(times) // 2]
    return Pace(callers, batch, round(len(times) * batch / took, 1), round(median * 1000, 2))


def _batches(questions: Sequence[str], first: int, size: int) -> Iterator[list[str]]:
    while True:
        yield [questions[(first + number) % len(questions)] for number in range(size)]
        first += size


def measure(index_folder: Path, questions: Sequence[str], seconds: float) -> EncoderLimit:
    from qa.settings import available_cores, load_settings

    cores = available_cores()
    threads = load_settings().encoder_threads or 1
    encoder = serving_encoder(index_folder, threads)
    for number in range(WARM_UP_PASSES):
        encoder.encode_questions([questions[number % len(questions)]])
    return EncoderLimit(
        threads,
        pace(encoder, questions, 1, 1, seconds),
        pace(encoder, questions, cores, 1, seconds),
        pace(encoder, questions, max(1, cores // threads), BATCH, seconds),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the command `qa` does, before the libraries are loaded
    questions = json.loads(arguments.questions.read_text("utf-8"))
    print(json.dumps(asdict(measure(arguments.index, questions, arguments.seconds))))


if __name__ == "__main__":
    main()
