"""Everything is read again, or the clock was far ahead."""

from __future__ import annotations

import pytest

from exporter.daemon.engine import Engine
from exporter.slo.types import DAY, HOUR
from tests.helpers.evaluation.engines import NOW, RATES, fill, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.evaluation.following import (
    SLO,
    assert_same_metrics,
    follow,
    silent,
    whole,
    whole_asks,
)


class TestRebuild:
    """Prometheus has the last 100 hours, with other counts than were stored."""

    FIRST = NOW - 100 * HOUR

    def rebuilt(self, one: Engine) -> Engine:
        one.state.rebuilds.begin(0)
        poll(one, NOW)
        fill(one)
        assert one.state.rebuilds.done == (0,)
        return one

    def changed(self) -> tuple[Engine, FakePrometheus]:
        fake = FakePrometheus(RATES)
        one = whole(fake, SLO)
        fake.counters["requests_total"] = lambda start, end: (
            (end - start) * 2 if end > self.FIRST else None
        )
        fake.ranges.clear()
        return one, fake

    def test_prometheus_is_right_about_what_it_has_and_the_store_about_the_rest(self):
        """The slot that its data begin in is the store's: Prometheus has a part of it.

        What has not settled is asked for again when it does.
        """
        one = self.rebuilt(self.changed()[0])
        total = only(one, NOW).windows["7d"].total
        first = self.FIRST + HOUR
        settled = NOW - 300
        assert total == pytest.approx((settled - first) * 2 + 300 + first - (NOW - 7 * DAY))
        assert only(one, NOW).coverage == 1

    def test_it_is_done_when_everything_was_asked_for(self):
        """The store is told then, and not before."""
        one, _ = self.changed()
        one.state.rebuilds.begin(0)
        assert (list(one.state.rebuilds.under_way), one.state.rebuilds.done) == ([0], ())
        poll(one, NOW)
        assert one.state.rebuilds.done == ()
        fill(one)
        assert one.state.rebuilds.done == (0,)
        one.state.rebuilds.end(0)
        assert one.state.rebuilds.done == ()

    def test_meanwhile_everything_is_shown_as_before(self):
        """Nothing falls to zero while Prometheus is asked."""
        one, _ = self.changed()
        before = only(one, NOW)
        one.state.rebuilds.begin(0)
        after = only(one, NOW)
        assert after.windows == before.windows

    def test_data_that_were_deleted_stay(self):
        """Prometheus is asked in vain for what it no longer has."""
        one, fake = self.changed()
        fake.counters.clear()
        before = only(one, NOW).windows["7d"]
        assert only(self.rebuilt(one), NOW).windows["7d"] == before

    def test_a_hole_that_ends_where_two_questions_meet_is_one(self):
        """The slot behind it may have been answered long before the hole is seen."""
        one, fake = self.changed()
        chunks = sorted(
            {(whole_ask.start - whole_ask.step, whole_ask.end) for whole_ask in whole_asks(fake)}
        )
        for border in [start for start, _ in chunks][1:]:
            steady_ = fake.counters["requests_total"]
            before = only(one, NOW).windows["7d"].total
            hole = (border - 2 * HOUR, border)

            def holed(start: int, end: int, hole=hole) -> float | None:
                if hole[0] < end <= hole[1]:
                    return None
                # What comes back counts as born: far too much.
                return 1e6 if start == hole[1] else end - start

            fake.counters |= {"requests_total": holed}
            self.rebuilt(one)
            one.state.rebuilds.end(0)
            assert only(one, NOW).windows["7d"].total == pytest.approx(before)
            fake.counters["requests_total"] = steady_


class TestClockFarBack:
    def test_slots_to_come_are_forgotten_and_older_ones_kept(self):
        """A clock that was a day ahead: budgets are there at once, and end up as they should."""
        fake = FakePrometheus(RATES)
        one = whole(fake, SLO, at=NOW + DAY)
        poll(one, NOW)
        assert one.ledger.end == NOW
        # The oldest of the seven days was no part of the period then.
        assert only(one, NOW).windows["7d"].total == 6 * DAY
        fill(one)
        poll(one, NOW + 30)
        assert_same_metrics(one, whole(FakePrometheus(RATES), SLO, at=NOW + 30), NOW + 30)

    def test_what_prometheus_forgot_meanwhile_stays(self):
        """Coarse slots are shared out where the fine ones are gone."""
        one = whole(FakePrometheus(RATES), SLO, at=NOW + DAY)
        moved = follow(one, silent(), SLO, at=NOW)
        poll(moved, NOW)
        fill(moved)
        status = only(moved, NOW)
        assert status.windows["6h"].total == pytest.approx(6 * HOUR)
        assert status.windows["3d"].known == 1
