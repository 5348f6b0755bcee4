"""Which addresses there are, and what each answers.

Routes are plain functions: FastAPI runs them in its thread pool, so that the engine's work never blocks the loop.
"""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, RedirectResponse

from qa.api import examples, wire
from qa.api.error_responses import documented_errors, unready_response
from qa.api.request_body import read_ask_request
from qa.engine import Engine
from qa.errors import (
    ClinicQAError,
    DamagedGeneration,
    IndexUnavailable,
    InvalidQuestion,
    InvalidRequest,
    MalformedBody,
    ModelUnavailable,
    NoIndex,
    OtherFormat,
    OtherModel,
    RequestTooLarge,
    UnknownAudience,
    UnknownDocument,
    UnsupportedMediaType,
)
from qa.records import AUDIENCES, Audience

Responses = dict[int | str, dict[str, Any]]
AudienceQuery = Annotated[
    str, Query(description="whose documents; staff see both kinds", json_schema_extra={"enum": list(AUDIENCES)})
]

Kinds = tuple[type[ClinicQAError], ...]

UNAVAILABLE: Kinds = (IndexUnavailable, NoIndex, DamagedGeneration, OtherFormat, OtherModel, ModelUnavailable)


def question_routes(engine: Engine) -> APIRouter:
    """`POST /v1/ask`."""
    router = APIRouter(tags=["questions"])
    refusals: Kinds = (
        MalformedBody,
        RequestTooLarge,
        UnsupportedMediaType,
        InvalidRequest,
        InvalidQuestion,
        UnknownAudience,
    )
    body = {"schema": wire.AskRequest.model_json_schema(), "examples": examples.ask_requests()}

    @router.post(
        "/v1/ask",
        operation_id="ask",
        summary="Ask a question",
        responses=_responses(examples.answers(), *refusals, *UNAVAILABLE),
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": body}}},
    )
    def ask(request: Annotated[wire.AskRequest, Depends(read_ask_request)]) -> wire.Answer:
        """Quotes of approved text that answer, with citations; or that no approved text answers."""
        return wire.Answer.of(engine.ask(request.question, _audience(request.audience), request.limit))

    return router


def document_routes(engine: Engine) -> APIRouter:
    """`GET /v1/documents`, `GET /v1/documents/{id}`, and `GET /documents/{id}`, where a citation's link leads."""
    router = APIRouter(tags=["documents"])
    refusals: Kinds = (UnknownAudience, *UNAVAILABLE)

    @router.get(
        "/v1/documents",
        operation_id="list_documents",
        summary="List the documents",
        responses=_responses(examples.document_lists(), *refusals),
    )
    def list_documents(audience: AudienceQuery = "patient") -> wire.DocumentList:
        """The approved documents that the audience may be quoted today, by id."""
        documents = engine.documents(_audience(audience))
        return wire.DocumentList(
            audience=_audience(audience), documents=tuple(wire.document_summary(document) for document in documents)
        )

    @router.get(
        "/v1/documents/{document_id}",
        operation_id="get_document",
        summary="Fetch a document",
        responses=_responses(examples.documents(), UnknownDocument, *refusals),
    )
    def get_document(document_id: str, audience: AudienceQuery = "patient") -> wire.Document:
        """The text that was approved, its sections and its hash: what it takes to check a quote."""
        return wire.whole_document(engine.document(document_id, _audience(audience)))

    @router.get(
        "/documents/{document_id}",
        operation_id="open_document",
        summary="Open a citation's link",
        status_code=307,
        response_class=RedirectResponse,
        responses={307: {"description": "Location is the document"}, **documented_errors(UnknownDocument, *refusals)},
    )
    def open_document(document_id: str, audience: AudienceQuery = "patient") -> RedirectResponse:
        """Leads to the document; the fragment says which slice was quoted."""
        document = engine.document(document_id, _audience(audience))
        return RedirectResponse(f"/v1/documents/{document.id}?audience={audience}")

    return router


def health_routes(engine: Engine, served: tuple[Audience, ...]) -> APIRouter:
    """`GET /livez` and `GET /readyz`."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", operation_id="livez", summary="Is it alive?", responses=_responses(examples.liveness()))
    def livez() -> wire.Liveness:
        """True as long as the process answers."""
        return wire.Liveness()

    @router.get(
        "/readyz",
        operation_id="readyz",
        summary="Can it answer?",
        response_model=wire.Readiness,
        responses=_responses(examples.readiness(), *UNAVAILABLE),
    )
    def readyz() -> wire.Readiness | JSONResponse:
        """Which generation answers, or why none does and what to run."""
        readiness = engine.readiness()
        if readiness.ready:
            return wire.readiness(readiness)
        return unready_response(_why_not(engine, served[0], readiness.reason))

    return router


def _responses(ok: dict[str, Any], *kinds: type[ClinicQAError]) -> Responses:
    return {200: {"content": {"application/json": {"examples": ok}}}, **documented_errors(*kinds)}


def _audience(name: str) -> Audience:
    """The engine raises UnknownAudience for every name that this server does not answer, known or not."""
    return cast(Audience, name)


def _why_not(engine: Engine, audience: Audience, reason: str) -> ClinicQAError:
    """The error that a question would meet now."""
    try:
        engine.documents(audience)
    except ClinicQAError as error:
        return error
    return IndexUnavailable(reason, "Ask again.")
