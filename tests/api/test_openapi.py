"""The OpenAPI document is true: its examples are valid, its errors have the one shape, nothing is fetched."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from qa import errors
from qa.api import schemas
from qa.api.app import create_app
from qa.api.examples import example_errors
from tests.support.clinic import Clinic
from tests.support.service import ask

Operation = dict[str, Any]


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    described: dict[str, Any] = client.get("/openapi.json").json()
    return described


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for methods in document["paths"].values():
        yield from methods.values()


def model_of(schema: dict[str, Any]) -> type[schemas.Schema]:
    name = schema.get("title") or schema["$ref"].rsplit("/", 1)[-1]
    model: type[schemas.Schema] = getattr(schemas, name)
    assert issubclass(model, schemas.Schema)
    return model


def contents(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """The request and each response that has a body."""
    if "requestBody" in operation:
        yield "request", operation["requestBody"]["content"]["application/json"]
    for status, response in operation["responses"].items():
        if "content" in response:
            yield status, response["content"]["application/json"]


def test_every_request_and_response_has_examples_that_are_valid(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for place, content in contents(operation):
            assert content["examples"], (operation["operationId"], place)
            for example in content["examples"].values():
                model = model_of(content["schema"])
                read = model.model_validate(example["value"])
                assert read.model_dump(mode="json", exclude_unset=True) == example["value"]


def test_every_error_is_declared_in_the_one_shape(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for status, content in contents(operation):
            if status[0] in "45":
                assert content["schema"] == {"$ref": "#/components/schemas/ErrorResponse"}
    assert "HTTPValidationError" not in str(document)
    assert not {"HTTPValidationError", "ValidationError"} & document["components"]["schemas"].keys()


def test_every_example_of_an_error_is_one_that_exists() -> None:
    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    assert example_errors().keys() <= codes


def test_an_example_says_what_the_service_says(client: TestClient) -> None:
    said = ask(client, "cement", limit=0).json()["error"]
    assert said == {"code": "invalid_request", **example_errors()["invalid_request"]}
    assert ask(client, "").json()["error"]["message"] == example_errors()["invalid_question"]["message"]
    unknown = client.get("/v1/documents/nothing").json()["error"]["message"]
    assert unknown == example_errors()["unknown_document"]["message"]


def test_operations_have_names_that_a_client_can_use(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document)]
    assert sorted(names) == ["ask", "get_document", "list_documents", "livez", "readyz"]
    assert all(operation["summary"] and operation["description"] for operation in operations(document))


def test_the_question_travels_in_a_body_only(document: dict[str, Any]) -> None:
    parameters = [
        parameter["name"] for operation in operations(document) for parameter in operation.get("parameters", [])
    ]
    assert set(parameters) == {"audience", "document_id"}


def test_nothing_is_traced_whatever_the_environment_says(
    standing_clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    app = create_app(standing_clinic.engine(), standing_clinic.settings)
    assert {name for name, setting in app._telemetry.items() if setting} == set()
