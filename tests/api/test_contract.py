"""Whatever is sent to a documented address, the reply is a documented one: schemathesis makes the requests."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import DataObject, data
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from qa.api.app import create_app
from tests.support.clinic import Clinic

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
    allow_header_conformance,
    negative_data_rejection,
]


OPERATIONS = [
    ("/v1/ask", "POST"),
    ("/v1/documents", "GET"),
    ("/v1/documents/{document_id}", "GET"),
    ("/livez", "GET"),
    ("/readyz", "GET"),
]
deterministic = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def described(standing_clinic: Clinic) -> BaseSchema:
    app = create_app(standing_clinic.engine(), standing_clinic.settings)
    return schemathesis.openapi.from_asgi("/openapi.json", app)


def test_every_documented_address_is_tried(described: BaseSchema) -> None:
    documented = described.raw_schema["paths"]
    assert {(path, method.upper()) for path, methods in documented.items() for method in methods} == set(OPERATIONS)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@deterministic
@given(data=data())
def test_every_reply_to_a_valid_request_is_documented(
    described: BaseSchema, path: str, method: str, data: DataObject
) -> None:
    case = data.draw(described[path][method].as_strategy())
    case.call_and_validate(checks=CHECKS, allow_redirects=False)


@pytest.mark.parametrize(("path", "method"), OPERATIONS[:3])
@deterministic
@given(data=data())
def test_every_reply_to_an_invalid_request_is_documented(
    described: BaseSchema, path: str, method: str, data: DataObject
) -> None:
    case = data.draw(described[path][method].as_strategy(GenerationMode.NEGATIVE))
    case.call_and_validate(checks=CHECKS, allow_redirects=False)
