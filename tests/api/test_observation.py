"""Requests are counted, timed and logged, and nothing that they brought along is, but their id."""

import json
import logging
import re

import pytest
from starlette.testclient import TestClient

from qa.api.event_log import JsonLines
from tests.support.clinic import CEMENT, Clinic, eventually
from tests.support.encoders import BrokenEncoder
from tests.support.service import ask, client_of

CANARY = "quillfeather"


@pytest.fixture
def client(standing_clinic: Clinic) -> TestClient:
    """One with counters of its own."""
    return client_of(standing_clinic)


def sample(client: TestClient, name: str) -> float:
    """A sample of `/metrics` by its name with labels."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def requests_counted(client: TestClient, route: str, method: str, status: int, outcome: str) -> float:
    labels = f'method="{method}",outcome="{outcome}",route="{route}",status="{status}"'
    return sample(client, f"clinic_qa_requests_total{{{labels}}}")


def test_requests_are_counted_by_route_and_outcome(client: TestClient) -> None:
    ask(client, "How long until the cement hardens?")
    ask(client, "Which football team won yesterday evening?")
    ask(client, "")
    client.get("/v1/documents/cement")
    client.get("/v1/documents/nothing")
    client.head("/livez")
    client.get("/nowhere")
    client.delete("/v1/ask")

    assert requests_counted(client, "/v1/ask", "POST", 200, "answered") == 1
    assert requests_counted(client, "/v1/ask", "POST", 200, "not_covered") == 1
    assert requests_counted(client, "/v1/ask", "POST", 422, "invalid_question") == 1
    assert requests_counted(client, "/v1/documents/{document_id}", "GET", 200, "") == 1
    assert requests_counted(client, "/v1/documents/{document_id}", "GET", 404, "unknown_document") == 1
    assert requests_counted(client, "/livez", "HEAD", 200, "") == 1
    assert requests_counted(client, "unmatched", "GET", 404, "not_found") == 1
    assert requests_counted(client, "/v1/ask", "DELETE", 405, "method_not_allowed") == 1


def test_every_stage_of_answering_is_timed(client: TestClient) -> None:
    ask(client, "How long until the cement hardens?")
    for stage in ["waiting", "encode", "candidates", "rerank", "answer"]:
        assert sample(client, f'clinic_qa_stage_seconds_count{{stage="{stage}"}}') == 1, stage
    assert sample(client, 'clinic_qa_request_seconds_count{route="/v1/ask"}') == 1
    assert sample(client, "clinic_qa_batch_questions_count") == 1


def test_what_is_served_is_counted_by_audience(standing_clinic: Clinic, client: TestClient) -> None:
    generation = (standing_clinic.settings.index / "current").read_text().strip()
    assert sample(client, f'clinic_qa_generation_info{{generation="{generation}"}}') == 1
    assert sample(client, 'clinic_qa_passages{audience="staff"}') == 6
    assert sample(client, 'clinic_qa_documents{audience="patient"}') == 2
    assert sample(client, 'clinic_qa_documents_review_due{audience="patient"}') == 0
    due = client_of(standing_clinic, review_due_days=366)
    assert sample(due, 'clinic_qa_documents_review_due{audience="patient"}') == 2
    assert 'audience="staff"' not in client_of(standing_clinic, serve_audiences=("patient",)).get("/metrics").text


def test_documents_that_expired_since_the_build_are_counted(clinic: Clinic) -> None:
    clinic.approve("cement.md", expires_on=clinic.today.replace(day=clinic.today.day + 1))
    clinic.build()
    client = client_of(clinic)
    assert sample(client, 'clinic_qa_documents_expired{audience="patient"}') == 0
    clinic.today = clinic.today.replace(day=clinic.today.day + 1)
    assert sample(client, 'clinic_qa_documents_expired{audience="patient"}') == 1
    assert sample(client, 'clinic_qa_documents{audience="patient"}') == 1


def test_a_generation_that_is_taken_up_is_counted_and_logged(clinic: Clinic, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with client_of(clinic, watch_seconds=0.01) as client:
        clinic.add("cement.md", CEMENT.replace("about 10 minutes", "about 11 minutes"))
        clinic.build()
        assert eventually(lambda: sample(client, 'clinic_qa_reloads_total{outcome="taken_up"}') == 1)
    assert {"ready", "generation", "shutdown"} <= {record.getMessage() for record in caplog.records}


def test_a_request_is_logged_by_its_id_and_route_alone(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client.get(f"/v1/documents/{CANARY}?x={CANARY}", headers={"X-Request-ID": "desk-7.1"})
    (record,) = [record for record in caplog.records if record.name == "qa.api.middleware.observation"]
    line = json.loads(JsonLines().format(record))
    assert line.pop("milliseconds") >= 0
    assert line.pop("timestamp")
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": "desk-7.1",
        "method": "GET",
        "route": "/v1/documents/{document_id}",
        "status": 404,
        "outcome": "unknown_document",
    }


@pytest.mark.parametrize("given", ["a", "desk-7.1_B", "x" * 64])
def test_a_well_formed_request_id_is_kept(client: TestClient, given: str) -> None:
    assert client.get("/livez", headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "two words", "ünïcode".encode().decode("latin-1"), '"quoted"'])
def test_any_other_request_id_is_replaced(client: TestClient, given: str) -> None:
    made = client.get("/livez", headers=[(b"X-Request-ID", given.encode("latin-1"))]).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{16}", made)


def test_every_response_carries_a_request_id_of_its_own(standing_clinic: Clinic) -> None:
    client = client_of(standing_clinic, BrokenEncoder())
    del client.headers["X-Request-ID"]
    responses = [client.get("/livez"), client.get("/nowhere"), ask(client, ""), ask(client, "cement")]
    assert [response.status_code for response in responses] == [200, 404, 422, 500]
    assert len({response.headers["x-request-id"] for response in responses}) == 4


def test_neither_metrics_nor_log_hold_a_word_of_a_request(
    standing_clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for client in [client_of(standing_clinic), client_of(standing_clinic, BrokenEncoder())]:
        ask(client, f"How long does the {CANARY} harden?")
        ask(client, CANARY, audience=CANARY)
        ask(client, CANARY * 200)
        client.post("/v1/ask", content=CANARY * 2_000)
        client.get(f"/{CANARY}?{CANARY}={CANARY}")
        client.get(f"/v1/documents/{CANARY}?audience={CANARY}")
        client.request(CANARY.upper(), "/livez")
        client.get("/livez", headers={"X-Request-ID": f"the {CANARY}", "User-Agent": CANARY, "Referer": CANARY})
        assert CANARY not in client.get("/metrics").text.lower()
    formatter = JsonLines()
    served = [record for record in caplog.records if record.name.startswith("qa.")]
    assert len(served) > 16
    assert all(CANARY not in formatter.format(record).lower() for record in served)


def test_the_log_tells_the_places_of_an_exception_and_never_its_text() -> None:
    try:
        raise RuntimeError(CANARY)
    except RuntimeError as error:
        exception = (type(error), error, error.__traceback__)
    record = logging.LogRecord("asyncio", logging.ERROR, "", 0, f"Task failed\nfuture: {CANARY}", None, exception)
    line = JsonLines().format(record)
    assert CANARY not in line
    assert "\n" not in line
    assert json.loads(line)["event"] == "asyncio: Task failed"
    assert json.loads(line)["places"][0] == "RuntimeError"
