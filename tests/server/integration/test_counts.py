"""The engine on a real Prometheus against the oracle: every slot, window and figure."""

from __future__ import annotations

import pytest

from exporter.demo.servers import PrometheusServer
from exporter.slo.windows import windows
from tests.helpers.integration.cases import CASES, Grouped
from tests.helpers.integration.checks import INTERVAL, assert_figures, assert_slots, close
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import run, slot_counts, status
from tests.helpers.integration.scenario import Case
from tests.oracle import DAY, HOUR, MINUTE

MOMENTS = {"on-the-hour": END, "between-hours": END - 1_230}
"""The second lies in the middle of a 5 m slot, so that long windows cut coarse slots."""


@pytest.fixture(scope="module", params=MOMENTS)
def moment(request) -> int:
    """As of when the SLOs are evaluated."""
    return MOMENTS[request.param]


@pytest.fixture(scope="module")
def filled(past: PrometheusServer, cases: dict[str, Case], moment: int):
    """An engine that was started at the moment and has filled its history."""
    return run(past.url, [case.slo for case in cases.values()], moment)


@pytest.fixture(scope="module")
def polled(past: PrometheusServer, cases: dict[str, Case], moment: int):
    """An engine that was started 7 h before the moment and polled until then, with pauses."""
    first = moment - 7 * HOUR - 90
    pauses = range(first, moment - 8 * MINUTE, 10 * MINUTE)
    steps = range(moment - 8 * MINUTE, moment + 1, INTERVAL)
    slos = [case.slo for case in cases.values()]
    return run(past.url, slos, *pauses, *steps, fill_at=[first])


class TestBackfill:
    @pytest.mark.parametrize("name", CASES)
    def test_counts_every_slot_exactly(self, filled, cases, name):
        """A slot holds the events that its raw samples tell of, whatever befell them."""
        case = cases[name]
        assert_slots(*filled, case.slo, case.bad, case.total)

    @pytest.mark.parametrize("name", CASES)
    def test_computes_every_figure(self, filled, cases, name):
        """Windows, burn rates and budget follow from the events, shares of cut slots included."""
        case, (_, snapshot) = cases[name], filled
        assert_figures(status(snapshot, case.slo), snapshot.at, case.bad, case.total)

    def test_covers_the_period(self, filled, cases):
        """A service that was scraped all the time is known all the time."""
        _, snapshot = filled
        assert status(snapshot, cases["steady"].slo).coverage == close(1)


class TestPolling:
    @pytest.mark.parametrize("name", CASES)
    def test_counts_every_slot_exactly(self, polled, cases, name):
        """Slots that were polled for, and those merged of them, are those of a backfill."""
        case = cases[name]
        assert_slots(*polled, case.slo, case.bad, case.total)

    @pytest.mark.parametrize("name", CASES)
    def test_computes_every_figure(self, polled, cases, name):
        """Having run for hours makes no difference to any figure."""
        case, (_, snapshot) = cases[name], polled
        assert_figures(status(snapshot, case.slo), snapshot.at, case.bad, case.total)


class TestWholeEvents:
    @pytest.mark.parametrize("moment", ["on-the-hour"], indirect=True)
    @pytest.mark.parametrize("name", [name for name in CASES if name != "floats"])
    def test_fill_windows_on_the_hour(self, filled, cases, name):
        """Where no edge cuts a slot the counts of a window are equal, not close."""
        case, (_, snapshot) = cases[name], filled
        found = status(snapshot, case.slo).windows
        for window, length in windows(case.slo.period, END):
            expected = case.bad(END - length, END), case.total(END - length, END)
            assert (found[window].bad, found[window].total) == expected, window


class TestGroups:
    def test_count_each_on_its_own(self, past: PrometheusServer, tenants: Grouped, moment: int):
        """Each value of the label is an SLO, from the moment its series were born."""
        engine, snapshot = run(past.url, [tenants.slo], moment)
        alive = [name for name in tenants.total if tenants.total[name].between(0, moment)]
        assert sorted(found.groups["tenant"] for found in snapshot.slos) == alive
        for name in alive:
            bad, total = tenants.bad[name].between, tenants.total[name].between
            assert_slots(engine, snapshot, tenants.slo, bad, total, tenant=name)
            found = status(snapshot, tenants.slo, tenant=name)
            assert_figures(found, snapshot.at, bad, total)


class TestLongPeriod:
    def test_counts_in_slots_of_six_hours(
        self, past: PrometheusServer, long_case: Case, moment: int
    ):
        """Behind 35 days slots are coarser still, and no event is lost for that."""
        slo, bad, total = long_case.slo, long_case.bad, long_case.total
        engine, snapshot = run(past.url, [slo], moment, scrape_interval=300)
        lengths = {end - start for start, end in slot_counts(engine, snapshot.slos[0])}
        assert lengths == {INTERVAL, 5 * MINUTE, HOUR, 6 * HOUR}
        assert_slots(engine, snapshot, slo, bad, total)
        assert_figures(snapshot.slos[0], snapshot.at, bad, total)
        assert slo.period.longest == 90 * DAY
