"""CORS: pages of the origins that the settings name may ask questions, by `POST /v1/ask` and nothing else.

Credentials are never accepted, and an origin that is not named gets no header at all.
"""

from collections.abc import Collection

from fastapi import Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFLIGHT_SECONDS = 600


class CrossOrigin:
    """ASGI middleware around load shedding, so that those pages can read a refusal too."""

    def __init__(self, app: ASGIApp, path: str, origins: Collection[str]) -> None:
        self._app = app
        self._path = path
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path or not self._origins:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        allowed = {"Access-Control-Allow-Origin": origin} if origin in self._origins else {}

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                started = MutableHeaders(scope=message)
                started.add_vary_header("Origin")
                started.update(allowed)
                if allowed:
                    started["Access-Control-Expose-Headers"] = "Retry-After"
            await send(message)

        asks_first = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        if allowed and asks_first:
            permitted = {
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": "Content-Type",
                "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            }
            await Response(status_code=204, headers=permitted)(scope, receive, send_with_origin)
            return
        await self._app(scope, receive, send_with_origin)
