"""How a command prints: JSON, tables and progress."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence

PLAIN_WIDTH = 160
PLAIN_PROGRESS_SECONDS = 5.0


def print_json(content: object) -> None:
    """Prints a record, or anything made of records, as indented JSON with real Unicode."""
    from pydantic_core import to_jsonable_python

    print(json.dumps(to_jsonable_python(content), ensure_ascii=False, indent=2))


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table that folds long cells and cuts nothing; document text in it is never taken for markup."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    table = Table(box=SIMPLE, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def print_text(text: str, style: str = "", end: str = "\n") -> None:
    """Prints text as it is, in a style of rich's when a terminal shows it."""
    from rich.console import Console

    if sys.stdout.isatty():
        Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print(text, style=style or None, end=end)
    else:
        print(text, end=end)


@contextlib.contextmanager
def embedding_progress() -> Iterator[Callable[[int, int], None]]:
    """Progress on standard error: a bar with counts and rate on a terminal, else a plain line now and then."""
    if sys.stderr.isatty():
        with _bar() as advance:
            yield advance
    else:
        yield _plain_lines()


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("embedding"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("embedding", total=None, rate="")
        started = time.monotonic()

        def advance(done: int, total: int) -> None:
            nonlocal started
            if done == 0:  # what came before was the encoder's own preparation
                started = time.monotonic()
            progress.update(task, completed=done, total=total, rate=_rate(done, started))

        yield advance


def _plain_lines() -> Callable[[int, int], None]:
    started = time.monotonic()
    printed = started

    def advance(done: int, total: int) -> None:
        nonlocal printed, started
        now = time.monotonic()
        if done == 0:  # what came before was the encoder's own preparation
            started = now
        if total and (done in {0, total} or now - printed >= PLAIN_PROGRESS_SECONDS):
            printed = now
            print(f"embedding {done:,}/{total:,} texts {_rate(done, started)}".rstrip(), file=sys.stderr, flush=True)

    return advance


def _rate(done: int, started: float) -> str:
    seconds = time.monotonic() - started
    return f"{done / seconds:,.0f}/s" if done and seconds > 0 else ""
