"""Security headers, HEAD, and the last exception handler: what holds for every response, whatever made it.

It runs inside Starlette's own error middleware, which raises an exception again for the server, and the server would
log it with its text.
"""

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.api.error_responses import ErrorResponses
from qa.api.middleware.observation import OUTCOME
from qa.errors import ClinicQAError


class ResponseGuard:
    """ASGI middleware around all routes. HEAD is answered like GET, without the body."""

    def __init__(self, app: ASGIApp, errors: ErrorResponses) -> None:
        self._app = app
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _GuardedSend(send, bodiless=scope["method"] == "HEAD")
        inner = {**scope, "method": "GET"} if guarded.bodiless else scope
        try:
            await self._app(inner, receive, guarded)
        except ClientDisconnect:
            return
        except Exception as exception:  # noqa: BLE001 - whatever it is, its text must not reach the server's log
            inner[OUTCOME] = ClinicQAError.code
            response = self._errors.internal(scope, exception)
            if not guarded.started:
                await response(inner, receive, guarded)
        finally:
            scope.update({**inner, "method": scope["method"]})


class _GuardedSend:
    """Sends on, with the headers that every response has; a response's own Cache-Control stands.

    The default is not to store: a cached copy could outlive the withdrawal of a text.
    """

    def __init__(self, send: Send, *, bodiless: bool) -> None:
        self._send = send
        self.bodiless = bodiless
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            headers["X-Content-Type-Options"] = "nosniff"
            headers.setdefault("Cache-Control", "no-store")
        elif message["type"] == "http.response.body" and self.bodiless:
            message = {**message, "body": b""}
        await self._send(message)
