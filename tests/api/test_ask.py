"""A question over HTTP gets the clinic's own text back, with what it takes to check it."""

import hashlib

import pytest
from starlette.testclient import TestClient

from tests.support.clinic import Clinic
from tests.support.service import JSON, ask, client_of

ANSWER = ["outcome", "confidence", "audience", "generation", "quotes", "related", "not_covered_terms", "read_as"]
QUOTE = ["text", "highlights", "context", "score", "citation"]
CITATION = [
    "document_id",
    "title",
    "audience",
    "heading_path",
    "page",
    "start",
    "end",
    "document_sha256",
    "source_url",
    "approved_by",
    "approved_on",
    "review_by",
    "link",
]


def test_an_answer_is_the_clinics_own_text_with_a_citation(client: TestClient) -> None:
    response = ask(client, "The bone cement hardens when?")

    assert response.status_code == 200
    answer = response.json()
    assert list(answer) == ANSWER
    assert (answer["outcome"], answer["audience"], answer["related"]) == ("answered", "patient", [])
    best = answer["quotes"][0]
    assert list(best) == QUOTE
    assert best["text"] == "The bone cement hardens in about 10 minutes. You lie face down until then."
    assert best["highlights"] == [[0, 44]]
    assert list(best["citation"]) == CITATION
    assert best["citation"]["approved_on"] == "2026-11-20"
    assert best["citation"]["link"] == "/documents/cement#p-17-91"


def test_a_byte_order_mark_before_the_question_changes_nothing(client: TestClient) -> None:
    body = b'{"question": "The bone cement hardens when?"}'
    marked = client.post("/v1/ask", content=b"\xef\xbb\xbf" + body, headers=JSON)
    assert marked.status_code == 200
    assert marked.content == client.post("/v1/ask", content=body, headers=JSON).content


@pytest.mark.parametrize("audience", ["patient", "staff"])
@pytest.mark.parametrize("question", ["What are the risks?", "Read the quoted sentence", "zebra", "the cement stays"])
def test_every_quote_is_the_slice_that_its_citation_names(client: TestClient, question: str, audience: str) -> None:
    answer = ask(client, question, audience=audience, limit=10).json()

    quotes = [*answer["quotes"], *answer["related"]]
    assert quotes
    for quote in quotes:
        citation = quote["citation"]
        document = client.get(f"/v1/documents/{citation['document_id']}", params={"audience": audience}).json()
        assert quote["text"] == document["text"][citation["start"] : citation["end"]]
        assert hashlib.sha256(document["text"].encode()).hexdigest() == citation["document_sha256"]
        assert citation["document_sha256"] == document["document_sha256"]
        assert all(0 <= start < end <= len(quote["text"]) for start, end in quote["highlights"])
        assert all(each["text"] == document["text"][each["start"] : each["end"]] for each in quote["context"])


def test_offsets_count_code_points_and_text_is_not_escaped(empty_clinic: Clinic) -> None:
    empty_clinic.add("cafe.md", "# Café 🏥\n\nThe café 🍎 serves soup until noon.\n")
    empty_clinic.build()
    client = client_of(empty_clinic)

    response = ask(client, "When does the café serve soup?")

    quote = response.json()["quotes"][0]
    document = client.get("/v1/documents/cafe").json()
    assert "café 🍎".encode() in response.content
    assert document["text"][quote["citation"]["start"] : quote["citation"]["end"]] == quote["text"]
    assert document["characters"] == len(document["text"])


def test_when_nothing_covers_the_question_the_closest_passages_are_not_called_quotes(client: TestClient) -> None:
    answer = ask(client, "Does Medicare reimburse taxis?").json()

    assert list(answer) == ANSWER
    assert (answer["outcome"], answer["quotes"]) == ("not_covered", [])
    assert "Medicare" in answer["not_covered_terms"]
    assert all(list(quote) == QUOTE for quote in answer["related"])


def test_limit_bounds_the_quotes(client: TestClient) -> None:
    assert len(ask(client, "What are the risks of the cement?", limit=1).json()["quotes"]) == 1
    assert len(ask(client, "What are the risks of the cement?").json()["quotes"]) == 3


def test_staff_are_quoted_staff_documents_and_patients_are_not(client: TestClient) -> None:
    question = "Read the quoted sentence as it stands"

    staff = ask(client, question, audience="staff").json()
    patient = ask(client, question).json()

    assert staff["quotes"][0]["citation"]["audience"] == "staff"
    assert staff["quotes"][0]["citation"]["link"].startswith("/documents/staff-call-guide?audience=staff#p-")
    cited = [quote["citation"]["audience"] for quote in [*patient["quotes"], *patient["related"]]]
    assert set(cited) == {"patient"}


def test_the_same_question_gets_the_same_bytes(standing_clinic: Clinic) -> None:
    replies = {ask(client_of(standing_clinic), "How long until the cement hardens?").content for _ in range(3)}
    assert len(replies) == 1


def test_no_response_may_be_stored_or_sniffed(client: TestClient) -> None:
    for response in [ask(client, "cement"), ask(client, ""), client.get("/v1/documents"), client.get("/nowhere")]:
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json;"],
)
def test_json_in_utf8_is_taken_however_it_is_declared(client: TestClient, content_type: str) -> None:
    body = '{"question": "How long until the cement hardens?"}'
    assert client.post("/v1/ask", content=body, headers={"Content-Type": content_type}).status_code == 200


def test_of_a_field_given_twice_the_last_counts(client: TestClient) -> None:
    body = '{"question": "", "question": "How long until the cement hardens?"}'
    assert client.post("/v1/ask", content=body, headers=JSON).status_code == 200


@pytest.mark.parametrize("letter", ["\\u00e9", "🍎"])
def test_a_question_of_a_thousand_characters_is_taken_even_when_each_is_escaped(
    client: TestClient, letter: str
) -> None:
    body = '{"question": "' + letter * 1000 + '"}'
    assert client.post("/v1/ask", content=body, headers=JSON).status_code == 200


def test_how_a_question_was_read_stands_in_the_answer(client: TestClient) -> None:
    answer = ask(client, "How long until the cemment hardens?").json()

    assert answer["read_as"] == [{"typed": "cemment", "read_as": "cement", "kind": "spelling"}]
    assert "10 minutes" in answer["quotes"][0]["text"]
    assert ask(client, "How long until the cement hardens?").json()["read_as"] == []
