"""What every test needs: real servers, or a clear message where their programs are missing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest
import structlog

from exporter.demo.servers import PrometheusServer, find_prometheus, find_promtool
from exporter.store.settings import Place, PostgresSettings
from tests.helpers.postgres import PostgresServer

# How long an example takes says nothing while other tests take the processor.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

SERVER_TESTS = Path(__file__).parent / "server"
NEEDING_PROGRAMS = {"prometheus_binary", "promtool", "postgres_server"}
NUMBERS = count(1)
"""Of databases."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run other programs, by their folder or by what they ask for."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if SERVER_TESTS in item.path.parents or NEEDING_PROGRAMS.intersection(fixtures):
            item.add_marker(pytest.mark.server)


@pytest.fixture(autouse=True)
def default_logging() -> Iterator[None]:
    """Undo what tests of the command line set up for the whole process."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def prometheus_binary() -> Path:
    """The Prometheus to test against; without one the tests that need it fail, never skip."""
    return find_prometheus()


@pytest.fixture(scope="session")
def promtool() -> Path:
    """The promtool to test with."""
    return find_promtool()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL in which tests make databases of their own; nobody stops it."""
    with PostgresServer() as server:
        yield server


ON_BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.server)]
"""Parameters of tests of the store: the same on either database."""


@pytest.fixture(params=ON_BOTH)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where an empty store is: in a folder, and in PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path / "ledger"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return PostgresSettings(server.create(f"test_{next(NUMBERS)}"))


@pytest.fixture
def prometheus(prometheus_binary: Path) -> Iterator[PrometheusServer]:
    """An empty Prometheus of the test's own, that scrapes nothing."""
    with PrometheusServer(binary=prometheus_binary) as server:
        yield server
