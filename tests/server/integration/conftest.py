"""A real Prometheus that holds the histories of every case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.servers import PrometheusServer
from tests.helpers.integration.cases import CASES, Grouped, grouped, quarter
from tests.helpers.integration.histories import write_blocks
from tests.helpers.integration.scenario import Case


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    """Every case with a single group, by name."""
    return {name: make() for name, make in CASES.items()}


@pytest.fixture(scope="session")
def tenants() -> Grouped:
    """The case with a group for each of its tenants."""
    return grouped()


@pytest.fixture(scope="session")
def long_case() -> Case:
    """The case whose scrape interval and period are far longer than those of the others."""
    return quarter()


@pytest.fixture(scope="session")
def past(
    prometheus_binary: Path,
    cases: dict[str, Case],
    tenants: Grouped,
    long_case: Case,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PrometheusServer]:
    """A Prometheus that holds the histories, scrapes nothing and is never stopped."""
    folder = tmp_path_factory.mktemp("past")
    histories = [*(case.history for case in cases.values()), tenants.history, long_case.history]
    write_blocks(histories, folder, folder / "data")
    with PrometheusServer(binary=prometheus_binary, data_dir=folder / "data") as server:
        yield server
