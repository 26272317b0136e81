"""A real server that holds the series of every field case."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.servers import find_binary
from tests.field.cases import CASES
from tests.field.counted import NOW, store
from tests.helpers.torture.receivers import PrometheusReceiver, Receiver, VictoriaMetrics


@pytest.fixture(scope="session", params=["prometheus", "victoria-metrics"])
def field_server(request: pytest.FixtureRequest, prometheus_binary: Path) -> Iterator[Receiver]:
    """A server with all cases; VictoriaMetrics where its variable names it."""
    server: PrometheusReceiver | VictoriaMetrics
    if request.param == "prometheus":
        flags = ["--enable-feature=native-histograms"]
        server = PrometheusReceiver(prometheus_binary, flags)
    elif os.environ.get("VICTORIA_METRICS"):
        server = VictoriaMetrics(find_binary("victoria-metrics", "VICTORIA_METRICS"))
    else:
        pytest.skip("VICTORIA_METRICS names no VictoriaMetrics; the exporter needs none")
    with server:
        for case in CASES.values():
            store(server, case.series(NOW))
        yield server
