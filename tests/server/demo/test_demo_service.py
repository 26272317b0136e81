"""The demo's service on its own: a process that serves counters, and ends when told to."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, http_get


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Child]:
    """The service with an incident of checkout from its first second."""
    port = free_port()
    command = [sys.executable, "-m", "exporter.demo.service", f"--port={port}"]
    child = Child("shop", [*command, "--incident-after=0"], port, tmp_path / "shop.log")
    try:
        child.start()
        child.wait_ready("/metrics")
        yield child
    finally:
        child.stop()


def requests(shop: Child, service: str) -> dict[str, float]:
    """What a service has counted, by code and summed over its regions."""
    _, body = http_get(shop.port, "/metrics")
    counted: dict[str, float] = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            if sample.name == "http_requests_total" and sample.labels["service"] == service:
                code = sample.labels["code"]
                counted[code] = counted.get(code, 0) + sample.value
    return counted


def test_it_counts_from_its_start(shop):
    """No past comes with it: a few seconds of requests, more of them at the next scrape."""
    before = requests(shop, "auth")
    assert before["200"] < 100_000  # thirty days would be 130 million
    time.sleep(1)
    assert requests(shop, "auth")["200"] > before["200"]


def test_it_has_an_incident_when_it_is_told(shop):
    """Checkout fails altogether, the others do not."""
    time.sleep(1)
    assert requests(shop, "checkout")["200"] == 0
    assert requests(shop, "checkout")["503"] > 0
    assert requests(shop, "search")["200"] > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_on_a_signal(shop, number):
    """As a container it is the first process, which signals do not end by themselves."""
    assert shop.process is not None
    shop.process.send_signal(number)
    assert shop.process.wait(timeout=10) == 0
