"""The engine with what SLOs may be besides rolling counts: slices, maintenance, the calendar."""

from __future__ import annotations

import asyncio

import pytest

from exporter.slo.maintenance import one_off
from exporter.slo.model import Timeslices
from exporter.slo.period import CalendarPeriod
from exporter.slo.snapshot import DataState
from exporter.slo.types import DAY, HOUR
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, engine, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo


def outage(start: int, end: int):
    """A request a second, of which all fail for a while."""
    return {
        "requests_total": steady(1),
        "errors_total": lambda low, high: max(0, min(high, end) - max(low, start)),
    }


class TestMaintenance:
    @pytest.mark.parametrize("start", [NOW - HOUR, NOW - 10 * HOUR + 90, NOW - 5 * DAY + 90])
    def test_an_outage_in_a_window_costs_no_budget(self, start):
        """Whether the slots are fine, middle or coarse, and wherever in them the window begins."""
        end = start + 1260
        of = slo(period=7 * DAY, maintenance=(one_off("upgrade", start, end),))
        one = engine(FakePrometheus(outage(start, end)), of)
        poll(one, NOW)
        fill(one)
        found = only(one, NOW)
        assert found.budget is not None
        assert found.raw_budget is not None
        assert found.budget.remaining == 1.0
        assert found.raw_budget.remaining == pytest.approx(1 - 1260 / (0.001 * 7 * DAY))
        assert found.windows["7d"].total == pytest.approx(7 * DAY - 1260)
        assert found.coverage == pytest.approx(1.0)

    def test_while_it_lasts_the_data_are_ok(self):
        """And the burn rate of what is excluded is not known."""
        of = slo(period=DAY, maintenance=(one_off("upgrade", NOW - HOUR, NOW + HOUR),))
        one = engine(FakePrometheus(RATES), of)
        poll(one, NOW)
        found = only(one, NOW)
        assert found.state is DataState.OK
        assert found.windows["5m"].burn_rate is None
        assert found.windows["2h"].burn_rate == pytest.approx(10)
        assert found.maintenance == ("upgrade",)

    def test_other_slos_are_as_they_were(self):
        """Their counts stand beside it in the ledger."""
        of = slo(name="a", period=DAY, maintenance=(one_off("upgrade", NOW - HOUR, NOW),))
        one = engine(FakePrometheus(RATES), of, slo(name="b", period=DAY))
        poll(one, NOW)
        first, second = one.evaluate(NOW + DELAY).slos
        assert first.windows["2h"].total == 3600
        assert second.windows["2h"].total == 7200
        assert second.budget == second.raw_budget


class TestSlices:
    OF = slo("99", period=DAY, timeslices=Timeslices(300, 0.99))

    def test_the_budget_is_of_bad_slices(self):
        """Four minutes of outage within one slice are five minutes of bad time."""
        one = engine(FakePrometheus(outage(NOW - HOUR + 30, NOW - HOUR + 270)), self.OF)
        poll(one, NOW)
        fill(one)
        found = only(one, NOW)
        assert (found.windows["2h"].bad, found.windows["2h"].total) == (300, 7200)
        assert found.budget is not None
        assert found.budget.remaining == pytest.approx(1 - 300 / 864)
        assert found.coverage == pytest.approx(1.0)

    @pytest.mark.parametrize("length", [60, 150, 300])
    def test_a_slice_counts_once_it_is_over(self, length):
        """Until then its slots are not known, and the data are not taken for gone."""
        of = slo("99", period=DAY, timeslices=Timeslices(length, 0.99))
        one = engine(FakePrometheus(outage(NOW, NOW + 60)), of)
        for boundary in range(NOW, NOW + length + 1, 30):
            poll(one, boundary)
            found = only(one, boundary)
            assert found.windows["2h"].bad == (length if boundary == NOW + length else 0)
            assert found.state is DataState.OK


class TestCalendar:
    MONTH = CalendarPeriod("month", "Asia/Kolkata")

    def test_a_month_holds_what_happened_since_its_start(self):
        """To the event, though it began at half past an hour of UTC."""
        start = self.MONTH.span(NOW).start
        rates = outage(start - 1800, start + 1800)
        one = engine(FakePrometheus(rates), slo(period=self.MONTH))
        poll(one, NOW)
        fill(one)
        found = only(one, NOW)
        assert found.windows["month"].total == pytest.approx(NOW - start)
        assert found.windows["month"].bad == pytest.approx(1800)
        assert found.coverage == pytest.approx(1.0)

    def test_the_budget_is_whole_again_when_the_month_is_over(self):
        """The slot after the boundary begins anew; the windows look back beyond it."""
        boundary = self.MONTH.span(NOW).end
        one = engine(FakePrometheus(outage(boundary - 600, boundary)), slo(period=self.MONTH))
        for at in (boundary - 30, boundary, boundary + 30):
            asyncio.run(one.poll(at + DELAY))
        fill(one)
        found = only(one, boundary + 30)
        assert found.budget is not None
        assert (found.budget.remaining, found.period.start) == (1.0, boundary)
        assert found.windows["month"].total == 30
        assert found.windows["1h"].bad == 600
