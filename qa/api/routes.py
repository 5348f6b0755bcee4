"""The routes of the HTTP API: which addresses there are, and what each answers.

Questions are answered by the dispatcher's threads. Other work that takes time is done by plain functions, which FastAPI
runs in its thread pool; health checks need neither.
"""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from qa.api import examples, schemas
from qa.api.asking import AskedAudience, answer_to
from qa.api.batching import Dispatcher
from qa.api.error_responses import documented_errors, unready_response
from qa.api.metrics import CONTENT_TYPE, Metrics
from qa.api.request_body import read_ask_request
from qa.errors import (
    ClinicQAError,
    DamagedGeneration,
    DeadlineExceeded,
    IndexUnavailable,
    InvalidQuestion,
    InvalidRequest,
    MalformedBody,
    ModelUnavailable,
    NoIndex,
    OtherFormat,
    Overloaded,
    RequestTimeout,
    RequestTooLarge,
    StorageFailed,
    UnknownAudience,
    UnknownDocument,
    UnsupportedMediaType,
)
from qa.search.engine import Engine

Responses = dict[int | str, dict[str, Any]]

Kinds = tuple[type[ClinicQAError], ...]

UNAVAILABLE: Kinds = (
    IndexUnavailable,
    NoIndex,
    DamagedGeneration,
    OtherFormat,
    ModelUnavailable,
    StorageFailed,
)


ASK_PATH = "/v1/ask"


def question_routes(dispatcher: Dispatcher, request_seconds: float) -> APIRouter:
    """`POST /v1/ask`, whose body may take `request_seconds`."""
    router = APIRouter(tags=["questions"])
    reader = partial(read_ask_request, request_seconds)
    refusals: Kinds = (
        MalformedBody,
        RequestTimeout,
        RequestTooLarge,
        UnsupportedMediaType,
        InvalidRequest,
        InvalidQuestion,
        UnknownAudience,
        Overloaded,
        DeadlineExceeded,
    )
    body = {"schema": schemas.AskRequest.model_json_schema(), "examples": examples.ask_requests()}

    @router.post(
        ASK_PATH,
        operation_id="ask",
        summary="Ask a question",
        responses=_responses(examples.answers(), *refusals, *UNAVAILABLE),
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": body}}},
    )
    async def ask(asked: Annotated[schemas.AskRequest, Depends(reader)], request: Request) -> schemas.Answer:
        """Quotes of approved text that answer, with citations; or that no approved text answers."""
        return schemas.Answer.of(await answer_to(request, asked, dispatcher))

    return router


def document_routes(engine: Engine) -> APIRouter:
    """`GET /v1/documents` and `GET /v1/documents/{id}`."""
    router = APIRouter(tags=["documents"])
    refusals: Kinds = (UnknownAudience, *UNAVAILABLE)

    @router.get(
        "/v1/documents",
        operation_id="list_documents",
        summary="List the documents",
        responses=_responses(examples.document_lists(), *refusals),
    )
    def list_documents(audience: AskedAudience) -> schemas.DocumentList:
        """The approved documents that the audience may be quoted today, by id."""
        documents = tuple(schemas.document_summary(document) for document in engine.catalogue(audience).documents())
        return schemas.DocumentList(audience=audience, documents=documents)

    @router.get(
        "/v1/documents/{document_id}",
        operation_id="get_document",
        summary="Fetch a document",
        responses=_responses(examples.documents(), UnknownDocument, *refusals),
    )
    def get_document(document_id: str, audience: AskedAudience) -> schemas.Document:
        """The text that was approved, its sections and its hash: what it takes to check a quote."""
        return schemas.whole_document(engine.catalogue(audience).document(document_id))

    return router


def health_routes(engine: Engine) -> APIRouter:
    """`GET /livez` and `GET /readyz`."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", operation_id="livez", summary="Is it alive?", responses=_responses(examples.liveness()))
    async def livez() -> schemas.Liveness:
        """True as long as the process answers."""
        return schemas.Liveness()

    @router.get(
        "/readyz",
        operation_id="readyz",
        summary="Can it answer?",
        response_model=schemas.Readiness,
        responses=_responses(examples.readiness(), *UNAVAILABLE),
    )
    async def readyz() -> schemas.Readiness | JSONResponse:
        """Which generation answers, or why none does and what to run."""
        readiness = engine.readiness()
        if readiness.ready:
            return schemas.readiness(readiness)
        return unready_response(_why_not(engine, readiness.reason))

    return router


def metrics_routes(metrics: Metrics) -> APIRouter:
    """`GET /metrics`, for Prometheus; no part of the described interface."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    def show_metrics() -> Response:
        return Response(metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    return router


def _responses(ok: dict[str, Any], *kinds: type[ClinicQAError]) -> Responses:
    return {200: {"content": {"application/json": {"examples": ok}}}, **documented_errors(*kinds)}


def _why_not(engine: Engine, reason: str) -> ClinicQAError:
    """The error that a question would get now."""
    try:
        engine.searcher()
    except ClinicQAError as error:
        return error
    return IndexUnavailable(reason, "Ask again.")
