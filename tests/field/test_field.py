"""Field cases on real servers: every figure is right, or unknown and said to be so."""

from __future__ import annotations

import pytest

from tests.field.case import FieldCase
from tests.field.cases import CASES
from tests.field.counted import check, outcome
from tests.helpers.torture.receivers import Receiver, VictoriaMetrics


def case_for(server: Receiver, name: str) -> FieldCase:
    """A case, if its truth is the server's."""
    case = CASES[name]
    if case.prometheus_alone and isinstance(server, VictoriaMetrics):
        pytest.skip("series are there for longer on VictoriaMetrics: other slots are refused")
    return case


@pytest.mark.parametrize("name", CASES)
class TestFieldCase:
    def test_is_counted_by_a_first_start(self, field_server: Receiver, name: str):
        """The exporter is started now, and reads everything from history."""
        case = case_for(field_server, name)
        check(case, outcome(field_server.url, case))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.polled])
class TestFieldCasePolled:
    def test_is_counted_as_time_goes_on(self, field_server: Receiver, name: str):
        """Polled slot by slot while it happens, the figures are the same."""
        case = case_for(field_server, name)
        check(case, outcome(field_server.url, case, polled=True))
