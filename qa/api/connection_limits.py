"""Limits on connections, against slow, endless or too many requests: a subclass of uvicorn's HTTP protocol.

By itself, uvicorn buffers the head of a request without a limit and waits for the rest as long as the client likes. Its
`limit_concurrency` acts only when a whole head has arrived, so that slow clients are never refused, and while there are
too many it refuses every request, `/livez` on an open connection too.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from qa.api.error_responses import early_response
from qa.errors import (
    ClinicQAError,
    HeadersTooLarge,
    MalformedRequest,
    RequestTimeout,
    RequestTooLarge,
    TooManyConnections,
)

LIMITS = "clinic_qa.connection_limits"
"""The key of the lifespan's state under which the application hands its limits to the server."""
MAX_HEAD_BYTES = 32 * 1024
"""Of a request's line and headers together."""
MAX_SENT_BODY_BYTES = 64 * 1024
"""As sent, perhaps in chunks. A client that sends more than is read (`request_body`) has time to notice the refusal."""
MAX_PIPELINED_REQUESTS = 16
"""How many a client may send before it has the answer to the first."""
LEAVE_SECONDS = 1.0
"""For so long, what comes after a refusal is read and thrown away: a connection closed with bytes unread is reset, and
the client may never see the refusal."""

Part = Literal["none", "head", "body"]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What the settings say of connections.

    `request_seconds` is the time for the head of a request, and again for its body; `refused` is called on refusals.
    """

    max_connections: int
    request_seconds: float
    refused: Callable[[ClinicQAError], None]


class LimitedConnection(HttpToolsProtocol):
    """One connection. The time of a keep-alive connection between two requests stays uvicorn's."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """`app_state` holds ConnectionLimits under `LIMITS`."""
        super().__init__(config, server_state, app_state, _loop)
        self._limits: ConnectionLimits = app_state[LIMITS]
        self._part: Part = "none"  # of the request that has not arrived whole
        self._part_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._answered: RequestResponseCycle | None = None  # now or last; those after it are in the pipeline
        self._reason: ClinicQAError | None = None
        self._leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's is
        super().connection_made(transport)
        if len(self.connections) <= self._limits.max_connections:
            self._set_timer(self._limits.request_seconds, self._on_deadline)
            return
        self.connections.discard(self)
        self._leaving = True
        self._tell(TooManyConnections("As many connections are open as may be.", "Ask again in a second."))
        transport.close()  # at once: those beyond the limit must not add up

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)
        if self._answered is not None:  # uvicorn tells only the newest request that its client has left
            self._answered.disconnected = True
            self._answered.message_event.set()

    def data_received(self, data: bytes) -> None:
        if self._leaving:
            return
        self._part_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self._leaving:
            return
        if self._part == "head" and self._part_bytes > MAX_HEAD_BYTES:
            self._refuse(_head_too_large())
        elif self._part == "body" and self._part_bytes > MAX_SENT_BODY_BYTES:
            self._refuse(RequestTooLarge(f"The body is larger than {MAX_SENT_BODY_BYTES:,} bytes.", "Send less."))
        elif self._timer is None and (self._part != "none" or not self._is_answering):
            self._set_timer(self._limits.request_seconds, self._on_deadline)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._part = "head"

    def on_headers_complete(self) -> None:
        """What it raises comes back through the parser to `data_received`, which calls `send_400_response`."""
        if self._head_bytes() > MAX_HEAD_BYTES:
            self._reason = _head_too_large()
            raise self._reason
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            self._reason = MalformedRequest("Too many requests were sent at once.", "Wait for an answer.")
            raise self._reason
        super().on_headers_complete()
        self._next_part("body")

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._next_part("none")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words are not used
        remedy = "Compare it with GET /openapi.json."
        self._refuse(self._reason or MalformedRequest("What was sent is not a request of HTTP/1.1.", remedy))

    @property
    def _is_answering(self) -> bool:
        return self._answered is not None and not self._answered.response_complete

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _head_bytes(self) -> int:
        """The size of a head that has been read, as if its headers were written with one space."""
        line = len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n\r\n")
        return line + sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)

    def _next_part(self, part: Part) -> None:
        self._part = part
        self._part_bytes = 0
        self._stop_timer()

    def _set_timer(self, seconds: float, call: Callable[[], None]) -> None:
        self._timer = self.loop.call_later(seconds, call)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_deadline(self) -> None:
        if self._is_answering:  # the deadline for a body that is being read is `request_body`'s
            self._set_timer(self._limits.request_seconds, self._on_deadline)
        elif self._part == "head":
            seconds = self._limits.request_seconds
            self._refuse(RequestTimeout(f"The request did not arrive within {seconds:g} seconds.", "Send it again."))
        else:
            self.transport.close()

    def _refuse(self, error: ClinicQAError) -> None:
        """Says why, unless an answer was begun, and closes when the client has had time to read it."""
        self._leaving = True
        self._stop_timer()
        reading_body = self._part == "body"
        if self._is_answering and (not reading_body or self.pipeline):
            self._limits.refused(error)
            self.transport.abort()  # a refusal would be taken for the answer to an earlier request
            return
        if not reading_body or not self.cycle.response_started:
            self._tell(error)
        if reading_body:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.flow.resume_reading()
        self.transport.write_eof()
        self._set_timer(LEAVE_SECONDS, self.transport.abort)

    def _tell(self, error: ClinicQAError) -> None:
        """Writes the response to an error, which closes the connection."""
        self._limits.refused(error)
        response = early_response(error)
        lines = [STATUS_LINE[response.status_code]]
        for name, value in (*self.server_state.default_headers, *response.raw_headers):
            lines.append(b"%b: %b\r\n" % (name, value))
        self.transport.write(b"".join([*lines, b"\r\n", response.body]))


def _head_too_large() -> HeadersTooLarge:
    message = f"The address and headers of the request are larger than {MAX_HEAD_BYTES:,} bytes."
    return HeadersTooLarge(message, "Send fewer or shorter headers.")
