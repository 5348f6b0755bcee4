"""OpenAPI examples: made-up requests and responses in the shapes of `schemas`.

No value is null, because FastAPI leaves nulls out of the examples that it writes.
"""

from typing import Any

from qa.links import document_link, slice_link

Example = dict[str, Any]

_TEXT = "The bone cement hardens in about 10 minutes. You lie face down until then."
_SHA256 = "7e0c4b8f0d1f5f3f1c2a9d6b8e4a7c5d3b1f9e8d7c6b5a4938271605f4e3d2c1"
_APPROVAL: Example = {
    "source_url": "https://clinic.example/kyphoplasty",
    "approved_by": "Clinical content committee",
    "approved_on": "2026-11-20",
    "review_by": "2027-11-20",
}
_QUOTE: Example = {
    "text": _TEXT,
    "highlights": [[0, 44]],
    "context": [
        {"text": "During the procedure", "start": 1204, "end": 1224, "kind": "heading", "governing": False},
        {"text": "The cement", "start": 1828, "end": 1838, "kind": "heading", "governing": False},
    ],
    "score": 0.81,
    "citation": {
        "document_id": "kyphoplasty-procedure",
        "title": "Kyphoplasty: the procedure",
        "audience": "patient",
        "heading_path": ["During the procedure", "The cement"],
        "page": 2,
        "start": 1840,
        "end": 1840 + len(_TEXT),
        "document_sha256": _SHA256,
        **_APPROVAL,
        "link": slice_link("kyphoplasty-procedure", "patient", 1840, 1840 + len(_TEXT)),
    },
}
_SUMMARY: Example = {
    "id": "the-bone-cement",
    "title": "The bone cement",
    "audience": "patient",
    "document_sha256": _SHA256,
    **_APPROVAL,
    "expires_on": "2028-11-20",
    "characters": len(f"The bone cement\n\n{_TEXT}"),
    "link": document_link("the-bone-cement", "patient"),
}


def _named(**examples: Example) -> dict[str, Example]:
    return {name: {"value": value} for name, value in examples.items()}


def ask_requests() -> dict[str, Example]:
    """Bodies of `POST /v1/ask`."""
    return _named(
        plain={"question": "how long until the cement hardens?"},
        at_the_front_desk={"question": "what do I tell a caller about pain?", "limit": 1, "audience": "staff"},
    )


def answers() -> dict[str, Example]:
    """An answer, and the plain statement that there is none."""
    common = {"audience": "patient", "generation": "3f1c2a9d6b8e4a7c"}
    answered = {
        "outcome": "answered",
        "confidence": 0.93,
        "quotes": [_QUOTE],
        "related": [],
        "not_covered_terms": [],
        "read_as": [],
    }
    not_covered = {
        "outcome": "not_covered",
        "confidence": 0.31,
        "quotes": [],
        "related": [_QUOTE],
        "not_covered_terms": ["Medicare"],
        "read_as": [],
    }
    return _named(answered={**common, **answered}, not_covered={**common, **not_covered})


def document_lists() -> dict[str, Example]:
    """The list of documents."""
    return _named(patient={"audience": "patient", "documents": [_SUMMARY]})


def documents() -> dict[str, Example]:
    """A whole document."""
    text = f"The bone cement\n\n{_TEXT}"
    section = {"heading_path": [], "level": 1, "heading": [0, 15], "start": 17, "end": len(text)}
    page = {"number": 1, "start": 0, "end": len(text)}
    return _named(one_page={**_SUMMARY, "text": text, "sections": [section], "pages": [page]})


def readiness() -> dict[str, Example]:
    """A server that answers, and one that answers from the generation before the one it refused."""
    ready = {
        "status": "ready",
        "generation": "9d6b8e4a7c5d3b1f",
        "built_at": "2026-11-20T08:30:00Z",
        "model": "all-MiniLM-L6-v2",
        "reader_sha256": "9ae7b7c6da9c14d6fd44b90f9fbb6538128a173d72a55f194044afb5e755a232",
        "audiences": {"patient": {"documents": 13, "passages": 96}, "staff": {"documents": 15, "passages": 110}},
        "reason": "",
    }
    refused = "index/generations/1f9e8d7c6b5a4938 is damaged. Run `qa build`."
    return _named(ready=ready, degraded={**ready, "status": "degraded", "reason": refused})


def liveness() -> dict[str, Example]:
    """A process that answers."""
    return _named(alive={"status": "ok"})


def example_errors() -> dict[str, Example]:
    """What each error says, by its code."""
    unavailable = {"message": "The service cannot answer now. Run `qa build`."}
    limit = {"field": "limit", "expected": "a whole number from 1 to 10, the most quotes to return"}
    return {
        "internal": {"message": "The service failed. The server's log says where."},
        "invalid_request": {
            "message": "The request is wrong in: limit. Correct what detail names.",
            "detail": {"fields": [limit]},
        },
        "invalid_question": {"message": "The question is empty. Send the question as it was asked."},
        "unknown_audience": {"message": "This service does not answer that audience. Ask as patient or staff."},
        "malformed_body": {"message": "The body is not UTF-8. Encode it in UTF-8."},
        "request_timeout": {"message": "The body did not arrive within 10 seconds. Send it again."},
        "request_too_large": {"message": "The body is larger than 8,192 bytes. Send one question at a time."},
        "unsupported_media_type": {"message": "The body must be JSON in UTF-8. Send Content-Type: application/json."},
        "unknown_document": {"message": "No approved patient document has that id. GET /v1/documents lists them."},
        "index_unavailable": unavailable,
        "no_index": unavailable,
        "damaged_generation": unavailable,
        "other_format": unavailable,
        "overloaded": {"message": "As many questions wait as may wait. Ask again in a second."},
        "deadline_exceeded": {"message": "The question waited too long. Ask again in a second."},
        "model_unavailable": {"message": "The service cannot answer now. Reinstall Clinic QA."},
        "storage_failed": {"message": "The service cannot answer now. Free disk space."},
    }
