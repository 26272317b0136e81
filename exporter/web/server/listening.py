"""The socket that the server listens on."""

from __future__ import annotations

import socket

from exporter.errors import ConfigurationError

BACKLOG = 256


class ListenError(ConfigurationError):
    """The address cannot be listened on."""


def parse_listen_address(text: str) -> tuple[str, int]:
    """Read `host:port`, `:port` (all interfaces) or `[ipv6]:port`.

    Raises:
        ValueError: the text is none of these.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{text!r} is not a listen address: write host:port or :port, as in :9098")
    inner = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "[" in inner or "]" in inner or (":" in inner) != (inner != host):
        raise ValueError(
            f"{text!r} is not a listen address: write IPv6 in brackets, as in [::1]:9098"
        )
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
            return socket.create_server((host, port), family=family, backlog=BACKLOG)
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
            )
        return socket.create_server(("", port), backlog=BACKLOG)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error}") from error
