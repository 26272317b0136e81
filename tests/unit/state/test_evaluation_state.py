"""The books over restarts, reloads, steps of the clock, and being asked for anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.daemon.engine import Engine
from exporter.slo.maintenance import MaintenanceWindow, one_off
from exporter.slo.model import EventsSli
from exporter.slo.types import DAY, HOUR
from exporter.state.carry_over import Restoring
from tests.helpers.evaluation.engines import DELAY, NOW, RATES, fill, only, poll, regions
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.evaluation.following import (
    SLO,
    assert_same_metrics,
    follow,
    silent,
    whole,
)
from tests.helpers.samples import slo


class TestReload:
    def test_an_slo_that_stays_asks_for_nothing(self):
        """Everything is known at once, whatever Prometheus still has."""
        fake = silent()
        old = whole(FakePrometheus(RATES), SLO)
        new = follow(old, fake, replace(SLO, objective=slo("95").objective))
        before, after = only(old, NOW), only(new, NOW)
        assert after.windows["7d"].total == before.windows["7d"].total == 7 * DAY
        assert after.windows["1h"].burn_rate == pytest.approx(0.01 / 0.05)
        assert (after.state, after.coverage) == (before.state, 1.0)
        assert after.events_total == before.events_total
        poll(new, NOW)
        assert (fake.ranges, fill(new)) == ([], 0)

    def test_places_and_groups_may_change(self):
        """SLOs are known by what they are, not by where they stand."""
        fake = FakePrometheus({**RATES, "all_total": lambda _s, _e: {"eu": 1.0, "us": 2.0}})
        grouped = slo(
            name="grouped",
            sli=EventsSli(total="all_total", bad="b_total"),
            group_by=("region",),
            period=DAY,
        )
        old = whole(fake, SLO, grouped)
        new = follow(old, silent(), slo(name="new", sli=EventsSli("x", "y")), grouped)
        statuses = new.evaluate(NOW + DELAY).slos
        assert [(status.slo.name, status.coverage) for status in statuses[:1]] == [("new", 0)]
        totals = {status.groups["region"]: status.windows["1h"].total for status in statuses[1:]}
        assert totals == {"eu": 120, "us": 240}

    def test_fewer_groups_than_there_were_are_kept_as_far_as_the_limit_lets(self):
        """The first by name, as when they are found."""
        fake = FakePrometheus({"requests_total": lambda _s, _e: dict.fromkeys("abc", 1.0)})
        grouped = slo(group_by=("region",), period=DAY)
        old = whole(fake, grouped)
        new = follow(old, silent(), replace(grouped, max_groups=2))
        assert regions(new, NOW).keys() == {"a", "b"}
        assert (
            regions(new, NOW)["b"].windows["1d"].total == regions(old, NOW)["b"].windows["1d"].total
        )

    def test_a_renamed_slo_keeps_its_history(self):
        """It is known by what it measures where nothing of its name is there."""
        old = whole(FakePrometheus(RATES), SLO)
        new = follow(old, silent(), replace(SLO, service="login", name="uptime"))
        assert only(new, NOW).windows["7d"].total == 7 * DAY

    def test_another_query_starts_anew(self):
        """What was counted was something else."""
        old = whole(FakePrometheus(RATES), SLO)
        new = follow(old, silent(), replace(SLO, sli=EventsSli("requests_total", "other_total")))
        assert only(new, NOW).coverage == 0

    def test_a_longer_period_asks_for_the_rest_alone(self):
        """What is known is not asked for again."""
        fake = FakePrometheus(RATES)
        old = whole(fake, SLO)
        fake.ranges.clear()
        new = follow(old, fake, replace(SLO, period=slo(period=14 * DAY).period))
        poll(new, NOW)
        assert fake.ranges == []
        assert fill(new) > 0
        assert max(asked.end for asked in fake.ranges) <= NOW - 7 * DAY + HOUR
        assert only(new, NOW).windows["14d"].total == pytest.approx(14 * DAY)
        assert only(new, NOW).coverage == 1

    @pytest.mark.parametrize("interval", [10, 60])
    def test_another_interval_keeps_what_was_counted(self, interval):
        """Though Prometheus has nothing of it any more; what is finer than before is asked for."""
        old = whole(FakePrometheus(RATES), SLO)
        fake = silent()
        new = follow(old, fake, SLO, interval=interval, delay=DELAY)
        poll(new, NOW)
        fill(new)
        for name in ("5m", "1h", "6h", "7d"):
            found, expected = only(new, NOW).windows[name], only(old, NOW).windows[name]
            assert found.total == pytest.approx(expected.total)
            assert found.bad == pytest.approx(expected.bad)
        asked_since = min(asked.start for asked in fake.ranges)
        assert asked_since > NOW - 330 if interval == 60 else asked_since < NOW - 5 * HOUR

    def test_staleness_goes_on(self):
        """A reload is no answer of Prometheus's."""
        old = whole(FakePrometheus(RATES), SLO)
        new = follow(old, silent(), SLO, at=NOW + 120)
        assert new.state.answered_since(NOW).all()
        assert not new.state.answered_since(NOW + 1).any()


class TestMaintenanceChanges:
    def engines(self, windows: tuple[MaintenanceWindow, ...]) -> tuple[Engine, Engine]:
        """One that gets other windows at a reload, and one that had them from the start."""
        fake = FakePrometheus(RATES)
        old = whole(fake, replace(SLO, maintenance=(one_off("old", NOW - 50 * HOUR, NOW - HOUR),)))
        with_new = replace(SLO, maintenance=windows)
        new = follow(old, fake, with_new)
        poll(new, NOW)
        fill(new)
        return new, whole(FakePrometheus(RATES), with_new)

    @pytest.mark.parametrize(
        "windows",
        [
            (),
            (one_off("new", NOW - 20 * HOUR, NOW - 2 * HOUR),),
            # Within fine slots, across coarse ones, and cutting into several of them.
            (one_off("a", NOW - 1000, NOW - 100), one_off("b", NOW - 99 * HOUR - 7, NOW - 81_011)),
            (one_off("whole", NOW - 30 * DAY, NOW + HOUR),),
        ],
    )
    def test_are_as_if_they_had_been_from_the_start(self, windows):
        """Budgets leave out just what lies in the windows of today's configuration."""
        assert_same_metrics(*self.engines(windows), NOW)

    def test_cost_no_question_where_no_slot_is_cut(self):
        """Whole slots are right at once, and stay so when Prometheus has forgotten."""
        old = whole(FakePrometheus(RATES), SLO)
        windows = (one_off("a", NOW - 100 * HOUR, NOW - 50 * HOUR),)
        fake = silent()
        new = follow(old, fake, replace(SLO, maintenance=windows))
        poll(new, NOW)
        fill(new)
        assert fake.ranges == []
        assert_same_metrics(
            new, whole(FakePrometheus(RATES), replace(SLO, maintenance=windows)), NOW
        )

    def test_a_cut_slot_that_prometheus_forgot_takes_its_share(self):
        """A third of an hour's events, for a window of 20 minutes in it."""
        old = whole(FakePrometheus(RATES), SLO)
        windows = (one_off("a", NOW - 100 * HOUR, NOW - 100 * HOUR + 1200),)
        new = follow(old, silent(), replace(SLO, maintenance=windows))
        poll(new, NOW)
        fill(new)
        assert only(new, NOW).windows["7d"].total == pytest.approx(7 * DAY - 1200)

    def test_the_same_windows_change_nothing(self):
        """Nothing is written again, and nothing asked."""
        windows = (one_off("b", NOW - 99 * HOUR - 7, NOW - 1_011),)
        one = whole(FakePrometheus(RATES), replace(SLO, maintenance=windows))
        for stretch in one.state.history(0).stretches:
            assert Restoring(one.ledger).reexcluded(stretch, windows, 30) is stretch
