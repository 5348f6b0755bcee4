"""`qa serve`: the HTTP service on one address."""

import ipaddress
import sys
from typing import Annotated

import typer

from qa.cli.options import IndexOption


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
    from qa.api.listener import listen
    from qa.settings import load_settings

    settings = load_settings(host=host, port=port, workers=workers, index=index)
    listener = listen(settings.host, settings.port)
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


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback
