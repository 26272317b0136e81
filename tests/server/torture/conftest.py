"""Real servers that hold the torture set, written to them as scrapes would have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.servers import find_binary
from tests.helpers.integration.scenario import Case
from tests.helpers.torture.receivers import PrometheusReceiver, Receiver, VictoriaMetrics
from tests.helpers.torture.torture_cases import TORTURE


@pytest.fixture(scope="session")
def torture() -> dict[str, Case]:
    """Every case of the torture set, by name."""
    return {name: make() for name, make in TORTURE.items()}


@pytest.fixture(scope="session", params=["prometheus", "victoria-metrics"])
def receiver(
    request: pytest.FixtureRequest, prometheus_binary: Path, torture: dict[str, Case]
) -> Iterator[Receiver]:
    """A server that holds the torture set; VictoriaMetrics where its variable names it."""
    server: PrometheusReceiver | VictoriaMetrics
    if request.param == "prometheus":
        server = PrometheusReceiver(prometheus_binary)
    elif os.environ.get("VICTORIA_METRICS"):
        server = VictoriaMetrics(find_binary("victoria-metrics", "VICTORIA_METRICS"))
    else:
        pytest.skip("VICTORIA_METRICS names no VictoriaMetrics; the exporter needs none")
    with server:
        server.store(case.history for case in torture.values())
        yield server
