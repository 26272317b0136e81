"""A webhook receiver: what Alertmanager sends, and when it came."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.helpers.tcp_servers import QuietServer


class Inbox:
    """The notifications so far; each with `receiver`, `status`, `alerts` and when it came, `at`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notifications: list[dict] = []

    def put(self, notification: dict) -> None:
        """Keep one, with the time."""
        with self._lock:
            self._notifications.append({**notification, "at": time.time()})

    def of(self, receiver: str, status: str = "") -> list[dict]:
        """Those to a receiver, of one status or of any."""
        with self._lock:
            return [
                notification
                for notification in self._notifications
                if notification["receiver"] == receiver and status in ("", notification["status"])
            ]


@contextmanager
def receiving(port: int) -> Iterator[Inbox]:
    """Listen on 127.0.0.1 while the context lasts."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            inbox.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the inbox tells."""

    server = QuietServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,))
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
