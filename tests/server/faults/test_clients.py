"""Clients that ask for too much: scrapes and the gate are answered, and evaluations go on."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, PrometheusServer, http_get

MERGED = "".join(
    f"  - &s{i}\n    name: s{i}\n    <<: [{', '.join([f'*s{i - 1}'] * 10)}]\n" for i in range(1, 30)
)
CONFIG = f"""
prometheus: {{url: "URL", scrape_interval: 1s}}
evaluation: {{interval: 1s, delay: 100ms}}
slos:
  - &s0
    {{service: shop, name: s0, objective: 99, period: 1d, sli: {{events: {{bad: b, total: t}}}}}}
{MERGED}
"""
"""Merge keys ten wide: whoever follows each of them never ends."""

COSTLY = (
    "/config",
    "/",
    "/slo/shop/s1",
    "/slo/shop/s1?objective=99.5",
    "/api/v1/slos",
    "/api/v1/reports/budget",
    "/api/v1/backtest?service=shop&slo=s2",
    "/api/v1/history?service=shop&slo=s2",
)
CLIENTS = 24
"""More than there may be documents under way."""

PATIENCE = 120
"""Seconds for all of it, on a machine that is busy with other tests as well."""


@pytest.fixture
def daemon(prometheus_binary: Path, tmp_path: Path) -> Iterator[Child]:
    with PrometheusServer(binary=prometheus_binary) as prometheus:
        config = tmp_path / "config.yaml"
        config.write_text(CONFIG.replace("URL", prometheus.url))
        port = free_port()
        command = [sys.executable, "-m", "exporter", "run", f"--config.file={config}"]
        command.append(f"--web.listen-address=127.0.0.1:{port}")
        child = Child("exporter", command, port, tmp_path / "log")
        child.start()
        try:
            child.wait_ready("/-/ready")
            yield child
        finally:
            child.stop()


def evaluations(port: int) -> float:
    status, page = http_get(port, "/metrics", timeout=PATIENCE)
    assert status == 200
    [line] = [
        line
        for line in page.decode().splitlines()
        if line.startswith("error_budget_exporter_evaluations_total ")
    ]
    return float(line.split()[1])


@pytest.mark.slow
def test_a_flood_of_questions_holds_up_neither_scrapes_nor_evaluations_nor_the_end(daemon):
    """What is too much is turned away with 503."""
    port, over = daemon.port, threading.Event()

    def flood(number: int) -> Counter[int]:
        answered: Counter[int] = Counter()
        while not over.is_set():
            status, _ = http_get(port, COSTLY[number % len(COSTLY)], timeout=PATIENCE)
            answered[status] += 1
            number += 1
        return answered

    with ThreadPoolExecutor(CLIENTS) as clients:
        flooding = [clients.submit(flood, number) for number in range(CLIENTS)]
        try:
            before = evaluations(port)
            deadline = time.monotonic() + PATIENCE
            while evaluations(port) < before + 3:
                assert time.monotonic() < deadline, "evaluations do not go on"
            assert http_get(port, "/api/v1/gate?service=shop", timeout=PATIENCE)[0] == 200
            assert b"name: s29" in http_get(port, "/config", timeout=PATIENCE)[1]
        finally:
            over.set()
        answered = sum((each.result() for each in flooding), Counter())
    assert answered[200] > 0
    assert answered.keys() <= {200, 503}
    assert daemon.process is not None
    daemon.process.terminate()
    assert daemon.process.wait(PATIENCE) == 0
