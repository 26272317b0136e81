"""The HTTP server around the application: all that overrides uvicorn is in this file.

uvicorn has no public interface for what is done here, so its version is bounded to a minor one in
pyproject.toml. What is relied on:

- of `H11Protocol`: `cycle`, `conn`, `flow`, `transport`, `connections`, and that `handle_events`
  starts a new cycle for each request, and `send_400_response` answers what is not HTTP;
- of `Server`: that `serve` calls `startup`, `on_tick` ten times a second, and `shutdown`, within
  `capture_signals`, and keeps its connections in `server_state`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import ssl
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import cast

import h11
import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from exporter.web.server.admin import AUTHENTICATED_ONLY, AdminAccess
from exporter.web.server.guard import CLOSE, HEADERS, Guard
from exporter.web.server.reloading_config import ReloadingConfig
from exporter.web.server.settings import Limits, WebSettings
from exporter.web.server.tls import has_allowed_san

GRACE_SECONDS = 2
"""How long answers may take that are under way when the server is to stop."""

ACCEPT_PAUSE = 0.1
"""Seconds to wait when no connection can be accepted."""

CALM = 60.0
"""Seconds without a client turned away after which it is reported again."""

DEFAULT_LIMITS = Limits()


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol, which itself only bounds the rest between two requests.

    `since` is when the head of the newest request was complete, at first when the connection was
    made; loop time, seconds.
    """

    def __init__(
        self, config: uvicorn.Config, state: ServerState, limits: Limits, settings: WebSettings
    ) -> None:
        super().__init__(config, state, {}, asyncio.get_running_loop())
        self._limits = limits
        self._settings = settings
        self.since = self.loop.time()
        self._head_since: float | None = None

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def waits_for_client(self) -> bool:
        """Whether the next step is the client's: to ask, to send a body, to take an answer."""
        return not self._answering or self.cycle.more_body or self.flow.write_paused

    def overdue(self, now: float) -> bool:
        """Whether the time for what is going on is up; `now` is loop time."""
        if self._head_since is not None:
            return now - self._head_since > self._limits.head
        if self._answering or self.transport.get_write_buffer_size():
            return now - self.since > self._limits.answer
        return False  # at rest: uvicorn ends it after Limits.idle

    def cut(self) -> None:
        """End the connection at once; what was not taken is dropped."""
        self.connections.discard(self)
        if self.transport is not None:  # it is while TLS is being set up
            self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to serve, unless the client's certificate names nobody who is let in."""
        super().connection_made(transport)
        self._head_since = self.loop.time()
        tls = self._settings.tls
        allowed = tls.client_allowed_sans if tls else ()
        secured = transport.get_extra_info("ssl_object")
        if allowed and not has_allowed_san(secured.getpeercert(), allowed):
            self.cut()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived; the first byte of a request starts its time."""
        if self._head_since is None and not self._answering:
            self._head_since = self.loop.time()
        super().data_received(data)

    def handle_events(self) -> None:
        """Go on with what has arrived, noting when a request is there."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self.since, self._head_since = self.loop.time(), None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, and heads that are too long; h11's error is being handled."""
        if self.cycle is not None:
            self.cycle.disconnected = True  # whoever is answering need not go on
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            status = HTTPStatus(getattr(sys.exception(), "error_status_hint", 400))
            text = msg if status is HTTPStatus.BAD_REQUEST else status.phrase
            body = f"{text}\n".encode()
            headers = HEADERS | dict(self._settings.headers) | CLOSE
            headers |= {
                "Content-Type": "text/plain; charset=utf-8",
                "Content-Length": str(len(body)),
            }
            for event in (
                h11.Response(
                    status_code=status, headers=list(headers.items()), reason=status.phrase.encode()
                ),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Server(uvicorn.Server):
    """Serves until `should_exit` is set; signals are the command line's business.

    Connections are accepted here rather than by asyncio, so that they are counted before their
    TLS handshake, and each is secured with what the web configuration says by then.
    """

    def __init__(
        self,
        app: ASGIApp,
        reloading: ReloadingConfig,
        limits: Limits = DEFAULT_LIMITS,
        admin: AdminAccess = AUTHENTICATED_ONLY,
    ) -> None:
        self._reloading = reloading
        self._limits = limits
        self._log = structlog.get_logger()
        self._accepting: list[asyncio.Task[None]] = []
        self._arriving: dict[BoundedProtocol, asyncio.Task[None]] = {}
        self._shortage_at = -math.inf
        super().__init__(
            uvicorn.Config(
                Guard(app, lambda: reloading.settings, limits, admin),
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
            self._reloading.look()
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
            settings, context = self._reloading.settings, self._reloading.context
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
        waited_for = [connection for connection in self.connections if connection.waits_for_client]
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
