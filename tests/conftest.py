"""What every test needs: real servers, or a clear message where their programs are missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.servers import PrometheusServer, find_prometheus, find_promtool


@pytest.fixture(scope="session")
def prometheus_binary() -> Path:
    """The Prometheus to test against; without one the tests that need it fail, never skip."""
    return find_prometheus()


@pytest.fixture(scope="session")
def promtool() -> Path:
    """The promtool to test with."""
    return find_promtool()


@pytest.fixture
def prometheus(prometheus_binary: Path) -> Iterator[PrometheusServer]:
    """An empty Prometheus of the test's own, that scrapes nothing."""
    with PrometheusServer(binary=prometheus_binary) as server:
        yield server
