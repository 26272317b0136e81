"""A real Prometheus that holds the histories of every case."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Traffic, and a server that stands before Prometheus, are those of the tests of faults.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from cases import CASES, Grouped, grouped, quarter
from histories import write_blocks
from scenario import Case

from exporter.demo.servers import PrometheusServer


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
