"""The queue of questions: bounded, with a deadline, batched only by what waited, and nobody's error is another's."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.api.batching import MAX_BATCH, Dispatcher
from qa.encoder.protocol import Encoding
from qa.errors import DeadlineExceeded, InvalidQuestion, Overloaded
from qa.records import Answer, Audience
from qa.search.pipeline import Observer
from qa.search.query import Request, checked_question
from tests.support.clinic import Clinic, eventually
from tests.support.encoders import BagOfWordsEncoder


class Watched:
    """Remembers what a dispatcher tells its observer."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.batches: list[int] = []
        self.places: list[int] = []

    def stage(self, name: str, seconds: float) -> None:
        self.stages.append(name)

    def batch(self, questions: int) -> None:
        self.batches.append(questions)

    def in_hand(self, questions: int) -> None:
        self.places.append(questions)


class HeldEngine:
    """Answers when it is released, and remembers what it was asked together."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.begun = threading.Event()
        self.asked: list[list[str]] = []

    def request(self, question: str, audience: Audience, limit: int) -> Request:
        return Request(checked_question(question), audience, limit)

    def ask_all(self, requests: Sequence[Request], observer: Observer) -> list[Answer | Exception]:
        self.asked.append([request.text for request in requests])
        self.begun.set()
        assert self.release.wait(20)
        return [self.answer(request) for request in requests]

    def answer(self, request: Request) -> Answer | Exception:
        if request.text == "broken":
            return RuntimeError("broken")
        return Answer("not_covered", 0.0, request.audience, request.text, (), (), (), ())


def run(
    scenario: Callable[[Dispatcher, HeldEngine], Coroutine[Any, Any, None]],
    threads: int = 1,
    places: int = 12,
    deadline_seconds: float = 2.0,
) -> Watched:
    """Plays a scenario with a dispatcher over an engine that holds its answers."""
    watched, engine = Watched(), HeldEngine()
    dispatcher = Dispatcher(engine, watched, places=places, deadline_seconds=deadline_seconds, threads=threads)
    try:
        asyncio.run(asyncio.wait_for(scenario(dispatcher, engine), 20))
    finally:
        engine.release.set()
        dispatcher.close()
    return watched


async def hold_first(dispatcher: Dispatcher, engine: HeldEngine) -> asyncio.Future[Answer]:
    """A question that the engine has begun and holds."""
    first = dispatcher.ask("first", "patient", 3)
    await asyncio.to_thread(engine.begun.wait, 20)
    return first


def test_a_lone_question_is_taken_at_once_and_alone() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        engine.release.set()
        assert (await dispatcher.ask("first", "patient", 3)).generation == "first"
        assert (await dispatcher.ask("second", "patient", 3)).generation == "second"
        assert engine.asked == [["first"], ["second"]]

    assert run(scenario).batches == [1, 1]


def test_what_arrives_while_the_engine_is_busy_is_answered_as_one_batch_in_order() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        first = await hold_first(dispatcher, engine)
        others = [dispatcher.ask(f"question {number}", "patient", 3) for number in range(5)]
        engine.release.set()
        answers = await asyncio.gather(first, *others)
        assert [answer.generation for answer in answers] == ["first", *(f"question {number}" for number in range(5))]
        assert engine.asked[1] == [f"question {number}" for number in range(5)]

    assert run(scenario).batches == [1, 5]


def test_threads_that_answer_side_by_side_share_what_waits() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        first = await hold_first(dispatcher, engine)
        second = dispatcher.ask("second", "patient", 3)
        assert await asyncio.to_thread(eventually, lambda: len(engine.asked) == 2), "neither waits for the other"
        others = [dispatcher.ask(f"question {number}", "patient", 3) for number in range(5)]
        engine.release.set()
        await asyncio.gather(first, second, *others)
        assert engine.asked[:2] == [["first"], ["second"]]
        assert len(engine.asked[2]) <= 3

    batches = run(scenario, threads=2).batches
    assert sum(batches) == 7


def test_a_closed_line_can_be_opened_again() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        engine.release.set()
        assert (await dispatcher.ask("first", "patient", 3)).generation == "first"
        dispatcher.close()
        assert (await dispatcher.ask("second", "patient", 3)).generation == "second"

    run(scenario, threads=3)


def test_a_batch_has_a_largest_size() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        first = await hold_first(dispatcher, engine)
        others = [dispatcher.ask(f"question {number}", "patient", 3) for number in range(MAX_BATCH + 3)]
        engine.release.set()
        await asyncio.gather(first, *others)

    assert run(scenario, places=100).batches == [1, MAX_BATCH, 3]


def test_one_question_more_than_there_are_places_is_refused_at_once() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        first = await hold_first(dispatcher, engine)
        second = dispatcher.ask("second", "patient", 3)
        assert dispatcher.is_full
        with pytest.raises(Overloaded, match="Ask again"):
            dispatcher.ask("third", "patient", 3)
        engine.release.set()
        await asyncio.gather(first, second)
        assert (await dispatcher.ask("third", "patient", 3)).generation == "third"

    assert max(run(scenario, places=2).places) == 2


def test_a_question_that_cannot_be_asked_takes_no_place() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        with pytest.raises(InvalidQuestion):
            dispatcher.ask("  ", "patient", 3)
        assert engine.asked == []

    assert run(scenario).places == []


def test_a_question_whose_deadline_passed_is_told_so_and_not_begun() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        first = await hold_first(dispatcher, engine)
        second = dispatcher.ask("second", "patient", 3)
        for late in (first, second):
            with pytest.raises(DeadlineExceeded, match="Ask again"):
                await late
        engine.release.set()
        assert await asyncio.to_thread(eventually, lambda: not dispatcher.is_full)
        assert engine.asked == [["first"]]
        assert (await dispatcher.ask("third", "patient", 3)).generation == "third"

    run(scenario, places=2, deadline_seconds=0.05)


def test_a_question_that_nobody_waits_for_is_not_begun() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        first = await hold_first(dispatcher, engine)
        left, stays = dispatcher.ask("left", "patient", 3), dispatcher.ask("stays", "patient", 3)
        left.cancel()
        engine.release.set()
        await asyncio.gather(first, stays)
        assert engine.asked == [["first"], ["stays"]]

    run(scenario)


def test_the_error_of_one_question_is_no_others() -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        first = await hold_first(dispatcher, engine)
        others = [dispatcher.ask(question, "patient", 3) for question in ("good", "broken", "fine")]
        engine.release.set()
        good, broken, fine = (await asyncio.gather(first, *others, return_exceptions=True))[1:]
        assert isinstance(broken, RuntimeError)
        assert isinstance(good, Answer)
        assert isinstance(fine, Answer)

    run(scenario)


def test_an_engine_that_fails_altogether_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(dispatcher: Dispatcher, engine: HeldEngine) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(engine, "ask_all", lambda requests, observer: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await dispatcher.ask("first", "patient", 3)
        engine.release.set()
        assert (await dispatcher.ask("second", "patient", 3)).generation == "second"

    run(scenario)


QUESTIONS = [
    "How long until the cement hardens?",
    "What are the risks?",
    "Which football team won yesterday evening?",
    "Never add advice of your own",
    "how long until the cemment hardens",
    "???",
    "PMMA",
    "Call the clinic if your back pain gets worse. " * 15,
]


@given(st.lists(st.tuples(st.sampled_from(QUESTIONS), st.sampled_from(["patient", "staff"]), st.integers(1, 10))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_an_answer_in_a_batch_is_the_one_that_it_is_alone(
    clinic: Clinic, asked: list[tuple[str, Audience, int]]
) -> None:
    engine = clinic.engine()
    requests = [engine.request(*one) for one in asked]
    assert engine.ask_all(requests) == [engine.ask(*one) for one in asked]


def test_a_question_that_the_encoder_fails_on_spoils_no_other(clinic: Clinic) -> None:
    class Choosy(BagOfWordsEncoder):
        def encode_questions(self, texts: Sequence[str]) -> tuple[Encoding, ...]:
            if "cement" in texts:
                raise RuntimeError("cannot encode")
            return super().encode_questions(texts)

    alone = clinic.engine().ask("What are the risks?")
    clinic.encoder = Choosy()
    engine = clinic.engine()
    requests = [engine.request(question) for question in ("What are the risks?", "cement", "What are the risks?")]
    first, bad, last = engine.ask_all(requests)
    assert (first, last) == (alone, alone)
    assert isinstance(bad, RuntimeError)
