"""`qa serve`: the HTTP service on one address."""

import ipaddress
import socket
import sys
from typing import Annotated

import typer

from qa.cli.options import IndexOption
from qa.errors import InvalidRequest

BACKLOG = 2048
"""Connections that may wait to be accepted, as uvicorn's own default."""
UNREAD_SECONDS = 20
"""A client that takes nothing of what is sent to it for so long, loses the connection, where the system can do that."""


def add_commands(app: typer.Typer) -> None:
    app.command("serve", epilog="Example: qa serve --port 8080")(serve)


def serve(
    host: Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", help="Port to listen on; 0 takes a free one.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", help="Processes that serve.")] = None,
    index: IndexOption = None,
) -> None:
    """Serves the live generation over HTTP until it is stopped; prints the address once questions can be asked."""
    from qa.settings import load_settings

    settings = load_settings(host=host, port=port, workers=workers, index=index)
    listener = _listen(settings.host, settings.port)
    address = listener.getsockname()
    if "staff" in settings.serve_audiences and not _is_loopback(address[0]):
        print(
            "qa: staff documents can be asked from other machines; QA_SERVE_AUDIENCES='[\"patient\"]' forbids it.",
            file=sys.stderr,
        )

    def announce() -> None:
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        print(f"Clinic QA answers on http://{shown}:{address[1]}", flush=True)

    from qa.api.server import serve_until_stopped  # what it loads takes longer than to see that the address is taken

    serve_until_stopped(settings, listener, announce)


def _listen(host: str, port: int, unread_seconds: int = UNREAD_SECONDS) -> socket.socket:
    """A listening socket; raises InvalidRequest when the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # each connection takes it over
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unread_seconds * 1000)
        listener.bind(address)
        listener.listen(BACKLOG)  # at once: whoever comes second learns it before it loads a model
    except (OSError, UnicodeError) as error:
        raise InvalidRequest(
            f"Cannot listen on {host} port {port}: {error.strerror if isinstance(error, OSError) else error}.",
            "Pass another --host or --port.",
        ) from None
    return listener


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback
