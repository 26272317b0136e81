"""The town in which all faults of a test run happen at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Services and histories are those of the integration tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from town import Town


@pytest.fixture(scope="session")
def town(
    request: pytest.FixtureRequest,
    prometheus_binary: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    """A town after the faults that the selected tests are about."""
    calls = (getattr(item, "callspec", None) for item in request.session.items)
    wanted = {call.params["fault"]: None for call in calls if call and "fault" in call.params}
    with Town(prometheus_binary, tmp_path_factory.mktemp("town"), wanted) as town:
        town.run()
        yield town
