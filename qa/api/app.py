"""The service as a whole: routes, error shape and middleware, around one engine."""

import asyncio
import ctypes
import gc
import logging
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from fastapi import FastAPI

import qa
from qa.api.error_responses import add_error_handlers
from qa.api.metrics import Metrics
from qa.api.observation import Observation
from qa.api.overload import OverloadRefusal
from qa.api.response_guard import ResponseGuard
from qa.api.routes import ASK_PATH, document_routes, health_routes, metrics_routes, question_routes
from qa.dispatch import Dispatcher
from qa.engine import Engine, Reload
from qa.errors import ClinicQAError
from qa.settings import Settings
from qa.watch import Watcher

LOGGER = logging.getLogger(__name__)

WARMING_UP = "How long does the first question take?"
"""Asked before anyone else can: what is set up at first use is set up then."""


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """The ASGI application. It opens no file and starts no thread of its own until it is started or asked.

    The framework's telemetry is off whatever the environment says, since traces could carry a question; so are its
    documentation pages, which load scripts from elsewhere. `/openapi.json` describes everything.
    """
    metrics = Metrics(engine)
    dispatcher = Dispatcher(engine, settings, metrics)

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        watcher = Watcher(engine, settings.watch_seconds, partial(_report, engine, metrics))
        watcher.start()
        if threading.current_thread() is threading.main_thread():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, watcher.look_now)
        for audience in settings.serve_audiences:
            with suppress(ClinicQAError):  # nothing to ask, perhaps: /readyz says so
                engine.ask(WARMING_UP, audience)
        gc.collect()
        gc.freeze()  # what was opened stays: going through it again and again would halt every request for 40 ms
        _give_back_memory()
        LOGGER.info("ready", extra={"generation": engine.readiness().generation})
        yield
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
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.include_router(question_routes(dispatcher))
    app.include_router(document_routes(engine))
    app.include_router(health_routes(engine, settings.serve_audiences))
    app.include_router(metrics_routes(metrics))
    add_error_handlers(app)
    app.add_middleware(OverloadRefusal, dispatcher=dispatcher, path=ASK_PATH)
    app.add_middleware(ResponseGuard)
    app.add_middleware(Observation, metrics=metrics)  # the last one added stands around the others
    return app


def _report(engine: Engine, metrics: Metrics, outcome: Reload) -> None:
    """Says in metrics and log what came of a look for a new generation."""
    metrics.reload(outcome)
    readiness = engine.readiness()
    level = logging.INFO if outcome == "taken_up" else logging.WARNING
    facts = {"outcome": outcome, "generation": readiness.generation, "reason": readiness.reason}
    LOGGER.log(level, "generation", extra=facts)
    if outcome == "taken_up":
        _give_back_memory()


def _give_back_memory() -> None:
    """Returns what opening a generation took for a while to the system, where the C library can: some 18 MB."""
    with suppress(OSError, TypeError):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
