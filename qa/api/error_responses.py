"""How an error becomes a response: one shape, `{"error": {"code", "message", "detail"?}}`, for all of them.

A failure of the service (5xx) says what to run, but no path and no file of the server; those go to the log.
No exception from outside the tree is ever printed: its text could hold the question.
"""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from qa.api.event_log import exception_places
from qa.api.examples import example_errors
from qa.api.observation import OUTCOME
from qa.api.wire import ErrorBody, ErrorResponse
from qa.errors import (
    ClinicQAError,
    IndexUnavailable,
    InvalidRequest,
    MethodNotAllowed,
    ModelUnavailable,
    NotFound,
    Overloaded,
)

LOGGER = logging.getLogger(__name__)

INTERNAL_MESSAGE = "The service failed. The server's log says where."
RETRY_AFTER_SECONDS = 30
RETRY_AFTER_OVERLOAD_SECONDS = 1


def add_error_handlers(app: FastAPI) -> None:
    """No error of the framework keeps its own shape."""
    app.add_exception_handler(ClinicQAError, _on_error_of_the_tree)
    app.add_exception_handler(HTTPException, _on_framework_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_parameters)


def error_response(error: ClinicQAError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response to an error of the tree, with what the public may know of it."""
    seconds = RETRY_AFTER_OVERLOAD_SECONDS if isinstance(error, Overloaded) else RETRY_AFTER_SECONDS
    retry = {"Retry-After": str(seconds)} if error.http_status == 503 else {}
    return _response(error.http_status, _public(error), {**retry, **(headers or {})})


def unready_response(error: ClinicQAError) -> JSONResponse:
    """For operators: the whole message, with its paths."""
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return _response(error.http_status, ErrorBody(code=error.code, message=str(error)), retry)


def internal_error_response(exception: BaseException) -> JSONResponse:
    """The response to an exception from outside the tree, which is logged without its text."""
    LOGGER.error("Unforeseen %s", "\n".join(exception_places(exception)))
    return error_response(ClinicQAError(INTERNAL_MESSAGE))


def documented_errors(*kinds: type[ClinicQAError]) -> dict[int | str, dict[str, object]]:
    """The OpenAPI entries, by status, of the errors that a route can answer with; `internal` is added to each."""
    by_status: dict[int, list[type[ClinicQAError]]] = {}
    every: tuple[type[ClinicQAError], ...] = (*kinds, ClinicQAError)
    for kind in every:
        by_status.setdefault(kind.http_status, []).append(kind)
    return {status: _documented(kinds_of_status) for status, kinds_of_status in sorted(by_status.items())}


def _documented(kinds: list[type[ClinicQAError]]) -> dict[str, object]:
    errors = example_errors()
    examples = {kind.code: {"value": {"error": {"code": kind.code, **errors[kind.code]}}} for kind in kinds}
    return {
        "model": ErrorResponse,
        "description": " or ".join(examples),
        "content": {"application/json": {"examples": examples}},
    }


def _public(error: ClinicQAError) -> ErrorBody:
    if error.http_status < 500:
        return ErrorBody(code=error.code, message=str(error), detail=dict(error.detail) or None)
    if isinstance(error, Overloaded):
        return ErrorBody(code=error.code, message=str(error))
    if isinstance(error, IndexUnavailable | ModelUnavailable):
        return ErrorBody(code=error.code, message=f"The service cannot answer now. {error.remedy}".strip())
    return ErrorBody(code=error.code, message=INTERNAL_MESSAGE)


def _response(status: int, body: ErrorBody, headers: Mapping[str, str]) -> JSONResponse:
    content = ErrorResponse(error=body).model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, status, dict(headers))


async def _on_error_of_the_tree(request: Request, exception: Exception) -> JSONResponse:
    if not isinstance(exception, ClinicQAError):
        return internal_error_response(exception)
    request.scope[OUTCOME] = exception.code
    if exception.http_status >= 500 and not isinstance(exception, Overloaded):
        LOGGER.error("%s: %s", exception.code, exception)
    return error_response(exception)


async def _on_framework_error(request: Request, exception: Exception) -> JSONResponse:
    if isinstance(exception, HTTPException) and exception.status_code == 404:
        request.scope[OUTCOME] = NotFound.code
        return error_response(NotFound("There is nothing at this address.", "GET /openapi.json lists the addresses."))
    if isinstance(exception, HTTPException) and exception.status_code == 405:
        allowed = {method.strip() for method in (exception.headers or {}).get("Allow", "").split(",")}
        allow = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
        request.scope[OUTCOME] = MethodNotAllowed.code
        error = MethodNotAllowed("This address does not take that method.", f"Use {allow}.")
        return error_response(error, {"Allow": allow})
    return internal_error_response(exception)


async def _on_invalid_parameters(request: Request, _exception: Exception) -> JSONResponse:
    request.scope[OUTCOME] = InvalidRequest.code
    return error_response(InvalidRequest("The address or its query is wrong.", "Compare it with GET /openapi.json."))
