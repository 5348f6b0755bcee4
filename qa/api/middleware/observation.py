"""Request ids, the access log and the metrics of requests.

Log and metrics hold nothing that a request sent but its id: no query, no body, and of its path only the template of the
route that took it.
"""

import logging
import re
import secrets
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.api.metrics import Metrics
from qa.errors import ClinicQAError, Overloaded

LOGGER = logging.getLogger(__name__)

OUTCOME = "clinic_qa.outcome"
"""The key of the scope under which whatever answers a request says what came of it."""
ROUTE = "clinic_qa.route"
"""The key for the template of a route that answered before routing."""
GONE = 499
"""The status that stands for a client that left before its response began."""
REFUSALS_SECONDS = 1.0
"""At most one line in this time says how many were refused since the line before."""
UNMATCHED = "unmatched"
OTHER = "other"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observation:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._refusals = _Refusals("overloaded")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        status = GONE

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode("ascii"))]
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._tell(scope, request_id, status, time.perf_counter() - started)

    def _tell(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = str(scope.get(ROUTE) or getattr(scope.get("route"), "path", UNMATCHED))
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        outcome = scope.get(OUTCOME, "")
        self._metrics.request(route, method, status, outcome)
        self._metrics.request_seconds(route, seconds)
        if outcome == Overloaded.code:
            self._refusals.add(outcome)
        elif LOGGER.isEnabledFor(logging.INFO):
            facts = {"request_id": request_id, "method": method, "route": route, "status": status}
            LOGGER.info("request", extra={**facts, "outcome": outcome, "milliseconds": round(seconds * 1000, 1)})


class RefusedConnections:
    """Counts and logs what the server refused before it became a request."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._refusals = _Refusals("connections refused")

    def __call__(self, error: ClinicQAError) -> None:
        self._metrics.request(UNMATCHED, OTHER, error.http_status, error.code)
        self._refusals.add(error.code)


class _Refusals:
    """Logs refusals in sums: a line for each would cost as much again as the refusal."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._refused = 0
        self._told = -REFUSALS_SECONDS

    def add(self, outcome: str) -> None:
        """`outcome` is the error's code; the line says that of the last one."""
        self._refused += 1
        now = time.monotonic()
        if now - self._told >= REFUSALS_SECONDS:
            LOGGER.warning(self._event, extra={"refused": self._refused, "outcome": outcome})
            self._refused, self._told = 0, now


def _request_id(scope: Scope) -> str:
    """The request's own if it is well-formed, else a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
