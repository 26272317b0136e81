"""One-hot states and tiers, what has no series, alerts that are held, maintenance, the calendar."""

from __future__ import annotations

import pytest

from exporter.slo.maintenance import one_off
from exporter.slo.model import LowTraffic
from exporter.slo.period import CalendarPeriod
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import DAY
from tests.helpers.exposition.reading import families, values
from tests.helpers.samples import AT, Sums, every_window, slo, snapshot, subject

SPENT = (600.0, 1_000_000.0, 1.0)
BURNING = (20.0, 1000.0, 1.0)


class TestOneHot:
    @pytest.mark.parametrize(
        ("share", "tier"),
        [
            (0.1, "normal"),
            (0.6, "slow_down"),
            (0.8, "freeze"),
            (0.95, "incident"),
            (5, "exhausted"),
        ],
    )
    def test_exactly_one_tier_is_1(self, share, tier):
        """All tiers of the policy are there, for the SLO and for its service."""
        shot = snapshot((subject(slo()), (1000 * share, 1_000_000.0, 1.0)))
        tiers = ("normal", "slow_down", "freeze", "incident", "exhausted")
        expected = {(name,): float(name == tier) for name in tiers}
        assert values(shot, "slo_policy_tier") == expected
        assert values(shot, "slo_service_policy_tier", service="auth") == expected

    @pytest.mark.parametrize(
        ("answered", "sums", "state"),
        [
            (True, SPENT, "ok"),
            (True, (0.0, 0.0, 1.0), "no_traffic"),
            (True, (0.0, 0.0, 0.0), "no_data"),
            (False, SPENT, "stale"),
            (True, (30.0, 10.0, 1.0), "invalid"),
            (True, (-5.0, 10.0, 1.0), "invalid"),
            (False, (-5.0, 10.0, 1.0), "stale"),
        ],
    )
    def test_exactly_one_state_is_1(self, answered, sums, state):
        """All of them are always there."""
        shot = snapshot((subject(slo(), answered=answered), sums))
        states = ("ok", "no_traffic", "no_data", "stale", "invalid")
        assert values(shot, "slo_data_state") == {(name,): float(name == state) for name in states}


class TestGate:
    @pytest.mark.parametrize(
        ("sums", "level"),
        [
            ((0.0, 1e6, 1.0), 0.0),
            (SPENT, 1.0),
            ((800.0, 1e6, 1.0), 2.0),
            (every_window(slo(), BURNING, period=(100.0, 1e6, 1.0)), 1.0),
            (every_window(slo(), BURNING, period=(800.0, 1e6, 1.0)), 2.0),
        ],
    )
    def test_it_is_that_of_the_tier_or_of_the_page_that_fires(self, sums, level):
        """Whichever is stricter."""
        assert values(snapshot((subject(slo()), sums)), "slo_policy_gate_level") == {(): level}


class TestUnknown:
    ALWAYS = frozenset(
        {
            "slo_info",
            "slo_objective_ratio",
            "slo_period_seconds",
            "slo_events_total",
            "slo_bad_events_total",
            "slo_burn_rate_threshold",
            "slo_data_state",
            "slo_data_coverage_ratio",
            "slo_data_lag_seconds",
            "slo_rollup_slos",
            "slo_rollup_slos_unknown",
        }
    )

    def with_series(self, shot: Snapshot) -> set[str]:
        return {name for name, (_, samples) in families(shot).items() if samples}

    def test_what_is_not_known_has_no_series(self):
        """No 0, no -1, no NaN."""
        shot = snapshot((subject(slo(), last_slot=None), (0.0, 0.0, 0.0)))
        assert self.with_series(shot) == self.ALWAYS

    def test_stale_data_keep_the_budget_and_lose_the_burn_rates(self):
        """What is held is held; the rest is gone rather than frozen."""
        shot = snapshot((subject(slo(), answered=False), SPENT))
        every = self.with_series(snapshot((subject(slo()), SPENT)))
        assert every > self.ALWAYS
        assert self.with_series(shot) == every - {
            "slo_error_ratio",
            "slo_burn_rate",
            "slo_burn_rate_alert",
            "slo_burn_rate_alert_held",
            "slo_alert_burn_rate",
            "slo_error_budget_exhaustion_seconds",
        }

    def test_an_unknown_window_has_no_series_of_its_own(self):
        """The others have theirs."""
        of = slo()
        shot = snapshot((subject(of), {**every_window(of, SPENT), "1h": (0.0, 0.0, 0.0)}))
        windows = {"5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"}
        assert {window for (window,) in values(shot, "slo_burn_rate")} == windows - {"1h"}

    def test_a_budget_at_rest_is_not_exhausted(self):
        """There is no series, rather than one of infinity, which no graph can show."""
        sums: Sums = (0.0, 100.0, 1.0)
        shot = snapshot((subject(slo()), sums))
        assert values(shot, "slo_error_budget_exhaustion_seconds") == {}


class TestHeld:
    CONDITIONS = (("1h", "page", "5m"), ("6h", "page", "30m"), ("1d", "ticket", "2h"))

    @pytest.mark.parametrize(
        ("least", "alert", "held"), [(0, 1.0, 0.0), (1000, 1.0, 0.0), (1001, 0.0, 1.0)]
    )
    def test_a_rung_that_is_held_back_shows(self, least, alert, held):
        """It does not fire, and a series of its own says that it would."""
        shot = snapshot((subject(slo(low_traffic=LowTraffic(min_events=least))), BURNING))
        for condition in self.CONDITIONS:
            assert values(shot, "slo_burn_rate_alert")[condition] == alert
            assert values(shot, "slo_burn_rate_alert_held")[condition] == held

    def test_a_rung_at_rest_is_neither(self):
        """Both are there, and 0."""
        shot = snapshot((subject(slo(low_traffic=LowTraffic(min_events=5000))), (0.0, 9.0, 1.0)))
        for name in ("slo_burn_rate_alert", "slo_burn_rate_alert_held"):
            assert set(values(shot, name).values()) == {0.0}


class TestMaintenance:
    WINDOW = one_off("database upgrade", AT - 600, AT + 600)

    @pytest.mark.parametrize(("at", "active"), [(AT, 1.0), (AT - 900, 0.0), (AT + 600, 0.0)])
    def test_a_window_that_is_on_shows(self, at, active):
        """For SLOs that have any."""
        shot = snapshot((subject(slo(maintenance=(self.WINDOW,))), SPENT), at=at)
        assert values(shot, "slo_maintenance_active") == {(): active}

    def test_slos_without_windows_have_no_such_series(self):
        """There is nothing to tell."""
        assert values(snapshot((subject(slo()), SPENT)), "slo_maintenance_active") == {}

    def test_the_budget_is_shown_with_and_without_the_excluded_events(self):
        """The raw one counts them in; coverage does, too."""
        one = (subject(slo(maintenance=(self.WINDOW,))), (250.0, 1_000_000.0, 0.9))
        shot = snapshot(one, raw=(1500.0, 1_000_000.0, 1.0))
        assert values(shot, "slo_error_budget_remaining_ratio") == {(): pytest.approx(0.75)}
        assert values(shot, "slo_error_budget_remaining_raw_ratio") == {(): pytest.approx(-0.5)}
        assert values(shot, "slo_data_coverage_ratio") == {(): 1.0}


class TestCalendar:
    def test_the_window_of_a_calendar_period_is_named_by_its_unit(self):
        """Beside those of the clock, however young the month is."""
        shot = snapshot((subject(slo(period=CalendarPeriod("month"))), SPENT))
        expected = {"5m", "30m", "1h", "2h", "6h", "1d", "3d", "month"}
        for name in ("slo_burn_rate", "slo_error_ratio"):
            assert {window for (window,) in values(shot, name)} == expected

    @pytest.mark.parametrize(
        ("unit", "days"), [("week", 7), ("month", 30), ("quarter", 92), ("year", 365)]
    )
    def test_its_length_is_that_of_the_unit_at_hand(self, unit, days):
        """November 2023; the info names the unit."""
        shot = snapshot((subject(slo(period=CalendarPeriod(unit))), SPENT))
        assert values(shot, "slo_period_seconds") == {(): days * DAY}
        assert values(shot, "slo_info") == {("99.9", unit, "default"): 1.0}
