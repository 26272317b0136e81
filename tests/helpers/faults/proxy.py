"""A server between the exporter and Prometheus that can be told to answer as a fault has it."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LINGER_NOT = struct.pack("ii", 1, 0)
"""With this for SO_LINGER, closing a connection resets it."""


@dataclass(frozen=True)
class Seen:
    """A request that arrived: when, in seconds of the monotonic clock, and who it says it is."""

    at: float
    authorization: str | None


@dataclass(frozen=True)
class Answer:
    """What Prometheus answered."""

    status: int
    body: bytes


class Exchange(BaseHTTPRequestHandler):
    """One connection; a fault answers its requests by the methods here."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        """Begin with a handshake where the server speaks TLS."""
        if self.server.proxy.tls is not None:
            self.request.settimeout(5)
            self.request = self.server.proxy.tls.wrap_socket(self.request, server_side=True)
            self.request.settimeout(None)
        super().setup()

    def finish(self) -> None:
        """End the connection; the server itself knows of none but that below TLS."""
        super().finish()
        self.request.close()

    def do_POST(self) -> None:
        """Note the request, and answer it as the fault of the moment does."""
        proxy = self.server.proxy
        self.form = self.rfile.read(int(self.headers["Content-Length"]))
        proxy.seen.append(Seen(time.monotonic(), self.headers["Authorization"]))
        try:
            proxy.answers(self)
        except OSError:  # the exporter has had enough of it
            self.close_connection = True

    def prometheus(self) -> Answer:
        """What Prometheus has to say."""
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.proxy.upstream, timeout=30)
        try:
            upstream.request(
                self.command, self.path, self.form, {"Content-Type": self.headers["Content-Type"]}
            )
            answer = upstream.getresponse()
            return Answer(answer.status, answer.read())
        finally:
            upstream.close()

    def head(self, status: int, length: int, headers: Mapping[str, str] | None = None) -> None:
        """Send the head of an answer whose body will have so many bytes."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer."""
        self.head(status, len(body), headers)
        self.wfile.write(body)

    def end(self) -> None:
        """End the connection in order, whatever was promised."""
        self.close_connection = True

    def reset(self) -> None:
        """End the connection by a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.rfile.close()
        self.connection.close()

    def wait(self, seconds: float) -> bool:
        """Do nothing for a time; whether the fault goes on and the exporter is still there."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.server.proxy.over.wait(0.05):
                return False
            if select.select([self.connection], [], [], 0)[0]:
                return False
        return True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, proxy: FaultyProxy, port: int) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", port), Exchange)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: handshakes and connections fail here on purpose."""


def pass_on(exchange: Exchange) -> None:
    """Answer as Prometheus does."""
    answer = exchange.prometheus()
    keeps = exchange.server.proxy.keeps_connections
    exchange.send(answer.status, answer.body, {} if keeps else {"Connection": "close"})


class FaultyProxy:
    """Passes queries on to the Prometheus that listens on the port `upstream`.

    `answers` may be set to what a fault does instead, `tls` to a context with another
    certificate. `seen` holds every request. `elsewhere` is the address of another server. Where
    it does not keep connections, a fault meets new ones only.
    """

    def __init__(
        self, upstream: int, tls: ssl.SSLContext | None = None, elsewhere: str = ""
    ) -> None:
        self.upstream = upstream
        self.elsewhere = elsewhere
        self.tls = tls
        self.answers: Callable[[Exchange], None] = pass_on
        self.seen: list[Seen] = []
        self.keeps_connections = True
        self.over = threading.Event()
        self.port = 0
        self._placeholder: socket.socket | None = None
        self.listen()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def listen(self) -> None:
        """Accept connections, on the same port every time."""
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
        self._server = _Server(self, self.port)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def refuse(self) -> None:
        """Accept no more connections; nobody else gets the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._placeholder = socket.socket()
        self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._placeholder.bind(("127.0.0.1", self.port))

    def close(self) -> None:
        """End everything."""
        self.over.set()
        if self._placeholder is None:
            self.refuse()
        if self._placeholder is not None:
            self._placeholder.close()
