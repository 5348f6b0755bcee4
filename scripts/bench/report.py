"""The bench's figures as one table, and the ratios that issue 4 accepts by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.bench.client import DRAIN_SECONDS
from scripts.bench.encoder import EncoderLimit
from scripts.bench.figures import SizeFigures
from scripts.bench.load import LoadFigures
from scripts.bench.peer import PeerFigures


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure against what it is held to; `met` is None where it could not be measured."""

    figure: str
    want: str
    value: float | None
    met: bool | None
    detail: str


def rows_of(figures: SizeFigures) -> list[tuple[str, str]]:
    """One size's figures as (name, text) pairs, in the order of the table."""
    built, rebuild, swap, overload = figures.build, figures.rebuild, figures.swap, figures.overload
    copies = built.passages - built.encoded_passages
    how = f"{built.encoded_passages} encoded, {copies} with perturbed vectors" if copies > 0 else "all encoded"
    rows = [
        *_encoder_rows(figures.encoder),
        ("passages", f"{built.passages} of {built.documents} documents, {built.sentences} sentences; {how}"),
        ("build passages/s", f"{built.passages_per_second} ({built.seconds} s; the command {built.command_seconds} s)"),
        (
            "index bytes/passage",
            f"{built.bytes_per_passage:.0f} ({_mb(built.index_bytes)}; the encoder beside {_mb(built.encoder_bytes)})",
        ),
        ("start to ready", f"{figures.ready_seconds} s; first answer {figures.first_answer_seconds} s"),
        (
            "RSS",
            (
                f"{figures.memory_idle.rss_megabytes} MB idle, {figures.memory_loaded.rss_megabytes} MB after load"
                f" ({figures.memory_loaded.processes} processes; PSS {figures.memory_loaded.pss_megabytes} MB)"
            ),
        ),
    ]
    for clients, load in figures.closed.items():
        ratio = load.requests_per_second / figures.encoder.batches.questions_per_second
        rows.append((f"closed, {clients} clients", f"{load_text(load)}; {ratio:.2f} of the encoder in batches"))
    rows += [
        (f"open, {figures.open_loop.offered_per_second:.0f}/s", load_text(figures.open_loop)),
        (
            "rebuild, 8 clients",
            (
                f"{load_text(rebuild.load)}; {rebuild.rebuilt_passages} passages in {rebuild.seconds} s"
                f", exit code {rebuild.exit_code}"
            ),
        ),
        (
            f"{swap.swaps} swaps, 8 clients",
            (
                f"{load_text(swap.load)}; {swap.check.quotes} quotes checked, {len(swap.check.wrong)} wrong; answers of"
                f" {len(swap.check.by_generation)} generations, {swap.check.answered} answered"
            ),
        ),
        (
            f"overload, {overload.load.offered_per_second:.0f}/s",
            f"{load_text(overload.load)}; 503 {overload.refused_share:.1%}, p95 {_ms(overload.load.refused.p95_ms)}",
        ),
        (
            "… /livez beside",
            (
                f"{load_text(overload.livez)}, max {_ms(overload.livez.accepted.max_ms)}; RSS"
                f" {overload.memory_before.rss_megabytes} → {overload.memory_after.rss_megabytes} MB,"
                f" largest {overload.largest_rss_megabytes}"
            ),
        ),
    ]
    return rows


def _encoder_rows(limit: EncoderLimit) -> list[tuple[str, str]]:
    """What the encoder does alone, with the threads that the server gives it."""
    return [
        (
            f"encoder, {pace.callers} caller{'s' * (pace.callers > 1)}, batch {pace.batch}",
            (
                f"{pace.questions_per_second} questions/s, p50 of a pass {pace.pass_p50_ms} ms"
                f" ({limit.threads} threads a pass)"
            ),
        )
        for pace in (limit.alone, limit.each_core, limit.batches)
    ]


def peer_rows(peer: PeerFigures) -> list[tuple[str, str]]:
    rows = [
        ("passages", str(peer.passages)),
        ("build passages/s", f"{peer.passages_per_second} ({peer.build_seconds} s)"),
        ("index bytes/passage", f"{peer.bytes_per_passage:.0f} ({_mb(peer.index_bytes)})"),
        ("start to ready", f"{peer.ready_seconds} s; first answer {peer.first_answer_seconds} s"),
        ("RSS", f"{peer.memory_idle.rss_megabytes} MB idle, {peer.memory_loaded.rss_megabytes} MB after load"),
    ]
    return rows + [(f"closed, {clients} clients", load_text(load)) for clients, load in peer.closed.items()]


def load_text(load: LoadFigures) -> str:
    """A load in a line; what went wrong only where something did."""
    taken = load.accepted
    text = f"{load.requests_per_second:.1f} requests/s, p50 {_ms(taken.p50_ms)}, p95 {_ms(taken.p95_ms)}"
    text += f", p99 {_ms(taken.p99_ms)}"
    others = {code: number for code, number in load.statuses.items() if code != "200"}
    troubles = {"failed": load.failed, "unanswered": load.unanswered, "not sent": load.not_sent, **others}
    text += "".join(f", {name} {number}" for name, number in troubles.items() if number)
    return f"{text} (client {load.client_cpu_share:.0%} of a core)"


def ratios_of(figures: SizeFigures, peer: PeerFigures | None) -> list[Ratio]:
    """The table "Accept when" of issue 4."""
    one, eight = figures.closed.get(1), figures.closed.get(8)
    p50 = one.accepted.p50_ms if one else None
    p99 = eight.accepted.p99_ms if eight else None
    overload = figures.overload
    found = [
        _at_most("p50 at 1 client / the encoder's own pass", 2.0, p50, figures.encoder.alone.pass_p50_ms),
        _at_most("p99 at 8 clients while a rebuild runs / without", 3.0, figures.rebuild.load.accepted.p99_ms, p99),
        _at_most(
            "accepted p95 under 20× overload / open loop at 80 %",
            2.0,
            overload.load.accepted.p95_ms,
            figures.open_loop.accepted.p95_ms,
        ),
        _at_most("/livez under overload, slowest, in ms", 50.0, _slowest_ms(overload.livez), 1.0),
        _at_most("overload: neither 200 nor 503", 0.0, _neither(overload.load), 1.0),
        _at_most("swaps: not 200, or a quote that doesn't verify", 0.0, figures.swap.faults, 1.0),
        _at_most("RSS under overload / before", 1.1, overload.largest_rss_megabytes, _rss(figures)),
    ]
    return found + (_peer_ratios(figures, peer) if peer else [])


def _peer_ratios(figures: SizeFigures, peer: PeerFigures) -> list[Ratio]:
    def rate(closed: dict[int, LoadFigures]) -> float | None:
        return closed[8].requests_per_second if 8 in closed else None

    def p50(closed: dict[int, LoadFigures]) -> float | None:
        return closed[1].accepted.p50_ms if 1 in closed else None

    return [
        _at_least("requests/s at 8 clients / peer", 5.0, rate(figures.closed), rate(peer.closed)),
        _at_most("p50 at 1 client / peer", 1 / 3, p50(figures.closed), p50(peer.closed)),
        _at_least("build passages/s / peer", 1.3, figures.build.passages_per_second, peer.passages_per_second),
        _at_most("start (first answer) / peer", 1 / 4, figures.first_answer_seconds, peer.first_answer_seconds),
        _at_most("RSS after load / peer", 1 / 2, figures.memory_loaded.rss_megabytes, peer.memory_loaded.rss_megabytes),
    ]


def _slowest_ms(load: LoadFigures) -> float | None:
    """At least as long as the client waited, where something was not answered at all."""
    return load.accepted.max_ms if not load.unanswered else DRAIN_SECONDS * 1000


def _neither(load: LoadFigures) -> int:
    return load.troubles - load.statuses.get("503", 0)


def _rss(figures: SizeFigures) -> float:
    return figures.overload.memory_before.rss_megabytes


def _at_most(figure: str, want: float, ours: float | None, other: float | None) -> Ratio:
    return _ratio(figure, f"≤ {want:.2f}", ours, other, lambda value: value <= want)


def _at_least(figure: str, want: float, ours: float | None, other: float | None) -> Ratio:
    return _ratio(figure, f"≥ {want:.2f}", ours, other, lambda value: value >= want)


def _ratio(figure: str, want: str, ours: float | None, other: float | None, meets: Callable[[float], bool]) -> Ratio:
    if ours is None or not other:
        return Ratio(figure, want, None, None, "not measured")
    return Ratio(figure, want, round(ours / other, 3), meets(ours / other), f"{ours:g} / {other:g}")


def table(title: str, rows: Sequence[tuple[str, ...]]) -> str:
    """Plain text, the columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([f"\n{title}", *(f"  {line}" for line in lines)])


def ratio_rows(ratios: Sequence[Ratio]) -> list[tuple[str, ...]]:
    met = {True: "met", False: "MISSED", None: "-"}
    return [
        (ratio.figure, ratio.want, "-" if ratio.value is None else f"{ratio.value:.2f}", met[ratio.met], ratio.detail)
        for ratio in ratios
    ]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _mb(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB"
