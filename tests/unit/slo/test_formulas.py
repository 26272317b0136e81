"""Error ratio, burn rate and budget against numbers computed by hand."""

from __future__ import annotations

from decimal import Decimal
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.budget import Budget, Window
from exporter.slo.model import Objective
from exporter.slo.types import DAY

THREE_NINES = Objective.from_percent(Decimal("99.9"))
objectives = st.decimals("1", "99.9999", places=4).map(Objective.from_percent)
totals = st.floats(1, 1e12)
shares = st.floats(0, 1)
periods = st.integers(1, 400).map(lambda days: days * DAY)


class TestWindow:
    def test_a_window_has_the_ratio_of_its_events(self):
        """15 bad of 10,000 at a budget of one in a thousand burn one and a half times."""
        window = Window.of(15, 10_000, 1.0, 0.001)
        assert (window.bad, window.total, window.known) == (15, 10_000, 1.0)
        assert window.error_ratio == 0.0015
        assert window.burn_rate == 1.5

    def test_no_traffic_burns_nothing(self):
        """Zero events, but measured, are an error ratio of 0."""
        window = Window.of(0, 0, 1.0, 0.001)
        assert (window.error_ratio, window.burn_rate) == (0.0, 0.0)

    def test_nothing_known_has_no_value(self):
        """Without a known slot there is neither a ratio nor a rate, and no 0 either."""
        window = Window.of(0, 0, 0.0, 0.001)
        assert (window.error_ratio, window.burn_rate) == (None, None)

    def test_a_window_known_in_part_is_computed_from_what_is_known(self):
        """Coverage is a figure of its own; it does not withhold the ratio."""
        assert Window.of(1, 4, 0.01, 0.5).error_ratio == 0.25

    @given(totals, shares, objectives)
    def test_the_burn_rate_is_the_error_ratio_in_budgets(self, total, share, objective):
        """Burning at rate b means an error ratio of b budgets."""
        window = Window.of(total * share, total, 1.0, objective.error_budget)
        assert window.error_ratio is not None
        assert window.burn_rate is not None
        assert isclose(window.burn_rate * objective.error_budget, window.error_ratio, abs_tol=1e-12)


class TestBudget:
    @pytest.mark.parametrize(
        ("bad", "total", "remaining", "events", "seconds"),
        [
            (0, 1_000_000, 1.0, 1000.0, 2592.0),
            (250, 1_000_000, 0.75, 750.0, 1944.0),
            (500, 1_000_000, 0.5, 500.0, 1296.0),
            (1_000, 1_000_000, 0.0, 0.0, 0.0),
            (3_000, 1_000_000, -2.0, -2000.0, -5184.0),
            (1_000_000, 1_000_000, -999.0, -999_000.0, -2_589_408.0),
            (0, 0, 1.0, 0.0, 2592.0),
        ],
    )
    def test_what_remains_of_99_9_over_30_days(self, bad, total, remaining, events, seconds):
        """The ratio, the events and the downtime (43.2 min) that are left, below 0 if overspent."""
        budget = Budget.of(bad, total, THREE_NINES, 30 * DAY)
        assert budget.remaining == pytest.approx(remaining, abs=1e-12)
        assert budget.remaining_events == pytest.approx(events, abs=1e-9)
        assert budget.remaining_seconds == pytest.approx(seconds, abs=1e-9)

    def test_the_downtime_of_28_days(self):
        """99.9% over 28 days is 40.32 minutes."""
        assert Budget.of(0, 1, THREE_NINES, 28 * DAY).remaining_seconds == pytest.approx(
            40.32 * 60, rel=1e-15
        )

    @given(totals, shares, objectives, periods)
    def test_what_remains_is_never_clamped(self, total, share, objective, period):
        """The formula holds from an untouched budget to one that is overspent many times."""
        bad = total * share
        budget = Budget.of(bad, total, objective, period)
        spent = bad / total / objective.error_budget
        assert isclose(budget.remaining, 1 - spent, rel_tol=1e-9, abs_tol=1e-9)
        assert (budget.remaining < 0) == (bad / (objective.error_budget * total) > 1)

    @given(totals, objectives, periods)
    def test_the_budget_is_spent_where_the_period_burns_at_1(self, total, objective, period):
        """A burn rate of 1 over the period and nothing remaining are the same thing."""
        bad = total * objective.error_budget
        window = Window.of(bad, total, 1.0, objective.error_budget)
        budget = Budget.of(bad, total, objective, period)
        assert window.burn_rate == pytest.approx(1.0, rel=1e-12)
        assert budget.remaining == pytest.approx(0.0, abs=1e-12)

    @given(totals, shares, objectives, periods)
    def test_burn_rate_over_the_period_and_budget_add_up_to_1(
        self, total, share, objective, period
    ):
        """What was burned over the whole period is what no longer remains."""
        bad = total * share
        rate = Window.of(bad, total, 1.0, objective.error_budget).burn_rate
        budget = Budget.of(bad, total, objective, period)
        assert rate is not None
        assert isclose(rate + budget.remaining, 1, rel_tol=1e-9, abs_tol=1e-9 * max(1, rate))
