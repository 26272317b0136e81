"""Any history at all, on real servers: the engine counts what the oracle counts."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.helpers.integration.checks import assert_slots, assert_sums, close
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import run
from tests.helpers.integration.scenario import Case
from tests.helpers.torture.generated import generated
from tests.helpers.torture.receivers import Receiver
from tests.oracle import HOUR, MINUTE

bounded = settings(
    max_examples=50,
    # The server is shared on purpose: every history is stored under a name of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(receiver: Receiver, case: Case, *moments: int) -> None:
    engine, snapshot = run(receiver.url, [case.slo], *moments, fill_at=[moments[0]])
    assert_slots(engine, snapshot, case.slo, case.bad, case.total)
    [found] = snapshot.slos
    figures = assert_sums(found, snapshot.at, case.bad, case.total)[case.slo.period.label]
    if figures.total:
        assert found.budget is not None
        assert found.budget.remaining == close(figures.budget_remaining)


class TestAnyHistory:
    @pytest.mark.slow
    @bounded
    @given(case=generated())
    def test_is_backfilled_exactly(self, receiver: Receiver, case: Case):
        """Slots of every length hold what the raw samples tell of."""
        receiver.store([case.history])
        check(receiver, case, END)

    @pytest.mark.slow
    @settings(bounded, max_examples=20)
    @given(case=generated(ages=[HOUR]))
    def test_is_polled_exactly(self, receiver: Receiver, case: Case):
        """Slot by slot as time goes on, with the answers asked for again as they settle."""
        receiver.store([case.history])
        steps = range(END - HOUR, END - 10 * MINUTE, 30)
        check(receiver, case, *steps, END)
