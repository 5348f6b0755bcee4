"""Beyond what it can answer in time the service says so at once, stays alive, and computes nothing for nobody."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from qa.api.app import create_app
from tests.support.clinic import Clinic, eventually
from tests.support.held_engine import HeldEngine
from tests.support.service import ask, assert_error


class Asking(threading.Thread):
    """A client that waits for its answer."""

    def __init__(self, client: TestClient, question: str) -> None:
        super().__init__(daemon=True)
        self._client, self._question = client, question
        self.response: Response | None = None
        self.start()

    def run(self) -> None:
        self.response = ask(self._client, self._question)

    def status(self) -> int | None:
        self.join(20)
        return self.response.status_code if self.response else None


@pytest.fixture
def engine(standing_clinic: Clinic) -> Iterator[HeldEngine]:
    engine = HeldEngine(standing_clinic, max_waiting_questions=3)
    yield engine
    engine.release.set()


def waiting(client: TestClient, questions: int) -> bool:
    return f"clinic_qa_questions_in_hand {questions}.0\n" in client.get("/metrics").text


def test_a_question_beyond_the_places_is_refused_at_once_and_the_others_are_answered(engine: HeldEngine) -> None:
    with engine.app_client() as client:
        engine.hold = True
        asking = [Asking(client, "What are the risks?") for _ in range(3)]
        assert eventually(lambda: waiting(client, 3))

        refused = ask(client, "What are the risks?")

        error = assert_error(refused, 503, "overloaded")
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["cache-control"] == "no-store"
        assert refused.headers["x-request-id"] == "a-test"
        assert "Ask again" in str(error["message"])
        for path in ["/livez", "/readyz", "/v1/documents", "/metrics"]:
            assert client.get(path).status_code == 200, "only questions are refused"
        engine.release.set()
        assert [one.status() for one in asking] == [200, 200, 200]
        assert eventually(lambda: waiting(client, 0))
        assert ask(client, "What are the risks?").status_code == 200


def test_a_question_that_waited_too_long_is_told_to_come_again(standing_clinic: Clinic) -> None:
    engine = HeldEngine(standing_clinic, deadline_seconds=0.05)
    with engine.app_client() as client:
        engine.hold = True
        response = ask(client, "What are the risks?")
        assert_error(response, 503, "deadline_exceeded")
        assert response.headers["retry-after"] == "1"
        engine.release.set()


def test_a_question_whose_client_left_is_not_computed(engine: HeldEngine) -> None:
    app = create_app(engine, engine.settings)
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/ask",
        "headers": [(b"content-type", b"application/json")],
        "query_string": b"",
    }
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    def request(question: str, left: asyncio.Event) -> asyncio.Task[None]:
        messages: list[Message] = [{"type": "http.request", "body": f'{{"question": "{question}"}}'.encode()}]

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        return asyncio.ensure_future(app(dict(scope), receive, send))

    async def scenario() -> None:
        engine.hold = True
        stays, leaves = asyncio.Event(), asyncio.Event()
        first = request("What are the risks?", stays)
        assert await asyncio.to_thread(engine.begun.wait, 20)
        second = request("What is PMMA?", leaves)
        third = request("When to call?", stays)
        await asyncio.sleep(0.1)
        leaves.set()
        await second
        engine.release.set()
        await asyncio.gather(first, third)

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert engine.asked == ["What are the risks?", "When to call?"]
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [200, 200]
