"""The HTTP server around the application."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import ssl
from collections.abc import Iterator
from typing import cast

import structlog
import uvicorn
from starlette.applications import Starlette

from exporter.errors import ConfigurationError
from exporter.web.server.guard import Guard
from exporter.web.server.protocol import BoundedProtocol
from exporter.web.server.reloading_config import ReloadingConfig
from exporter.web.server.settings import Limits

BACKLOG = 256
GRACE_SECONDS = 2
"""How long answers may take that are under way when the server is to stop."""

ACCEPT_PAUSE = 0.1
"""Seconds to wait when no connection can be accepted."""

CALM = 60.0
"""Seconds without a client turned away after which it is told of anew."""

DEFAULT_LIMITS = Limits()


class ListenError(ConfigurationError):
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
            return socket.create_server((host, port), family=family, backlog=BACKLOG)
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
            )
        return socket.create_server(("", port), backlog=BACKLOG)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {error}") from error


class Server(uvicorn.Server):
    """Serves until `should_exit` is set; signals are the command line's business.

    Connections are accepted here rather than by asyncio, so that they are counted before their
    TLS handshake, and each is secured with what the web configuration says by then.
    """

    def __init__(
        self, app: Starlette, watched: ReloadingConfig, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._watched = watched
        self._limits = limits
        self._log = structlog.get_logger()
        self._accepting: list[asyncio.Task[None]] = []
        self._arriving: dict[BoundedProtocol, asyncio.Task[None]] = {}
        self._shortage_at = -math.inf
        super().__init__(
            uvicorn.Config(
                Guard(app, lambda: watched.settings, limits),
                log_config=None,
                log_level="error",  # its warnings are about clients, who could fill the log
                access_log=False,
                lifespan="off",
                ws="none",
                http="h11",
                server_header=False,
                h11_max_incomplete_event_size=limits.head_bytes,
                timeout_keep_alive=limits.idle,
                timeout_graceful_shutdown=GRACE_SECONDS + 1,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would end the process by them, with their exit code."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        self.servers = []
        for listener in sockets or ():
            listener.setblocking(False)
            self._accepting.append(asyncio.create_task(self._accept(listener)))
        self.started = True

    async def on_tick(self, counter: int) -> bool:
        """Look after files and connections; uvicorn calls this ten times a second."""
        for task in self._accepting:
            if task.done():
                task.result()
        if counter % 10 == 0:
            self._watched.look()
            now = asyncio.get_running_loop().time()
            for connection in self.connections - self._arriving.keys():
                if connection.overdue(now):
                    connection.cut()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nobody any more, let answers that are under way end, for a moment, and be gone."""
        tasks = [*self._accepting, *self._arriving.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Whoever does not read by then is left; uvicorn would call that an error, with traceback.
        late = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._cut_all)
        await super().shutdown(sockets)
        late.cancel()
        self._cut_all()
        await asyncio.sleep(0)

    def _cut_all(self) -> None:
        for connection in self.connections:
            connection.cut()

    @property
    def connections(self) -> set[BoundedProtocol]:
        """All connections, those whose TLS handshake is under way included."""
        return cast(set[BoundedProtocol], self.server_state.connections) | self._arriving.keys()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listener)
            except OSError as error:  # as a rule there is no file descriptor left
                self._tell_shortage(str(error))
                self._make_room()
                await asyncio.sleep(ACCEPT_PAUSE)
                continue
            if len(self.connections) >= self._limits.connections and not self._make_room():
                self._tell_shortage("as many connections as are allowed are being answered")
                accepted.close()
                await asyncio.sleep(0)
                continue
            settings, context = self._watched.settings, self._watched.context
            connection = BoundedProtocol(self.config, self.server_state, self._limits, settings)
            self._arriving[connection] = asyncio.create_task(
                self._greet(accepted, connection, context)
            )
            await asyncio.sleep(0)  # a full backlog would keep everything else from its turn

    async def _greet(
        self, accepted: socket.socket, connection: BoundedProtocol, context: ssl.SSLContext | None
    ) -> None:
        """Secure a connection, and serve it from then on."""
        seconds = self._limits.handshake if context else None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=context,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=seconds,
            )
        except OSError as error:
            self._log.debug("TLS handshake failed", error=str(error))
        finally:
            self._arriving.pop(connection, None)

    def _make_room(self) -> bool:
        """End the connection whose client has been waited for the longest, if there is any."""
        waited_for = [one for one in self.connections if one.waits_for_client]
        if not waited_for:
            return False
        longest = min(waited_for, key=lambda one: one.since)
        greeting = self._arriving.pop(longest, None)
        if greeting:
            greeting.cancel()
        longest.cut()
        return True

    def _tell_shortage(self, reason: str) -> None:
        """Log that clients are turned away, once until all has been calm for a while."""
        now = asyncio.get_running_loop().time()
        if now - self._shortage_at > CALM:
            self._log.warning("connections are turned away", reason=reason)
        self._shortage_at = now
