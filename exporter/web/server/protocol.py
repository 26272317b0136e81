"""HTTP/1.1 on one connection, with an end to a client's patience-testing."""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from exporter.web.server.guard import CLOSE, HEADERS
from exporter.web.server.settings import Limits, WebSettings
from exporter.web.server.tls import has_allowed_san


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol, which itself only bounds the rest between two requests.

    `since` is when the head of the newest request was complete, at first when the connection was
    made; loop time, seconds.
    """

    def __init__(
        self, config: Config, state: ServerState, limits: Limits, settings: WebSettings
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
        """Refuse what is no HTTP, and heads that are too long; h11's error is being handled."""
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
