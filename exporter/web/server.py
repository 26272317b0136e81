"""The HTTP server around the application."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

MAX_CONNECTIONS = 256
GRACE_SECONDS = 2


class ListenError(Exception):
    """The address cannot be listened on."""


def parse_listen_address(text: str) -> tuple[str, int]:
    """Read `host:port`, `:port` (all interfaces) or `[ipv6]:port`.

    Raises:
        ValueError: the text is none of these.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{text!r} is no listen address: write host:port or :port, as in :9098")
    inner = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "[" in inner or "]" in inner or (":" in inner) != (inner != host):
        raise ValueError(f"{text!r} is no listen address: write IPv6 in brackets, as in [::1]:9098")
    return inner, int(port)


def listen(address: str) -> socket.socket:
    """Open the listening socket; port 0 takes a free one.

    Raises:
        ListenError: the port is taken, or the host is not this machine's.
        ValueError: the address cannot be read.
    """
    host, port = parse_listen_address(address)
    try:
        if host:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, port), family=family, backlog=MAX_CONNECTIONS)
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=MAX_CONNECTIONS
            )
        return socket.create_server(("", port), backlog=MAX_CONNECTIONS)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error}") from error


class Server(uvicorn.Server):
    """Serves until `should_exit` is set; signals are the command line's business."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would end the process by them, with their exit code."""
        yield
