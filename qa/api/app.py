"""The service as a whole: routes, error shape and guard, around one engine."""

from fastapi import FastAPI

import qa
from qa.api.error_responses import add_error_handlers
from qa.api.response_guard import ResponseGuard
from qa.api.routes import document_routes, health_routes, question_routes
from qa.engine import Engine
from qa.settings import Settings


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """The ASGI application. It opens no file and starts no thread of its own until it is asked.

    The framework's telemetry is off whatever the environment says, since traces could carry a question; so are its
    documentation pages, which load scripts from elsewhere. `/openapi.json` describes everything.
    """
    app = FastAPI(
        title="Clinic QA",
        summary="Answers questions by quoting text that the clinic approved.",
        version=qa.__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.include_router(question_routes(engine))
    app.include_router(document_routes(engine))
    app.include_router(health_routes(engine, settings.serve_audiences))
    add_error_handlers(app)
    app.add_middleware(ResponseGuard)
    return app
