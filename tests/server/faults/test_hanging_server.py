"""A Prometheus that hangs: it accepts connections, reads requests, and never answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.app import App
from exporter.prometheus.settings import PrometheusSettings
from tests.helpers.daemon.apps import ANYWHERE, Answers, settings, until
from tests.helpers.tcp_servers import QuietServer

LONG = 600.0
"""Seconds until a query is given up: longer than any test."""


class Hanging(QuietServer):
    """Answers only while `well` is set."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.well = threading.Event()
        self.well.set()
        super().__init__(("127.0.0.1", 0), _Answers)


class _Answers(Answers):
    def parse_request(self) -> bool:
        self.server.well.wait()
        return super().parse_request()


@pytest.fixture
def server() -> Iterator[Hanging]:
    with Hanging() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.well.set()
        server.shutdown()
        thread.join()


def test_a_server_that_hangs_is_down_within_two_intervals(server):
    """In the metric, the status and the log; when it answers again, all of it is over."""
    url = f"http://127.0.0.1:{server.server_port}"
    made = replace(
        settings(url),
        datasources={"prometheus": PrometheusSettings(url=url, timeout=LONG)},
        evaluation=EvaluationSettings(interval=2, delay=0.1),
    )

    async def run() -> None:
        app = App(made, ANYWHERE)
        port = await app.start()
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base, trust_env=False) as client:

            async def shows(value: float) -> bool:
                page = (await client.get("/metrics")).text
                name = 'error_budget_exporter_datasource_up{datasource="prometheus"}'
                return f"{name} {value}" in page

            async def evaluated_without() -> bool:
                page = (await client.get("/metrics")).text
                return "error_budget_exporter_evaluation_failures_total 0" not in page

            try:
                await until(lambda: shows(1.0))
                server.well.clear()
                await until(lambda: shows(0.0))
                await until(evaluated_without)
                status = (await client.get("/api/v1/status")).json()["data"]
                [datasource] = status["datasources"].values()
                assert "did not answer within" in str(datasource)
                server.well.set()
                await until(lambda: shows(1.0))
            finally:
                server.well.set()
                await asyncio.wait_for(app.stop(), timeout=10)

    with capture_logs() as logs:
        asyncio.run(run())
    told = [line for line in logs if line.get("asking") == "newest slots"]
    assert told[0]["event"] == "Prometheus does not answer"
    assert "did not answer within 2 s" in told[0]["error"]
    assert {line["event"] for line in told[1:]} <= {"Prometheus answers again"}
