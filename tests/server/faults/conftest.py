"""The towns in which the faults of a test run happen, some at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.helpers.faults.town import Town

AT_ONCE = 6
"""Faults of one town: with more, two processors would be too busy, which is a fault of its own."""


@pytest.fixture(scope="session")
def towns(
    request: pytest.FixtureRequest,
    prometheus_binary: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Town]:
    """What is left of the towns of the faults that the selected tests are about, by fault."""
    calls = (getattr(item, "callspec", None) for item in request.session.items)
    wanted = [call.params["fault"] for call in calls if call and "fault" in call.params]
    faults = list(dict.fromkeys(wanted))
    found = {}
    for start in range(0, len(faults), AT_ONCE):
        some = faults[start : start + AT_ONCE]
        with Town(prometheus_binary, tmp_path_factory.mktemp("town"), some) as town:
            town.run()
            found.update({fault.name: town for fault in some})
    return found
