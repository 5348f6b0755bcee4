"""Anyone can fetch a document and check a quote against it."""

import datetime
import hashlib

import pytest
from starlette.testclient import TestClient

from tests.support.clinic import TODAY, Clinic
from tests.support.service import assert_error, client_of


def test_the_list_says_which_documents_an_audience_may_be_quoted(client: TestClient) -> None:
    patient = client.get("/v1/documents").json()
    staff = client.get("/v1/documents?audience=staff").json()

    assert patient["audience"] == "patient"
    assert [document["id"] for document in patient["documents"]] == ["cement", "risks"]
    assert [document["id"] for document in staff["documents"]] == ["cement", "risks", "staff-call-guide"]
    assert patient["documents"][0] | {"document_sha256": ""} == {
        "id": "cement",
        "title": "The bone cement",
        "audience": "patient",
        "document_sha256": "",
        "approved_by": "The committee",
        "approved_on": "2026-11-20",
        "review_by": "2027-11-20",
        "expires_on": None,
        "source_url": None,
        "characters": 177,
        "link": "/documents/cement",
    }


@pytest.mark.parametrize("audience", ["patient", "staff"])
def test_each_document_is_its_list_entry_with_the_text_that_was_hashed(client: TestClient, audience: str) -> None:
    for summary in client.get("/v1/documents", params={"audience": audience}).json()["documents"]:
        document = client.get(f"/v1/documents/{summary['id']}", params={"audience": audience}).json()
        assert {name: document[name] for name in summary} == summary
        assert document.keys() - summary.keys() == {"text", "sections", "pages"}
        assert hashlib.sha256(document["text"].encode()).hexdigest() == document["document_sha256"]
        assert len(document["text"]) == document["characters"]


def test_sections_are_slices_of_the_text(client: TestClient) -> None:
    document = client.get("/v1/documents/risks").json()

    text = document["text"]
    own = [section for section in document["sections"] if section["heading_path"] == ["When to call"]]
    assert len(own) == 1
    start, end = own[0]["heading"]
    assert text[start:end] == "When to call"
    assert text[own[0]["start"] : own[0]["end"]].strip() == "Call the clinic if your back pain gets worse."
    assert own[0].keys() == {"heading_path", "level", "heading", "start", "end"}
    assert document["pages"] == []


def test_every_link_in_the_list_can_be_opened(client: TestClient) -> None:
    for document in client.get("/v1/documents?audience=staff").json()["documents"]:
        response = client.get(document["link"])
        assert response.status_code == 200
        assert f"/v1/documents/{document['id']}?audience={document['audience']}" in response.text


def test_a_document_that_expires_while_it_is_served_is_gone(clinic: Clinic) -> None:
    clinic.write("offer.md", "# Winter hours\n\nThe desk opens at nine in winter.\n")
    clinic.approve("offer.md", expires_on=TODAY + datetime.timedelta(1))
    clinic.build()
    client = client_of(clinic)
    assert client.get("/v1/documents/offer").json()["expires_on"] == "2026-11-21"

    clinic.today += datetime.timedelta(1)

    assert_error(client.get("/v1/documents/offer"), 404, "unknown_document")
