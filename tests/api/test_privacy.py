"""Promise 6: a question appears in no response, header or log; only its words that no text mentions are named."""

import json
import logging

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tests.support.clinic import Clinic
from tests.support.encoders import BrokenEncoder
from tests.support.service import JSON, ask, client_of

MARKER = "quillfeather"
CLIENT_LOGGERS = ("httpx", "httpcore")


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def assert_private(response: Response, logged: pytest.LogCaptureFixture) -> None:
    assert MARKER not in response.text.lower()
    assert MARKER not in str(response.headers.raw).lower()
    for record in logged.records:
        if not record.name.startswith(CLIENT_LOGGERS):
            assert MARKER not in (repr(vars(record)) + record.getMessage()).lower()
            assert record.exc_info is None


@pytest.mark.parametrize(
    ("question", "outcome"),
    [
        (f"The bone cement hardens, {MARKER}?", "answered"),
        (f"Does {MARKER} reimburse taxis?", "not_covered"),
    ],
)
def test_a_reply_names_only_the_words_that_no_text_mentions(
    client: TestClient, logged: pytest.LogCaptureFixture, question: str, outcome: str
) -> None:
    response = ask(client, question)

    body = response.json()
    assert body["outcome"] == outcome
    assert MARKER in body.pop("not_covered_terms")
    assert MARKER not in json.dumps(body)
    assert question not in response.text
    assert_private(Response(200, json=body, headers={}), logged)


@pytest.mark.parametrize(
    "body",
    [
        {"question": f"{MARKER}\0"},
        {"question": MARKER * 500},
        {"question": [MARKER]},
        {"question": {MARKER: MARKER}},
        {"question": MARKER, "limit": 0},
        {"question": MARKER, "limit": MARKER},
        {"question": MARKER, "audience": MARKER},
        {"question": MARKER, "audience": [MARKER]},
        {"question": MARKER, MARKER: MARKER},
        {MARKER: 1},
        [MARKER],
        MARKER,
    ],
)
def test_a_refused_request_is_not_repeated(client: TestClient, logged: pytest.LogCaptureFixture, body: object) -> None:
    response = client.post("/v1/ask", json=body)
    assert response.status_code == 422
    assert_private(response, logged)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (f'{{"question": "{MARKER}"', JSON, 400),
        (f'{{"question": "{MARKER}", "limit": NaN}}', JSON, 400),
        (f'{{"question": "{MARKER} \\ud800"}}', JSON, 422),
        (MARKER.encode() + b"\xff", JSON, 400),
        (MARKER * 10_000, JSON, 413),
        (f'{{"question": "{MARKER}"}}', {"Content-Type": f"text/{MARKER}"}, 415),
        (f'{{"question": "{MARKER}"}}', {**JSON, "Content-Encoding": MARKER}, 415),
    ],
)
def test_a_broken_body_is_not_repeated(
    client: TestClient,
    logged: pytest.LogCaptureFixture,
    body: str | bytes,
    headers: dict[str, str],
    status: int,
) -> None:
    response = client.post("/v1/ask", content=body, headers=headers)
    assert response.status_code == status
    assert_private(response, logged)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", f"/v1/ask?question={MARKER}", 405),
        ("GET", f"/{MARKER}?question={MARKER}", 404),
        ("GET", f"/v1/documents?audience={MARKER}", 422),
        ("GET", f"/v1/documents?question={MARKER}", 200),
        ("GET", f"/v1/documents/{MARKER}", 404),
        ("GET", f"/documents/{MARKER}?audience=patient", 404),
        ("GET", f"/documents/cement?audience={MARKER}", 422),
        ("GET", f"/documents/cement?question={MARKER}", 200),
        (MARKER.upper(), "/livez", 405),
    ],
)
def test_an_address_is_not_repeated(
    client: TestClient, logged: pytest.LogCaptureFixture, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert_private(response, logged)


def test_a_failing_service_does_not_repeat_the_question(
    standing_clinic: Clinic, logged: pytest.LogCaptureFixture
) -> None:
    response = ask(client_of(standing_clinic, BrokenEncoder()), MARKER)
    assert response.status_code == 500
    assert_private(response, logged)


def test_a_service_without_an_index_does_not_repeat_the_question(
    client_without_index: TestClient, logged: pytest.LogCaptureFixture
) -> None:
    response = ask(client_without_index, MARKER)
    assert response.status_code == 503
    assert_private(response, logged)
