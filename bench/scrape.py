"""How long a scrape takes: inside the application, and for a client over HTTP."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import MutableMapping
from statistics import median
from typing import Any

from starlette.applications import Starlette

from exporter.web.server.listening import listen
from exporter.web.server.reloading_config import ReloadingConfig
from exporter.web.server.server import Server
from exporter.web.server.settings import WebSettings

SCRAPES = 50

ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
ACCEPT_ENCODING = "gzip"
"""As Prometheus scrapes."""


async def scrape_server_side(app: Starlette) -> float:
    """The median seconds that the application needs to answer, HTTP and network left out."""
    headers = [(b"accept", ACCEPT.encode()), (b"accept-encoding", ACCEPT_ENCODING.encode())]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/metrics",
        "raw_path": b"/metrics",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
    }

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        assert message.get("status", 200) == 200

    seconds = []
    for _ in range(SCRAPES):
        started = time.perf_counter()
        await app(dict(scope), receive, send)
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def scrape_over_http(app: Starlette) -> float:
    """The median seconds from request to the last byte of the answer, on this machine."""
    with listen("127.0.0.1:0") as listening:
        server = Server(app, ReloadingConfig(WebSettings))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        connection = http.client.HTTPConnection(*listening.getsockname())
        try:
            return median(_scrape(connection) for _ in range(SCRAPES))
        finally:
            connection.close()
            server.should_exit = True
            thread.join()


def _scrape(connection: http.client.HTTPConnection) -> float:
    started = time.perf_counter()
    connection.request(
        "GET", "/metrics", headers={"Accept": ACCEPT, "Accept-Encoding": ACCEPT_ENCODING}
    )
    answer = connection.getresponse()
    answer.read()
    assert answer.status == http.client.OK
    return time.perf_counter() - started
