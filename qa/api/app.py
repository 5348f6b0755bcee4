"""The FastAPI application: routers, exception handlers, middleware and lifespan around one engine."""

import asyncio
import ctypes
import gc
import logging
import signal
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

import qa
from qa.api.batching import Dispatcher, answering_threads
from qa.api.connection_limits import LIMITS, ConnectionLimits
from qa.api.error_responses import ErrorResponses
from qa.api.metrics import Metrics
from qa.api.middleware.cors import CrossOrigin
from qa.api.middleware.load_shedding import LoadShedding
from qa.api.middleware.observation import Observation, RefusedConnections
from qa.api.middleware.response_guard import ResponseGuard
from qa.api.pages.page_routes import SEARCH_PATH, page_routes
from qa.api.pages.page_templates import PageTemplates
from qa.api.pages.static_files import static_routes
from qa.api.reloading import Watcher
from qa.api.routes import ASK_PATH, document_routes, health_routes, metrics_routes, question_routes
from qa.errors import ClinicQAError
from qa.search.engine import Engine, Reload
from qa.settings import Settings

LOGGER = logging.getLogger(__name__)

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
WARMING_UP = "How long does the first question take?"
"""The warm-up question, asked before any other: what is set up at first use is set up then."""


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """The ASGI application. It opens no file and starts no thread of its own until it is started or asked.

    The framework's telemetry is off whatever the environment says, since traces could carry a question; so are its
    documentation pages, which load scripts from elsewhere. `/openapi.json` describes everything.
    """
    metrics = Metrics(engine)
    dispatcher = _dispatcher(engine, metrics, settings)
    limits = ConnectionLimits(settings.max_connections, settings.request_seconds, RefusedConnections(metrics))

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[Mapping[str, object]]:
        watcher = Watcher(engine, settings.watch_seconds, partial(_report, engine, metrics))
        watcher.start()
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, watcher.look_now)
        for audience in engine.audiences:
            with suppress(ClinicQAError):  # nothing to ask, perhaps: /readyz says so
                engine.ask(WARMING_UP, audience)
        gc.collect()
        gc.freeze()  # what was opened stays: collecting it again and again would halt every request for 40 ms
        _give_back_memory()
        LOGGER.info("ready", extra={"generation": engine.readiness().generation})
        yield {LIMITS: limits}
        LOGGER.info("shutdown")
        watcher.stop()
        dispatcher.close()

    app = FastAPI(
        title="Clinic QA",
        summary="Answers questions by quoting text that the clinic approved.",
        version=qa.__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=running,
        telemetry=NO_TELEMETRY,
    )
    templates = PageTemplates(settings.clinic_name, settings.clinic_phone, engine.audiences, settings.review_due_days)
    for router in (
        question_routes(dispatcher, settings.request_seconds),
        document_routes(engine),
        health_routes(engine),
        metrics_routes(metrics),
        page_routes(engine, dispatcher, templates, settings.request_seconds),
        static_routes(),
    ):
        app.include_router(router)
    errors = ErrorResponses(templates.error_page)
    errors.add_handlers(app)
    app.add_middleware(LoadShedding, dispatcher=dispatcher, errors=errors, paths={ASK_PATH, SEARCH_PATH})
    app.add_middleware(CrossOrigin, path=ASK_PATH, origins=settings.cors_origins)
    app.add_middleware(ResponseGuard, errors=errors)
    app.add_middleware(Observation, metrics=metrics)  # the last one added stands around the others
    return app


def _dispatcher(engine: Engine, metrics: Metrics, settings: Settings) -> Dispatcher:
    return Dispatcher(
        engine,
        metrics,
        places=settings.max_waiting_questions,
        deadline_seconds=settings.deadline_seconds,
        threads=answering_threads(settings.workers, settings.encoder_threads),
    )


def _report(engine: Engine, metrics: Metrics, outcome: Reload) -> None:
    """Reports to metrics and log what came of a look for a new generation."""
    metrics.reload(outcome)
    readiness = engine.readiness()
    level = logging.INFO if outcome == "taken_up" else logging.WARNING
    facts = {"outcome": outcome, "generation": readiness.generation, "reason": readiness.reason}
    LOGGER.log(level, "generation", extra=facts)
    if outcome == "taken_up":
        _give_back_memory()


def _give_back_memory() -> None:
    """Returns memory that opening a generation needed for a while, some 18 MB, where the C library can."""
    with suppress(OSError, TypeError):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
