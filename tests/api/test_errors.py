"""Whatever goes wrong, the error has one shape, says what to do next, and repeats nothing that was sent."""

import asyncio
import json
import logging

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from qa.api.app import create_app
from qa.api.request_body import MAX_BODY_BYTES
from tests.support.clinic import Clinic
from tests.support.encoders import BrokenEncoder
from tests.support.service import JSON, ask, assert_error, client_of


@pytest.mark.parametrize("question", ["", "   \n", "a" * 1001, "nul \0 byte"])
def test_a_question_that_cannot_be_asked(client: TestClient, question: str) -> None:
    assert_error(ask(client, question), 422, "invalid_question")


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\udc00\\ud800"])
def test_half_a_surrogate_pair(client: TestClient, escape: str) -> None:
    for field in ["question", "audience"]:
        body = f'{{"question": "cement", "{field}": "a {escape} b"}}'
        response = client.post("/v1/ask", content=body, headers=JSON)
        assert_error(response, 422, f"{'invalid' if field == 'question' else 'unknown'}_{field}")


@pytest.mark.parametrize("audience", ["doctor", "", "Patient", "staff ", "patient\0"])
def test_an_audience_that_does_not_exist(client: TestClient, audience: str) -> None:
    assert_error(ask(client, "cement", audience=audience), 422, "unknown_audience")
    assert_error(client.get("/v1/documents", params={"audience": audience}), 422, "unknown_audience")
    assert_error(client.get("/v1/documents/cement", params={"audience": audience}), 422, "unknown_audience")
    assert_error(client.get("/documents/cement", params={"audience": audience}), 422, "unknown_audience")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["question"]),
        ({"question": None}, ["question"]),
        ({"question": 7}, ["question"]),
        ({"question": ["cement"]}, ["question"]),
        ({"question": {"cement": 1}}, ["question"]),
        ({"question": "cement", "limit": 0}, ["limit"]),
        ({"question": "cement", "limit": 11}, ["limit"]),
        ({"question": "cement", "limit": -(10**30)}, ["limit"]),
        ({"question": "cement", "limit": "3"}, ["limit"]),
        ({"question": "cement", "limit": True}, ["limit"]),
        ({"question": "cement", "limit": 2.5}, ["limit"]),
        ({"question": "cement", "limit": None}, ["limit"]),
        ({"question": "cement", "audience": 1}, ["audience"]),
        ({"question": "cement", "audience": None}, ["audience"]),
        ({"question": "cement", "hint": 1}, ["body"]),
        ({"question": 7, "limit": 0, "audience": 1, "hint": 1}, ["question", "limit", "audience", "body"]),
        ([], ["body"]),
        ("cement", ["body"]),
        (None, ["body"]),
        (3, ["body"]),
    ],
)
def test_wrong_fields_are_named_with_what_each_must_be(client: TestClient, body: object, fields: list[str]) -> None:
    error = assert_error(client.post("/v1/ask", content=json.dumps(body), headers=JSON), 422, "invalid_request")

    detail = error["detail"]
    assert isinstance(detail, dict)
    assert [problem["field"] for problem in detail["fields"]] == fields
    assert all(problem.keys() == {"field", "expected"} for problem in detail["fields"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b'{"question": "caf\xe9"}',
        '{"question": "cement"}'.encode("utf-16"),
        b'{"question": "cement"}\xef\xbb\xbf',
        b'\xef\xbb\xbf\xef\xbb\xbf{"question": "cement"}',
        b"\xef\xbb\xbf",
        b"{",
        b'{"question": "cement",}',
        b"{'question': 'cement'}",
        b'{"question": "cement"} {}',
        b'{"question": "a line\nbreak"}',
        b'{"question": "cement", "limit": NaN}',
        b'{"question": "cement", "limit": -Infinity}',
        b'{"question": "cement", "limit": ' + b"1" * 5000 + b"}",
        b"[" * 8_000,
        b'{"question":' * 600,
    ],
)
def test_a_body_that_is_not_json_in_utf8(client: TestClient, body: bytes) -> None:
    assert_error(client.post("/v1/ask", content=body, headers=JSON), 400, "malformed_body")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/problem+json"},
        {"Content-Type": ""},
        {},
        {**JSON, "Content-Encoding": "gzip"},
    ],
)
def test_a_body_that_is_not_declared_as_json(client: TestClient, headers: dict[str, str]) -> None:
    response = client.post("/v1/ask", content=b'{"question": "cement"}', headers=headers)
    assert_error(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_8192_bytes(client: TestClient, chunked: bool) -> None:
    """A body in chunks announces no length."""
    body = b'{"question": "cement"}'.ljust(8_193)
    too_long, longest = (iter([body]), iter([body[:-1]])) if chunked else (body, body[:-1])
    assert_error(client.post("/v1/ask", content=too_long, headers=JSON), 413, "request_too_large")
    assert client.post("/v1/ask", content=longest, headers=JSON).status_code == 200


async def _post_in_chunks(standing_clinic: Clinic, chunk: Message) -> tuple[list[Message], int]:
    """What the service sends when the same chunk arrives for ever, and how many it took."""
    sent: list[Message] = []
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return chunk

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/ask",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await create_app(standing_clinic.engine(), standing_clinic.settings)(scope, receive, send)
    return sent, taken


def test_an_endless_body_of_no_announced_length_is_read_no_further_than_the_limit(standing_clinic: Clinic) -> None:
    chunk = {"type": "http.request", "body": b" " * 1024, "more_body": True}
    sent, taken = asyncio.run(_post_in_chunks(standing_clinic, chunk))
    assert sent[0]["status"] == 413
    assert taken == MAX_BODY_BYTES // 1024 + 1


def test_a_client_that_hangs_up_while_asking_is_nobodys_error(
    standing_clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    sent, _ = asyncio.run(_post_in_chunks(standing_clinic, {"type": "http.disconnect"}))
    assert sent == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("path", ["/v1/documents/{}", "/documents/{}"])
@pytest.mark.parametrize("document_id", ["nothing", "staff-call-guide", "%2e%2e", "%00", "%FF", "Cement", "cement.md"])
def test_a_document_that_the_audience_does_not_have(client: TestClient, path: str, document_id: str) -> None:
    assert_error(client.get(path.format(document_id)), 404, "unknown_document")


@pytest.mark.parametrize("path", ["/v1", "/v1/ask/", "/v1/documents/", "/v1/documents/a/b", "/docs", "/redoc"])
def test_an_address_where_nothing_is(client: TestClient, path: str) -> None:
    assert_error(client.get(path), 404, "not_found")
    assert_error(client.post(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/ask", "POST"),
        ("OPTIONS", "/v1/ask", "POST"),
        ("POST", "/v1/documents", "GET, HEAD"),
        ("DELETE", "/v1/documents/cement", "GET, HEAD"),
        ("PUT", "/documents/cement", "GET, HEAD"),
        ("POST", "/readyz", "GET, HEAD"),
        ("PATCH", "/openapi.json", "GET, HEAD"),
        ("BREW", "/livez", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_does_not_take(client: TestClient, method: str, path: str, allow: str) -> None:
    response = client.request(method, path)
    assert_error(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allow


@pytest.mark.parametrize(
    "path",
    ["/livez", "/readyz", "/v1/documents", "/v1/documents/cement", "/documents/cement", "/nowhere", "/v1/ask", "/"],
)
def test_head_says_what_get_says_without_the_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert head.content == b""
    assert (head.status_code, head.headers) == (get.status_code, get.headers)


def test_without_an_index_every_address_that_needs_it_says_what_to_run(client_without_index: TestClient) -> None:
    client = client_without_index
    for response in [ask(client, "cement"), *(client.get(f"{path}") for path in ["/v1/documents", "/documents/a"])]:
        error = assert_error(response, 503, "no_index")
        assert "`qa build`" in str(error["message"])


def test_a_failure_of_the_service_names_no_path_of_the_server(empty_clinic: Clinic) -> None:
    response = ask(client_of(empty_clinic), "cement")
    assert str(empty_clinic.folder) not in response.text


def test_an_unforeseen_failure_is_logged_by_its_places_alone(
    standing_clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(standing_clinic, BrokenEncoder())

    error = assert_error(ask(client, "Mrs Quillfeather's cement"), 500, "internal")

    assert "detail" not in error
    record = next(record for record in caplog.records if record.name.startswith("qa.api"))
    assert "Unforeseen RuntimeError" in record.getMessage()
    assert "encoders.py" in record.getMessage()
    assert record.exc_info is None
    assert "Quillfeather" not in caplog.text
