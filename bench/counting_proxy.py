"""A proxy before Prometheus that adds `stats=all` to every query and adds up what it cost."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode
from urllib.request import urlopen


class CountingProxy:
    """Passes form-encoded queries on; `queries` and `samples` count since `reset`."""

    def __init__(self, upstream: str) -> None:
        self.queries = 0
        self.samples = 0
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # heading and body in one segment: a second one would wait 40 ms

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                body = urlencode(form | {"stats": ["all"]}, doseq=True).encode()
                with urlopen(f"{upstream}{self.path}", data=body) as answer:
                    content = answer.read()
                proxy._count(content)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _count(self, content: bytes) -> None:
        samples = json.loads(content)["data"]["stats"]["samples"]["totalQueryableSamples"]
        with self._lock:
            self.queries += 1
            self.samples += samples

    def reset(self) -> None:
        """Begin counting again from zero."""
        self.queries = self.samples = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
