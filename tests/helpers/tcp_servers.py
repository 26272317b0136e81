"""Small servers on real sockets that stand beside Prometheus: query APIs, token givers, proxies."""

from __future__ import annotations

import base64
import http.client
import json
import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

Headers = Mapping[str, str]

EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}


class _Server:
    """A server in a thread of its own, on a free port of 127.0.0.1, as a context manager."""

    def __init__(self, server: socketserver.TCPServer, tls: ssl.SSLContext | None = None) -> None:
        self._server = server
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        self._scheme = "http" if tls is None else "https"
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.port: int = server.server_address[1]

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class QuietServer(ThreadingHTTPServer):
    """A client that hangs up is none of the test's business.

    Nor may a thread print a traceback: Python 3.11 parses source for it, and cannot do so in two
    threads. A test that fails at that moment would end the whole run by a SystemError.
    """

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class HttpServer(_Server):
    """Answers every POST as `answer` says, and keeps what came: (path, headers, form)."""

    def __init__(
        self,
        answer: Callable[[str, Headers, dict[str, str]], Answer],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[tuple[str, Headers, dict[str, str]]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # heading and body in one segment: a second one would wait 40 ms

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                form = {key: values[0] for key, values in parse_qs(body).items()}
                asked.append((self.path, dict(self.headers), form))
                status, headers, content = answer(*asked[-1])
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(QuietServer(("127.0.0.1", 0), Handler), tls)


class MetricsServer(_Server):
    """Shows what `page` gives to whoever scrapes it; None fails the scrape."""

    def __init__(self, page: Callable[[], str | None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = page()
                if text is None:
                    self.send_error(503)
                    return
                body = text.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(QuietServer(("127.0.0.1", 0), Handler))


class EndlessServer(_Server):
    """Answers every GET with JSON that begins well and does not end; `sent` counts its bytes."""

    def __init__(self) -> None:
        self.sent = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b'{"status": "success", "data": {"words": "')
                for _ in range(200):  # 200 MB: who takes all of it, has no bound
                    self.wfile.write(b"x" * 1_048_576)
                    server.sent += 1_048_576

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(QuietServer(("127.0.0.1", 0), Handler))


def answered(_path: str, _headers: Headers, _form: dict[str, str]) -> Answer:
    """What a Prometheus without any data answers."""
    return 200, {"Content-Type": "application/json"}, json.dumps(EMPTY).encode()


class Tokens:
    """Gives tokens `token-1`, `token-2`, ... to a client, by the client credentials grant.

    `ways` are how it takes the client's secret: in a `header`, in the `form`, or both.
    """

    def __init__(
        self,
        client: tuple[str, str],
        ways: tuple[str, ...] = ("header", "form"),
        tls: ssl.SSLContext | None = None,
        **more: object,
    ) -> None:
        self.client = client
        self.given = 0
        self._ways = ways
        self._more = {"token_type": "bearer", "expires_in": 3600} | more
        self._lock = threading.Lock()
        self.server = HttpServer(self._answer, tls)

    def valid(self, headers: Headers) -> bool:
        """Whether a query carries the newest token."""
        return headers.get("Authorization") == f"Bearer token-{self.given}"

    def _answer(self, _path: str, headers: Headers, form: dict[str, str]) -> Answer:
        pair = base64.b64encode(":".join(self.client).encode()).decode()
        in_header = headers.get("Authorization") == f"Basic {pair}"
        in_form = (form.get("client_id"), form.get("client_secret")) == self.client
        known = ("header" in self._ways and in_header) or ("form" in self._ways and in_form)
        if not known or form.get("grant_type") != "client_credentials":
            return 401, {}, b'{"error": "invalid_client", "error_description": "who are you?"}'
        with self._lock:
            self.given += 1
            answer = {"access_token": f"token-{self.given}"} | self._more
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


class Proxy(_Server):
    """An HTTP proxy, for `http` by forwarding and for `https` by CONNECT.

    With `user` it wants that user and password; what it was asked for is kept as lines such as
    `CONNECT prometheus.test:9090`. Names ending in `.test` lead to 127.0.0.1.
    """

    def __init__(self, user: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        proxy = self
        wanted = user and "Basic " + base64.b64encode(user.encode()).decode()

        class Handler(socketserver.StreamRequestHandler):
            timeout = 10

            def handle(self) -> None:
                method, target, _ = self.rfile.readline().decode().split(" ", 2)
                headers = http.client.parse_headers(self.rfile)
                proxy.asked.append(f"{method} {target}")
                if wanted and headers.get("Proxy-Authorization") != wanted:
                    self.wfile.write(
                        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
                    )
                    return
                parts = urlsplit(target if "://" in target else f"//{target}")
                host = "127.0.0.1" if str(parts.hostname).endswith(".test") else parts.hostname
                with socket.create_connection((host, parts.port), timeout=10) as behind:
                    if method == "CONNECT":
                        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                    else:
                        lines = [f"{method} {parts.path} HTTP/1.1", "Connection: close"]
                        lines += [
                            f"{name}: {value}"
                            for name, value in headers.items()
                            if name.lower() not in ("connection", "proxy-authorization")
                        ]
                        body = self.rfile.read(int(headers.get("Content-Length", 0)))
                        behind.sendall("\r\n".join([*lines, "", ""]).encode() + body)
                    self._relay(behind)

            def _relay(self, behind: socket.socket) -> None:
                other = {self.connection: behind, behind: self.connection}
                while True:
                    for readable in select.select(list(other), [], [], 10)[0] or [None]:
                        piece = readable.recv(65536) if readable else b""
                        if not piece:
                            return
                        other[readable].sendall(piece)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that hangs up is none of the test's business."""

        super().__init__(Server(("127.0.0.1", 0), Handler), tls)
