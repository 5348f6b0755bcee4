"""Promise 4: nothing that a patient gets tells whether staff documents exist."""

from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tests.support.clinic import Clinic
from tests.support.service import ask, assert_error, client_of, clinic_in

QUESTIONS = [
    "When does the bone cement harden?",
    "Read the quoted sentence as it stands",
    "Never add advice of your own",
    "What are the risks?",
    "Call guide",
    "zebra",
]


@pytest.fixture
def client_of_patient_pages(tmp_path: Path) -> TestClient:
    """The same clinic, had it no staff documents."""
    return client_of(clinic_in(tmp_path, with_staff_page=False))


def raw(response: Response) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    return response.status_code, response.content, response.headers.raw


def test_patient_responses_are_the_same_bytes_with_and_without_staff_documents(
    client: TestClient, client_of_patient_pages: TestClient
) -> None:
    for question in QUESTIONS:
        for limit in [1, 10]:
            reply = ask(client, question, limit=limit)
            assert reply.status_code == 200
            assert raw(reply) == raw(ask(client_of_patient_pages, question, limit=limit))
    documents = ["", "/cement", "/risks", "/staff-call-guide", "/staff-call-guide?audience=patient", "/nothing"]
    for path in [
        *(f"/v1/documents{document}" for document in documents),
        "/documents/cement",
        "/documents/staff-call-guide",
    ]:
        assert raw(client.get(path)) == raw(client_of_patient_pages.get(path))


def test_a_staff_document_and_one_that_never_was_are_refused_alike(client: TestClient) -> None:
    staff, nothing = client.get("/v1/documents/staff-call-guide"), client.get("/v1/documents/nothing")
    assert_error(staff, 404, "unknown_document")
    assert raw(staff) == raw(nothing)


def test_a_server_for_patients_knows_no_staff(standing_clinic: Clinic) -> None:
    client = client_of(standing_clinic, serve_audiences=("patient",))
    paths = ["/v1/documents", "/v1/documents/staff-call-guide", "/v1/documents/cement", "/documents/staff-call-guide"]

    for path in paths:
        staff, nobody = client.get(f"{path}?audience=staff"), client.get(f"{path}?audience=nobody")
        assert_error(staff, 422, "unknown_audience")
        assert raw(staff) == raw(nobody)
    assert_error(ask(client, "cement", audience="staff"), 422, "unknown_audience")
    assert raw(ask(client, "cement", audience="staff")) == raw(ask(client, "cement", audience="nobody"))
    assert client.get("/readyz").json()["audiences"].keys() == {"patient"}
    assert "staff" not in ask(client, "cement", audience="staff").text


def test_a_server_for_patients_answers_like_one_for_both(standing_clinic: Clinic, client: TestClient) -> None:
    for_patients = client_of(standing_clinic, serve_audiences=("patient",))
    for question in QUESTIONS:
        assert raw(ask(for_patients, question)) == raw(ask(client, question))
