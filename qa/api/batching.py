"""Dynamic batching: a bounded queue of questions, a deadline for each, and threads that answer them in batches.

A lone question is taken at once. What arrives while the threads are busy waits; the next thread that is free takes its
share of the queue as one batch.
"""

import asyncio
import math
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from qa.errors import DeadlineExceeded, Overloaded
from qa.records import Answer, Audience
from qa.search.pipeline import Observer
from qa.search.query import Request
from qa.settings import available_cores

MAX_BATCH = 16
ASK_AGAIN = "Ask again in a second."
CLOSING_SECONDS = 2.0
"""How long `close` waits for the batches that are being answered."""


class Answering(Protocol):
    """What a dispatcher needs of an engine."""

    def request(self, question: str, audience: Audience, limit: int) -> Request: ...

    def ask_all(self, requests: Sequence[Request], observer: Observer) -> list[Answer | Exception]: ...


class DispatchObserver(Observer, Protocol):
    """Is also told how many questions are in hand, and how many were answered together."""

    def in_hand(self, questions: int) -> None: ...

    def batch(self, questions: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    answer: asyncio.Future[Answer]
    since: float


class Dispatcher:
    """Everything but the threads' own work happens on the event loop, so that no lock is needed."""

    def __init__(
        self, engine: Answering, observer: DispatchObserver, *, places: int, deadline_seconds: float, threads: int
    ) -> None:
        """At most `places` questions are in hand at once, and each for `deadline_seconds`; `threads` answer at once."""
        self._engine = engine
        self._observer = observer
        self._places = places
        self._deadline_seconds = deadline_seconds
        self._taken = 0
        self._line: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._most_threads = threads
        self._threads: list[threading.Thread] = []

    @property
    def is_full(self) -> bool:
        """Whether one more question would be refused."""
        return self._taken >= self._places

    def ask(self, question: str, audience: Audience, limit: int) -> asyncio.Future[Answer]:
        """The answer to come. Cancel it when nobody waits for it any more: unless it is begun, it is then left out.

        Raises at once Overloaded, InvalidQuestion, InvalidRequest and UnknownAudience; and where no index is open,
        IndexUnavailable, ModelUnavailable or StorageFailed. The future may raise DeadlineExceeded.
        """
        if self.is_full:
            raise line_is_full()
        request = self._engine.request(question, audience, limit)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, loop.create_future(), time.perf_counter())
        deadline = loop.call_later(self._deadline_seconds, _expire, waiting.answer)
        waiting.answer.add_done_callback(lambda _: deadline.cancel())
        self._taken += 1
        self._observer.in_hand(self._taken)
        self._line.put(waiting)
        while len(self._threads) < self._most_threads:
            thread = threading.Thread(target=self._work, name="answers", daemon=True)
            self._threads.append(thread)
            thread.start()
        return waiting.answer

    def close(self) -> None:
        """Ends the threads, after what they are answering."""
        for _ in self._threads:
            self._line.put(None)
        until = time.perf_counter() + CLOSING_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.perf_counter()))
        self._threads = []

    def _work(self) -> None:
        while (first := self._line.get()) is not None:
            batch = [first, *self._share()]
            outcomes = self._outcomes([waiting for waiting in batch if not waiting.answer.done()])
            loop = first.answer.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._deliver, len(batch), outcomes)

    def _share(self) -> Iterator[_Waiting]:
        """A thread's share of the queue, beside the question that it has: the rest need not wait for a whole batch."""
        size = min(MAX_BATCH, math.ceil((1 + self._line.qsize()) / self._most_threads))
        for _ in range(size - 1):
            try:
                waiting = self._line.get_nowait()
            except queue.Empty:
                return
            if waiting is None:
                self._line.put(None)
                return
            yield waiting

    def _outcomes(self, batch: Sequence[_Waiting]) -> list[tuple[_Waiting, Answer | Exception]]:
        if not batch:
            return []
        now = time.perf_counter()
        try:
            for waiting in batch:
                self._observer.stage("waiting", now - waiting.since)
            self._observer.batch(len(batch))
            outcomes = self._engine.ask_all([waiting.request for waiting in batch], self._observer)
        except Exception as error:  # noqa: BLE001 - every question gets an outcome, and the thread lives on
            outcomes = [error] * len(batch)
        return list(zip(batch, outcomes, strict=True))

    def _deliver(self, places: int, outcomes: Iterable[tuple[_Waiting, Answer | Exception]]) -> None:
        self._taken -= places
        self._observer.in_hand(self._taken)
        for waiting, outcome in outcomes:
            if waiting.answer.done():
                continue
            if isinstance(outcome, Exception):
                waiting.answer.set_exception(outcome)
            else:
                waiting.answer.set_result(outcome)


def answering_threads(workers: int, encoder_threads: int | None) -> int:
    """How many threads of a worker answer, so that the workers' passes of the encoder together fill the cores.

    `encoder_threads` work on one pass: one, unless it is set.
    """
    return max(1, available_cores() // (workers * (encoder_threads or 1)))


def line_is_full() -> Overloaded:
    """The error for a question that finds the queue full."""
    return Overloaded("As many questions wait as may wait.", ASK_AGAIN)


def _expire(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(DeadlineExceeded("The question waited too long.", ASK_AGAIN))
