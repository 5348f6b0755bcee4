"""The waiting line: a bounded number of questions, a deadline for each, and one thread that answers them in batches.

A lone question is taken at once. What arrives while the thread is busy waits, and is then answered as one batch.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from qa.engine import Observer, Request
from qa.errors import DeadlineExceeded, Overloaded
from qa.records import Answer, Audience
from qa.settings import Settings

MAX_BATCH = 16
ASK_AGAIN = "Ask again in a second."
CLOSING_SECONDS = 2.0
"""How long `close` waits for a batch that is being answered."""


class Answering(Protocol):
    """What the line needs of an engine."""

    def request(self, question: str, audience: Audience, limit: int) -> Request: ...

    def ask_all(self, requests: Sequence[Request], observer: Observer) -> list[Answer | Exception]: ...


class DispatchObserver(Observer, Protocol):
    """Is told besides how many questions are in hand and how many were answered together."""

    def in_hand(self, questions: int) -> None: ...

    def batch(self, questions: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    answer: asyncio.Future[Answer]
    since: float


class Dispatcher:
    """Everything but the thread's own work happens on the event loop, so that no lock is needed."""

    def __init__(self, engine: Answering, settings: Settings, observer: DispatchObserver) -> None:
        self._engine = engine
        self._places = settings.max_waiting_questions
        self._deadline_seconds = settings.deadline_seconds
        self._observer = observer
        self._taken = 0
        self._line: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def is_full(self) -> bool:
        """Whether one more question would be refused."""
        return self._taken >= self._places

    def ask(self, question: str, audience: Audience, limit: int) -> asyncio.Future[Answer]:
        """The answer to come. Cancel it when nobody waits for it any more: what is not begun is then left out.

        Raises Overloaded and what `Engine.request` raises at once; the future may raise DeadlineExceeded.
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
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="answers", daemon=True)
            self._thread.start()
        return waiting.answer

    def close(self) -> None:
        """Ends the thread, after what it is answering."""
        if self._thread is not None:
            self._line.put(None)
            self._thread.join(CLOSING_SECONDS)
            self._thread = None

    def _work(self) -> None:
        while (first := self._line.get()) is not None:
            batch = [first]
            while len(batch) < MAX_BATCH:
                try:
                    waiting = self._line.get_nowait()
                except queue.Empty:
                    break
                if waiting is None:
                    self._line.put(None)
                    break
                batch.append(waiting)
            outcomes = self._outcomes([waiting for waiting in batch if not waiting.answer.done()])
            loop = first.answer.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._deliver, len(batch), outcomes)

    def _outcomes(self, batch: Sequence[_Waiting]) -> list[tuple[_Waiting, Answer | Exception]]:
        if not batch:
            return []
        now = time.perf_counter()
        try:
            for waiting in batch:
                self._observer.stage("waiting", now - waiting.since)
            self._observer.batch(len(batch))
            outcomes = self._engine.ask_all([waiting.request for waiting in batch], self._observer)
        except Exception as error:  # noqa: BLE001 - nobody waits in vain, and the thread goes on
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


def line_is_full() -> Overloaded:
    """What a question meets that finds no place."""
    return Overloaded("As many questions wait as may wait.", ASK_AGAIN)


def _expire(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(DeadlineExceeded("The question waited too long.", ASK_AGAIN))
