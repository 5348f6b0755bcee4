"""`qa serve`: the HTTP service on one address."""

import ipaddress
import socket
import sys
from typing import Annotated

import typer

from qa.cli.options import IndexOption, today
from qa.errors import InvalidRequest

BACKLOG = 2048
"""Connections that may wait to be accepted, as uvicorn's own default."""


def register(app: typer.Typer) -> None:
    app.command("serve", epilog="Example: qa serve --port 8080")(serve)


def serve(
    host: Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", help="Port to listen on; 0 takes a free one.")
    ] = None,
    index: IndexOption = None,
) -> None:
    """Serves the live generation over HTTP until it is stopped; prints the address once questions can be asked."""
    import uvicorn

    from qa.api.app import create_app
    from qa.encoder_store import EncoderStore
    from qa.engine import Engine
    from qa.settings import load_settings

    settings = load_settings(host=host, port=port, index=index)
    listener = _listen(settings.host, settings.port)
    address = listener.getsockname()
    engine = Engine(settings, EncoderStore(settings.index, settings.model, settings.encoder_threads), today)
    readiness = engine.readiness()
    if readiness.reason:
        print(f"qa: {readiness.reason}", file=sys.stderr)
    if "staff" in settings.serve_audiences and not _is_loopback(address[0]):
        print(
            "qa: staff documents can be asked from other machines; QA_SERVE_AUDIENCES='[\"patient\"]' forbids it.",
            file=sys.stderr,
        )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            shown = f"[{address[0]}]" if ":" in address[0] else address[0]
            print(f"Clinic QA answers on http://{shown}:{address[1]}", flush=True)

    # No access log: a URL is the one part of a request that could hold a question typed into it.
    config = uvicorn.Config(create_app(engine, settings), log_level="warning", access_log=False, server_header=False)
    Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises InvalidRequest when the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
