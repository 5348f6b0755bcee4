"""The socket that a server listens on, opened before anything heavy is loaded: a taken address is known at once."""

import socket

from qa.errors import InvalidRequest

BACKLOG = 2048
"""Connections that may wait to be accepted, as uvicorn's own default."""
UNREAD_SECONDS = 20
"""A client that takes nothing of what is sent to it for so long, loses the connection, where the system can do that."""


def listen(host: str, port: int, unread_seconds: int = UNREAD_SECONDS) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises InvalidRequest when the address cannot be had."""
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
