"""Exception handlers: every error becomes the one JSON shape, `{"error": {"code", "message", "detail"?}}`.

A browser that asks for a page gets one that says the same; routes under `/v1/` answer programs only.

A failure of the service (5xx) says what to run, but names no path or file of the server: those go to the log.
The text of an exception from outside the tree is never shown, since it could hold the question.
"""

import logging
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope

from qa.api.event_log import exception_places
from qa.api.examples import example_errors
from qa.api.middleware.observation import OUTCOME
from qa.api.schemas import ErrorBody, ErrorResponse
from qa.errors import (
    ClinicQAError,
    IndexUnavailable,
    InvalidRequest,
    MethodNotAllowed,
    ModelUnavailable,
    NotFound,
    Overloaded,
    RequestTimeout,
    StorageFailed,
)

LOGGER = logging.getLogger(__name__)

INTERNAL_MESSAGE = "The service failed. The server's log says where."
ADDRESSES = "GET /openapi.json lists the addresses."
PROGRAMS_ONLY = "/v1/"
RETRY_AFTER_SECONDS = 30
RETRY_AFTER_OVERLOAD_SECONDS = 1

ErrorPage = Callable[[int, ErrorBody, Mapping[str, str]], Response]


class ErrorResponses:
    """The response to an error: JSON, or a page for a browser that asks for one."""

    def __init__(self, page: ErrorPage) -> None:
        self._page = page
        self._refusals: dict[tuple[str, bool], Response] = {}

    def add_handlers(self, app: FastAPI) -> None:
        """Errors of the framework get the same shape."""
        app.add_exception_handler(ClinicQAError, self._on_error_of_the_tree)
        app.add_exception_handler(HTTPException, self._on_framework_error)
        app.add_exception_handler(RequestValidationError, self._on_invalid_parameters)

    def response(self, scope: Scope, error: ClinicQAError, headers: Mapping[str, str] | None = None) -> Response:
        """The response to an error of the tree, with what the public may know of it."""
        make = self._page if asks_for_page(scope) else _response
        return make(error.http_status, _public(error), {**_headers_of(error), **(headers or {})})

    def refusal(self, scope: Scope, error: Overloaded) -> Response:
        """The same, made once and kept: under overload, making it each time would cost too much."""
        kind = (error.code, asks_for_page(scope))
        if kind not in self._refusals:
            self._refusals[kind] = self.response(scope, error)
        return self._refusals[kind]

    def internal(self, scope: Scope, exception: BaseException) -> Response:
        """The response to an exception from outside the tree, which is logged without its text."""
        LOGGER.error("Unforeseen %s", "\n".join(exception_places(exception)))
        return self.response(scope, ClinicQAError(INTERNAL_MESSAGE))

    async def _on_error_of_the_tree(self, request: Request, exception: Exception) -> Response:
        if not isinstance(exception, ClinicQAError):
            return self.internal(request.scope, exception)
        request.scope[OUTCOME] = exception.code
        if exception.http_status >= 500 and not isinstance(exception, Overloaded):
            LOGGER.error("%s: %s", exception.code, exception)
        return self.response(request.scope, exception)

    async def _on_framework_error(self, request: Request, exception: Exception) -> Response:
        if isinstance(exception, HTTPException) and exception.status_code == 404:
            return self._told(request, NotFound("There is nothing at this address.", ADDRESSES))
        if isinstance(exception, HTTPException) and exception.status_code == 405:
            allowed = {method.strip() for method in (exception.headers or {}).get("Allow", "").split(",")}
            allow = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
            error = MethodNotAllowed("This address does not take that method.", f"Use {allow}.")
            return self._told(request, error, {"Allow": allow})
        return self.internal(request.scope, exception)

    async def _on_invalid_parameters(self, request: Request, _exception: Exception) -> Response:
        error = InvalidRequest("The address or its query is wrong.", "Compare it with GET /openapi.json.")
        return self._told(request, error)

    def _told(self, request: Request, error: ClinicQAError, headers: Mapping[str, str] | None = None) -> Response:
        request.scope[OUTCOME] = error.code
        return self.response(request.scope, error, headers)


def asks_for_page(scope: Scope) -> bool:
    """Whether a browser asks for a page."""
    return not scope["path"].startswith(PROGRAMS_ONLY) and "text/html" in Headers(scope=scope).get("accept", "")


def early_response(error: ClinicQAError) -> JSONResponse:
    """For what the server refuses before it is a request: closes the connection, with the headers of every response."""
    headers = {"Connection": "close", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return _response(error.http_status, _public(error), {**_headers_of(error), **headers})


def unready_response(error: ClinicQAError) -> JSONResponse:
    """For operators: the whole message, with its paths."""
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return _response(error.http_status, ErrorBody(code=error.code, message=str(error)), retry)


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
    if isinstance(error, IndexUnavailable | ModelUnavailable | StorageFailed):
        return ErrorBody(code=error.code, message=f"The service cannot answer now. {error.remedy}".strip())
    return ErrorBody(code=error.code, message=INTERNAL_MESSAGE)


def _headers_of(error: ClinicQAError) -> dict[str, str]:
    if isinstance(error, RequestTimeout):
        return {"Connection": "close"}  # what comes later would be taken for the next request
    seconds = RETRY_AFTER_OVERLOAD_SECONDS if isinstance(error, Overloaded) else RETRY_AFTER_SECONDS
    return {"Retry-After": str(seconds)} if error.http_status == 503 else {}


def _response(status: int, body: ErrorBody, headers: Mapping[str, str]) -> JSONResponse:
    content = ErrorResponse(error=body).model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, status, dict(headers))
