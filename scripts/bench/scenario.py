"""What is measured of Clinic QA at one size: build, start, loads, a rebuild, swaps, overload."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from qa.index.generation import open_generation
from qa.index.publication import generation_ids, live_id, publish, write_lock
from qa.records import Audience, Document
from scripts.bench.client import Specification
from scripts.bench.corpus import Page, changed, write_corpus
from scripts.bench.encoder import EncoderLimit, Pace
from scripts.bench.figures import (
    AnswerCheck,
    BuildFigures,
    OverloadFigures,
    Plan,
    RebuildFigures,
    SizeFigures,
    SwapFigures,
)
from scripts.bench.load import LoadFigures, RunningLoad, ask_requests, get_requests, run_load
from scripts.bench.service import QA, MemoryWatch, Probe, Service, environment, free_port, serving

OPEN_LOOP_SHARE = 0.8
OPEN_LOOP_CONNECTIONS = 256
OVERLOAD_FACTOR = 20
OVERLOAD_CONNECTIONS = 512
OVERLOAD_TICK_SECONDS = 0.002
PROBES_PER_SECOND = 20.0
LONGEST_REBUILD_SECONDS = 1800.0
REBUILD_CLIENTS = 8


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def encoder_limit(plan: Plan, index_folder: Path) -> EncoderLimit:
    """Measured in a process of its own, while no server runs."""
    questions = plan.work / "questions.json"
    questions.write_text(json.dumps(plan.questions), "utf-8")
    command = [
        sys.executable,
        "-m",
        "scripts.bench.encoder",
        str(questions),
        "--index",
        str(index_folder),
        "--seconds",
        str(plan.seconds),
    ]
    content = json.loads(_run(command))
    paces = {name: Pace(**content[name]) for name in ("alone", "each_core", "batches")}
    return EncoderLimit(content["threads"], **paces)


def measure_size(plan: Plan, wanted: int, pages: Sequence[Page]) -> SizeFigures:
    """Builds the pages' index, serves it, and measures one thing after the other."""
    corpus, index = plan.work / f"corpus-{wanted}", plan.work / f"index-{wanted}"
    write_corpus(corpus, pages)
    say(f"{wanted:,} passages: building")
    built = build_index(plan, corpus, index, wanted)
    say("the encoder alone")
    encoder = encoder_limit(plan, index)
    port = free_port()
    command = [*QA, "serve", "--host", "127.0.0.1", "--port", str(port), "--index", str(index)]
    command += ["--workers", str(plan.workers)] if plan.workers is not None else []
    question = Probe("/v1/ask", {"question": plan.questions[0], "audience": plan.audience})
    with serving(command, port, Probe("/readyz"), question) as service:
        idle = service.memory()
        closed = closed_loops(plan, service.port, ask_requests(plan.questions, plan.audience))
        loaded = service.memory()
        capacity = max(load.requests_per_second for load in closed.values())
        open_loop = _open_loop(plan, service, capacity)
        rebuild = _rebuild(plan, service, corpus, index, pages, built)
        swap = _swap(plan, service, index)
        overload = _overload(plan, service, capacity)
    return SizeFigures(
        wanted,
        built,
        encoder,
        service.ready_seconds,
        service.first_answer_seconds,
        idle,
        loaded,
        closed,
        open_loop,
        rebuild,
        swap,
        overload,
    )


def build_index(plan: Plan, corpus: Path, index_folder: Path, wanted: int) -> BuildFigures:
    """With the command `qa build`; with copies of vectors where that would encode more than is wanted."""
    started = time.perf_counter()
    report = json.loads(_run(_build_command(plan, corpus, index_folder, wanted)))
    took = time.perf_counter() - started
    size = _bytes_in(index_folder / "generations" / report["generation"])
    passages = report["passages"]
    return BuildFigures(
        passages=passages,
        sentences=report["sentences"],
        documents=report["documents"],
        encoded_passages=passages if wanted <= plan.encode_first else plan.encode_first,
        seconds=round(report["seconds"], 1),
        command_seconds=round(took, 1),
        passages_per_second=round(passages / report["seconds"], 1),
        index_bytes=size,
        bytes_per_passage=round(size / passages, 1),
        encoder_bytes=_bytes_in(index_folder / "encoders"),
    )


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _build_command(plan: Plan, corpus: Path, index_folder: Path, wanted: int) -> list[str]:
    where = ["--corpus", str(corpus), "--index", str(index_folder)]
    if wanted <= plan.encode_first:
        return [*QA, "build", *where, "--json"]
    return [sys.executable, "-m", "scripts.bench.build", *where, "--encode-first", str(plan.encode_first)]


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"A command ended with exit code {done.returncode}. The lines above say why.")
    return done.stdout


def closed_loops(plan: Plan, port: int, requests: tuple[str, ...]) -> dict[int, LoadFigures]:
    """One load for each number of clients, one after the other."""
    loads: dict[int, LoadFigures] = {}
    for clients in plan.clients:
        say(f"closed loop, {clients} clients")
        loads[clients] = run_load(_specification(plan, port, requests, clients, plan.seconds))
    return loads


def _specification(plan: Plan, port: int, requests: tuple[str, ...], connections: int, seconds: float) -> Specification:
    warm_up = plan.warm_up_seconds
    return Specification(port, requests, "", connections, seconds + warm_up, warm_up)


def _open_loop(plan: Plan, service: Service, capacity: float) -> LoadFigures:
    rate = OPEN_LOOP_SHARE * capacity
    say(f"open loop, {rate:.0f} requests/s")
    requests = ask_requests(plan.questions, plan.audience)
    specification = _specification(plan, service.port, requests, OPEN_LOOP_CONNECTIONS, plan.seconds)
    return run_load(replace(specification, rate=rate))


def _rebuild(
    plan: Plan, service: Service, corpus: Path, index_folder: Path, pages: Sequence[Page], built: BuildFigures
) -> RebuildFigures:
    """So many passages change that the encoding alone takes about as long as a load does."""
    encoding_rate = built.encoded_passages / built.seconds
    passages = int(min(built.passages / 2, max(20.0, encoding_rate * plan.seconds)))
    new = changed(pages, passages, plan.audience)
    write_corpus(corpus, new)
    rebuilt = sum(len(page.passages) for page, old in zip(new, pages, strict=True) if page is not old)
    say(f"rebuild of {rebuilt} passages on the last core, {REBUILD_CLIENTS} clients")
    requests = ask_requests(plan.questions, plan.audience)
    load = RunningLoad(_specification(plan, service.port, requests, REBUILD_CLIENTS, LONGEST_REBUILD_SECONDS))
    time.sleep(plan.warm_up_seconds)
    started = time.perf_counter()
    command = [*QA, "build", "--corpus", str(corpus), "--index", str(index_folder), "--json"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
    os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
    try:
        code = process.wait(LONGEST_REBUILD_SECONDS)
    finally:
        process.kill()
        load.stop()
    return RebuildFigures(rebuilt, round(time.perf_counter() - started, 1), code, load.figures())


def _swap(plan: Plan, service: Service, index_folder: Path) -> SwapFigures:
    """Publishes two generations in turn under a load of 8 clients, and then checks every answer."""
    live = live_id(index_folder)
    others = [identifier for identifier in generation_ids(index_folder) if identifier != live]
    if not others:
        raise RuntimeError("There is no second generation to swap with: the rebuild left none. See its exit code.")
    say(f"{plan.swaps} swaps, one every {plan.swap_seconds:g} s")
    requests = ask_requests(plan.questions, plan.audience)
    seconds = (plan.swaps + 1) * plan.swap_seconds
    specification = _specification(plan, service.port, requests, REBUILD_CLIENTS, seconds)
    load = RunningLoad(replace(specification, keep_bodies=True))
    time.sleep(plan.warm_up_seconds)
    for number in range(plan.swaps):
        time.sleep(plan.swap_seconds)
        with write_lock(index_folder):
            publish(index_folder, (others[0], live)[number % 2])
    figures, bodies = load.figures_and_bodies()
    return SwapFigures(plan.swaps, figures, check_answers(index_folder, plan.audience, bodies))


def check_answers(index_folder: Path, audience: Audience, bodies: Sequence[bytes]) -> AnswerCheck:
    """Holds each quote against the documents of the generation that its answer names."""
    texts: dict[str, dict[str, Document]] = {}
    for identifier in generation_ids(index_folder):
        opened = open_generation(index_folder, identifier, (audience,)).audiences[audience]
        texts[opened.digest] = dict(opened.documents)
    by_generation: dict[str, int] = {}
    answered = checked = 0
    wrong: list[str] = []
    for body in bodies:
        answer = json.loads(body)
        if "outcome" not in answer:
            continue
        digest = answer["generation"]
        by_generation[digest] = by_generation.get(digest, 0) + 1
        answered += answer["outcome"] == "answered"
        for quote in (*answer["quotes"], *answer["related"]):
            checked += 1
            cited = quote["citation"]
            document = texts.get(digest, {}).get(cited["document_id"])
            if (
                document is None
                or document.text[cited["start"] : cited["end"]] != quote["text"]
                or document.text_sha256 != cited["document_sha256"]
            ):
                wrong.append(f"{digest}: {cited['document_id']} {cited['start']}-{cited['end']}")
    return AnswerCheck(by_generation, answered, checked, wrong)


def _overload(plan: Plan, service: Service, capacity: float) -> OverloadFigures:
    rate = OVERLOAD_FACTOR * capacity
    say(f"overload, {rate:.0f} requests/s for {plan.overload_seconds:g} s")
    requests = ask_requests(plan.questions, plan.audience)
    watch = MemoryWatch(service.process.pid)
    watch.start()
    base = _specification(plan, service.port, requests, OVERLOAD_CONNECTIONS, plan.overload_seconds)
    load = RunningLoad(replace(base, rate=rate, tick_seconds=OVERLOAD_TICK_SECONDS))
    livez = RunningLoad(replace(base, requests=get_requests("/livez"), connections=64, rate=PROBES_PER_SECOND))
    figures, probes = load.figures(), livez.figures()
    readings = watch.stop()
    answers = max(1, sum(figures.statuses.values()))
    largest = max(reading.rss_megabytes for reading in readings)
    refused = figures.statuses.get("503", 0) / answers
    return OverloadFigures(figures, probes, round(refused, 4), readings[0], readings[-1], largest)
