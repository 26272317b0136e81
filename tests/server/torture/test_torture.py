"""The torture set, with staleness marks, against the oracle: every slot, window and budget."""

from __future__ import annotations

import pytest

from tests.helpers.integration.checks import assert_figures, assert_slots
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import run, status
from tests.helpers.integration.scenario import Case
from tests.helpers.torture.receivers import Receiver
from tests.helpers.torture.torture_cases import TORTURE
from tests.oracle import HOUR, MINUTE

pytestmark = pytest.mark.slow

MOMENT = END - 1_230
"""In the middle of a 5 m slot, so that long windows cut coarse slots."""


@pytest.fixture(scope="module")
def filled(receiver: Receiver, torture: dict[str, Case]):
    """An engine that was started at the moment and has filled its history."""
    return run(receiver.url, [case.slo for case in torture.values()], MOMENT)


@pytest.fixture(scope="module")
def polled(receiver: Receiver, torture: dict[str, Case]):
    """An engine that was polled without a pause where something happens, from 3 h before."""
    first = MOMENT - 3 * HOUR
    pauses = range(first, MOMENT - 140 * MINUTE, 10 * MINUTE)
    steps = range(MOMENT - 140 * MINUTE, MOMENT - 80 * MINUTE, 30)
    rest = range(MOMENT - 80 * MINUTE, MOMENT + 1, 10 * MINUTE)
    slos = [case.slo for case in torture.values()]
    return run(receiver.url, slos, *pauses, *steps, *rest, MOMENT, fill_at=[first])


@pytest.mark.parametrize("name", TORTURE)
class TestBackfill:
    def test_counts_every_slot_exactly(self, receiver, filled, torture, name):
        """Coarse slots hold what their raw samples tell of, whatever befell them."""
        case = torture[name]
        assert_slots(*filled, case.slo, case.bad, case.total, tolerance=receiver.tolerance)

    def test_computes_every_figure(self, filled, torture, name):
        """Windows, burn rates and budget follow from the events."""
        case, (_, snapshot) = torture[name], filled
        assert_figures(status(snapshot, case.slo), snapshot.at, case.bad, case.total)


@pytest.mark.parametrize("name", TORTURE)
class TestPolling:
    def test_counts_every_slot_exactly(self, receiver, polled, torture, name):
        """A slot that was polled for holds what a backfill finds in it."""
        case = torture[name]
        assert_slots(*polled, case.slo, case.bad, case.total, tolerance=receiver.tolerance)

    def test_computes_every_figure(self, polled, torture, name):
        """Having run for hours makes no difference to any figure."""
        case, (_, snapshot) = torture[name], polled
        assert_figures(status(snapshot, case.slo), snapshot.at, case.bad, case.total)
