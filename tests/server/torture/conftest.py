"""Real servers that hold the torture set, written to them as scrapes would have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.integration.scenario import Case
from tests.helpers.torture.receivers import KINDS, Receiver, receiver_of
from tests.helpers.torture.torture_cases import TORTURE


@pytest.fixture(scope="session")
def torture() -> dict[str, Case]:
    """Every case of the torture set, by name."""
    return {name: make() for name, make in TORTURE.items()}


@pytest.fixture(scope="session", params=KINDS)
def receiver(
    request: pytest.FixtureRequest, prometheus_binary: Path, torture: dict[str, Case]
) -> Iterator[Receiver]:
    """A server that holds the torture set; VictoriaMetrics where its variable names it."""
    with receiver_of(request.param, prometheus_binary) as server:
        server.store(case.history for case in torture.values())
        yield server
