"""A shop whose worker is a process of its own, behind a proxy, and a client that counts."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from exporter.demo.ports import free_port
from exporter.demo.servers import PrometheusServer
from tests.helpers.paths import ROOT

PROXY = ROOT / "deploy/experiments/proxy.py"

WORKER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""

PROMETHEUS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [targets: ["127.0.0.1:{client}"]]
"""

PAUSE = 0.02
"""Seconds between two requests of a thread, of which there are three."""

AWAY = 1.5
"""Seconds until whoever looks after the worker starts it again."""


class Worker:
    """The worker, and who looks after it: like systemd, after a moment."""

    def __init__(self, port: int, pid_file: Path) -> None:
        self._port = port
        self._pid_file = pid_file
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._look_after)
        self.starts = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _look_after(self) -> None:
        while not self._ended.is_set():
            if self._process is None or self._process.poll() is not None:
                if self.starts and self._ended.wait(AWAY):
                    return
                self._process = subprocess.Popen([sys.executable, "-c", WORKER, str(self._port)])
                self._pid_file.write_text(str(self._process.pid))
                self.starts += 1
            self._ended.wait(0.1)


class Client:
    """Asks the shop all the time, and counts what comes of it."""

    def __init__(self, port: int) -> None:
        self._port = port
        registry = CollectorRegistry()
        self._requests = Counter("shop_client_requests", "Asked.", ["code"], registry=registry)
        self._seconds = Histogram(
            "shop_client_request_duration_seconds",
            "Took.",
            buckets=(0.1, 0.25, 1.0),
            registry=registry,
        )
        for code in ("200", "none"):
            self._requests.labels(code)
        self.port = free_port()
        self._server, self._serving = start_http_server(
            self.port, addr="127.0.0.1", registry=registry
        )
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        self._ended.set()
        for each in self._threads:
            each.join()
        self._server.shutdown()
        self._server.server_close()
        self._serving.join()

    def _ask(self) -> None:
        while not self._ended.wait(PAUSE):
            began, code = time.monotonic(), "none"
            connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
            try:
                connection.request("GET", "/")
                code = str(connection.getresponse().status)
            except (OSError, HTTPException):
                pass
            finally:
                connection.close()
            self._requests.labels(code).inc()
            self._seconds.observe(time.monotonic() - began)


@dataclass(frozen=True)
class RealShop:
    """What runs; `pid_file` has the worker's pid, `control` is the proxy's port for commands."""

    prometheus: PrometheusServer
    worker: Worker
    pid_file: Path
    control: int


@contextmanager
def real_shop(folder: Path) -> Iterator[RealShop]:
    """Client, proxy, worker, and a Prometheus that scrapes the client."""
    front, back, control = free_port(), free_port(), free_port()
    pid_file = folder / "shop-worker.pid"
    with ExitStack() as stack:
        worker = Worker(back, pid_file)
        worker.start()
        stack.callback(worker.stop)
        proxy = subprocess.Popen(
            [
                sys.executable,
                str(PROXY),
                f"--listen={front}",
                f"--to={back}",
                f"--control={control}",
            ]
        )
        stack.callback(proxy.wait)
        stack.callback(proxy.terminate)
        client = Client(front)
        stack.callback(client.stop)
        prometheus = stack.enter_context(PrometheusServer(PROMETHEUS.format(client=client.port)))
        yield RealShop(prometheus, worker, pid_file, control)
