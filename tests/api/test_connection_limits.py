"""Clients that are slow, greedy or speak no HTTP, over real sockets: told so in the one shape, and cut off."""

import http.client
import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from httpx2 import Response

from qa.api.app import create_app
from qa.api.connection_limits import MAX_HEAD_BYTES, MAX_PIPELINED_REQUESTS, LimitedConnection
from qa.search.engine import Engine
from qa.settings import Settings
from tests.support.clinic import Clinic, eventually
from tests.support.held_engine import HeldEngine
from tests.support.service import assert_error

REQUEST_SECONDS = 0.4
MAX_CONNECTIONS = 5
WAITING_SECONDS = 20
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: clinic\r\n\r\n"
QUESTION = json.dumps({"question": "How long until the cement hardens?"}).encode()
ASK = b"POST /v1/ask HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(QUESTION)
CHUNKED = b"POST %b HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


class Serving:
    """A clinic's service behind its own protocol, in a thread."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        app = create_app(engine, settings)
        config = uvicorn.Config(app, http=LimitedConnection, ws="none", log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)
        self._thread.start()
        assert eventually(lambda: self._server.started)

    def connect(self) -> "Client":
        return Client(self._listener.getsockname())

    def is_idle(self) -> bool:
        return not self._server.server_state.connections

    def get(self, path: str) -> Response:
        with closing(self.connect()) as client:
            client.send(b"GET %b HTTP/1.1\r\nConnection: close\r\n\r\n" % path.encode())
            return client.response()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(WAITING_SECONDS)
        self._listener.close()


class Client:
    """One connection, and bytes as they are."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, WAITING_SECONDS)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def can_send(self, data: bytes) -> bool:
        try:
            self.send(data)
        except ConnectionError:
            return False
        return True

    def last_statuses(self) -> list[int]:
        """Those of all responses until the connection is closed."""
        received = b"".join(iter(lambda: self._socket.recv(65_536), b""))
        return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", received)]

    def response(self) -> Response:
        """The next one."""
        read = http.client.HTTPResponse(self._socket)
        read.begin()
        return Response(read.status, headers=read.getheaders(), content=read.read())

    def is_closed(self) -> bool:
        """Whether nothing more comes; waits for it."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def engine(standing_clinic: Clinic) -> HeldEngine:
    return HeldEngine(standing_clinic)


@pytest.fixture
def held(engine: HeldEngine) -> Iterator[HeldEngine]:
    """It answers when it is released."""
    engine.begun.clear()
    engine.release.clear()
    engine.hold = True
    yield engine
    engine.hold = False
    engine.release.set()


@pytest.fixture(scope="module")
def server(standing_clinic: Clinic, engine: HeldEngine) -> Iterator[Serving]:
    serving = Serving(engine, standing_clinic.settings.model_copy(update={"max_connections": MAX_CONNECTIONS}))
    yield serving
    serving.stop()


@pytest.fixture
def client(server: Serving) -> Iterator[Client]:
    with closing(server.connect()) as client:
        yield client


@pytest.fixture(scope="module")
def impatient(standing_clinic: Clinic, engine: HeldEngine) -> Iterator[Serving]:
    """One that waits so little for a request that a test can wait for its end."""
    seconds = {"request_seconds": REQUEST_SECONDS, "deadline_seconds": 20.0}
    serving = Serving(engine, standing_clinic.settings.model_copy(update=seconds))
    yield serving
    serving.stop()


@pytest.fixture
def slow(impatient: Serving) -> Iterator[Client]:
    with closing(impatient.connect()) as client:
        yield client


@pytest.fixture(autouse=True)
def nothing_is_an_error_of_the_server(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def assert_refused(client: Client, status: int, code: str) -> None:
    """An error in the one shape, and then the end of the connection."""
    response = client.response()
    assert_error(response, status, code)
    assert response.headers["connection"] == "close"
    assert response.headers["cache-control"] == "no-store"
    assert client.is_closed()


def head_of(size: int, before: bytes = b"GET /livez HTTP/1.1\r\n") -> bytes:
    """A whole head of so many bytes."""
    return before + b"X-Filler: ".ljust(size - len(before) - len(b"\r\n\r\n"), b"x") + b"\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        head_of(MAX_HEAD_BYTES + 1),
        head_of(1_000_000),
        b"GET /livez?" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n" + b"A: b\r\n" * 6_000 + b"\r\n",
        b"GET /livez HTTP/1.1\r\nX-Endless: " + b"x" * 300_000,
        b"GET /livez HTTP/1.1\r\n" + b"x" * 300_000,
        LIVEZ + head_of(MAX_HEAD_BYTES + 1),
    ],
    ids=["header", "large header", "address", "many headers", "endless header", "endless name", "second request"],
)
def test_a_head_over_32768_bytes(client: Client, head: bytes) -> None:
    if head.startswith(LIVEZ):
        client.send(LIVEZ)
        assert client.response().status_code == 200
    client.send(head.removeprefix(LIVEZ))
    assert_refused(client, 431, "headers_too_large")


def test_a_head_of_32768_bytes_is_read_also_in_pieces(client: Client) -> None:
    head = head_of(MAX_HEAD_BYTES)
    client.send(head)
    assert client.response().status_code == 200
    for start in range(0, len(head), 5_000):
        client.send(head[start : start + 5_000])
    assert client.response().status_code == 200


def test_a_head_that_comes_too_slowly(slow: Client) -> None:
    slow.send(LIVEZ[:-2])
    assert_refused(slow, 408, "request_timeout")


def test_a_head_of_which_a_little_always_comes(slow: Client) -> None:
    slow.send(LIVEZ[:-2])
    assert eventually(lambda: not slow.can_send(b"A: b\r\n"))
    assert_refused(slow, 408, "request_timeout")


def test_a_second_request_that_comes_too_slowly(slow: Client) -> None:
    slow.send(LIVEZ)
    assert slow.response().status_code == 200
    slow.send(LIVEZ[:10])
    assert_refused(slow, 408, "request_timeout")


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_a_connection_over_which_no_request_comes_is_closed_without_a_word(slow: Client, sent: bytes) -> None:
    slow.send(sent)
    assert slow.is_closed()


def test_a_connection_is_kept_between_requests_for_longer_than_a_request_may_take(slow: Client) -> None:
    for _ in range(2):
        slow.send(LIVEZ)
        assert slow.response().status_code == 200
        threading.Event().wait(REQUEST_SECONDS * 2)


def test_a_question_that_comes_too_slowly(slow: Client, impatient: Serving) -> None:
    slow.send(ASK + QUESTION[:-1])
    response = slow.response()
    assert_error(response, 408, "request_timeout")
    assert response.headers["x-request-id"]
    assert slow.is_closed()
    labels = 'method="POST",outcome="request_timeout",route="/v1/ask",status="408"'
    assert f"clinic_qa_requests_total{{{labels}}}" in impatient.get("/metrics").text


def test_a_question_of_which_a_little_always_comes(slow: Client) -> None:
    slow.send(CHUNKED % b"/v1/ask")
    assert eventually(lambda: not slow.can_send(b"1\r\n \r\n"))
    assert_refused(slow, 408, "request_timeout")


def test_a_form_that_comes_too_slowly_is_answered_by_a_page(slow: Client) -> None:
    kind = b"Accept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\n"
    slow.send(b"POST /search HTTP/1.1\r\n" + kind)
    response = slow.response()
    assert response.status_code == 408
    assert "<html" in response.text
    assert slow.is_closed()


def test_whoever_goes_on_sending_slowly_after_the_answer_is_cut_off(slow: Client) -> None:
    slow.send(CHUNKED % b"/nowhere")
    assert slow.response().status_code == 404
    assert eventually(lambda: not slow.can_send(b"1\r\nx\r\n"))


@pytest.mark.parametrize("endless", [b"FFFFFFF\r\n" + b"x" * 6_000, b"0\r\n" + b"A: b\r\n" * 1_000])
def test_whoever_goes_on_sending_a_lot_after_the_answer_is_cut_off(client: Client, endless: bytes) -> None:
    """Headers may follow the last chunk; they are collected like those of the head."""
    client.send(CHUNKED % b"/nowhere")
    assert client.response().status_code == 404
    client.send(endless)
    assert eventually(lambda: not client.can_send(endless[-6_000:]))


def test_a_large_body_that_is_sent_at_once_is_refused_so_that_its_sender_can_tell(client: Client) -> None:
    client.send(ASK.replace(b"Content-Length: %d" % len(QUESTION), b"Content-Length: 1000000") + b" " * 1_000_000)
    assert_error(client.response(), 413, "request_too_large")
    assert client.is_closed()


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01", b"GET /livez HTTP/1.1\r\nBad Header\r\n\r\n", b"NEVER /mind\r\n\r\n"]
)
def test_what_is_not_http(client: Client, sent: bytes) -> None:
    client.send(sent)
    assert_refused(client, 400, "malformed_request")


def test_a_body_that_is_not_http(client: Client) -> None:
    client.send(CHUNKED % b"/v1/ask" + b"not a length\r\n")
    assert_refused(client, 400, "malformed_request")


def test_requests_that_are_sent_at_once_are_all_answered_in_order(client: Client) -> None:
    last = LIVEZ.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    client.send(LIVEZ + LIVEZ.replace(b"livez", b"nowhere") + ASK + QUESTION + last)
    assert client.last_statuses() == [200, 404, 200, 200]


def test_more_requests_than_may_be_sent_at_once(client: Client, server: Serving) -> None:
    """Answers that are under way have nowhere to go."""
    client.send(ASK + QUESTION + LIVEZ * (MAX_PIPELINED_REQUESTS + 1))
    assert client.is_closed()
    assert server.get("/livez").status_code == 200


def test_a_client_that_leaves_before_the_first_of_two_answers(server: Serving, held: HeldEngine) -> None:
    def left() -> list[str]:
        return re.findall(r'outcome="",route="/v1/ask",status="499"} (.*)', server.get("/metrics").text)

    before = left()
    with closing(server.connect()) as client:
        client.send(ASK + QUESTION + LIVEZ)
        assert held.begun.wait(WAITING_SECONDS)
    assert eventually(lambda: left() != before), "the first, too, knows that nobody waits for it"


def test_an_answer_may_take_longer_than_its_request(slow: Client, held: HeldEngine) -> None:
    """Also when half of the next request is there already, whose time ends meanwhile."""
    slow.send(ASK + QUESTION + LIVEZ[:10])
    threading.Event().wait(REQUEST_SECONDS * 2)
    held.release.set()
    assert slow.last_statuses() == [200, 408]


def test_one_connection_more_than_there_may_be(server: Serving) -> None:
    assert eventually(server.is_idle)
    kept = [server.connect() for _ in range(MAX_CONNECTIONS)]
    for client in kept:
        client.send(LIVEZ)
        assert client.response().status_code == 200

    refused = server.connect()
    response = refused.response()
    assert_error(response, 503, "too_many_connections")
    assert response.headers["retry-after"] == "1"
    assert refused.is_closed()

    for client in kept:
        client.send(LIVEZ)
        assert client.response().status_code == 200, "the others are still answered"
    for client in [refused, *kept]:
        client.close()
    assert eventually(lambda: server.get("/livez").status_code == 200)
    labels = 'method="other",outcome="too_many_connections",route="unmatched",status="503"'
    assert f"clinic_qa_requests_total{{{labels}}}" in server.get("/metrics").text


def test_refusals_are_summed_up_in_the_log(server: Serving, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    def told() -> bool:
        """One line a second at most."""
        with closing(server.connect()) as client:
            client.send(b"no HTTP\r\n\r\n")
            assert client.response().status_code >= 400
        return any(record.getMessage() == "connections refused" for record in caplog.records)

    assert eventually(told)
