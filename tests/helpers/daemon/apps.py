"""Applications of the test's own, and something that answers them as Prometheus would."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

from exporter.collection.settings import EvaluationSettings
from exporter.config.settings import Settings
from exporter.daemon.options import Options
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.types import DAY
from exporter.web.server.admin import AdminAccess
from tests.helpers.samples import slo

ANYWHERE = Options(listen_address="127.0.0.1:0", admin=AdminAccess(enabled=True))


class Answers(BaseHTTPRequestHandler):
    """Answers every range query with one event a second, as bad as it is good."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # heading and body in one segment: a second one would wait 40 ms

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: found[0] for name, found in parse_qs(text).items()}
        step = int(form.get("step", 0))
        times = range(int(form["start"]), int(form["end"]) + 1, step) if step else ()
        result = [
            {"metric": {"slo_query_part": part}, "values": [[at, str(step)] for at in times]}
            for part in re.findall(r'"slo_query_part", "(\d+)"', form["query"])
        ]
        body = json.dumps({"status": "success", "data": {"result": result}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


def settings(url: str, interval: int = 1, **of: object) -> Settings:
    """One SLO, evaluated every so many seconds.

    Where there is history, six hours of it are replayed slot by slot: an interval of a second takes
    ten seconds of CPU.
    """
    return Settings(
        slos=(slo(period=DAY, **of),),
        datasources={"prometheus": PrometheusSettings(url=url, timeout=5)},
        evaluation=EvaluationSettings(interval=interval, delay=0.1),
    )


async def until(ask: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what must come."""
    async with asyncio.timeout(60):
        while not await ask():  # noqa: ASYNC110 - what is waited for is behind HTTP
            await asyncio.sleep(0.02)


def evaluations() -> int:
    """How many loops are at work."""
    return sum(task.get_name() == "evaluation" for task in asyncio.all_tasks())
