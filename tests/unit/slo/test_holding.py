"""What is held back or left out: low traffic, little coverage, maintenance, young periods."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from exporter.slo.maintenance import one_off
from exporter.slo.model import LowTraffic
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy import DEFAULT_POLICY
from exporter.slo.snapshot import DataState
from exporter.slo.types import DAY, HOUR
from tests.helpers.samples import AT, every_window, slo, snapshot, status, subject

GOOD = (0.0, 1000.0, 1.0)
ALL_BAD = (4.0, 4.0, 1.0)
IDLE = (0.0, 0.0, 1.0)
UNKNOWN = (0.0, 0.0, 0.0)
MONTH = CalendarPeriod("month")
NOVEMBER, DECEMBER = 1_698_796_800, 1_701_388_800
"""Where November 2023 and December begin, in UTC."""


class TestLowTraffic:
    @pytest.mark.parametrize(
        ("least", "firing"),
        [
            (LowTraffic(), True),
            (LowTraffic(min_events=4), True),
            (LowTraffic(min_events=5), False),
            (LowTraffic(min_bad_events=4), True),
            (LowTraffic(min_bad_events=4.5), False),
            (LowTraffic(min_events=4, min_bad_events=5), False),
            (LowTraffic(min_events=5, min_bad_events=4), False),
        ],
    )
    def test_too_few_events_hold_a_rung_back_visibly(self, least, firing):
        """Either limit does, and it is one or the other: it fires, or it is held."""
        found = status(subject(slo(low_traffic=least)), ALL_BAD)
        assert [alert.firing for alert in found.alerts] == [firing] * 4
        assert [alert.held for alert in found.alerts] == [not firing] * 4

    def test_the_long_window_is_what_counts(self):
        """A rung whose long window holds enough fires, however little there is in the short one."""
        of = slo(low_traffic=LowTraffic(min_events=100))
        sums = {**every_window(of, (1.0, 1.0, 1.0)), "6h": (100.0, 100.0, 1.0)}
        found = status(subject(of), sums).alerts
        assert [alert.firing for alert in found] == [False, True, False, False]
        assert [alert.held for alert in found] == [True, False, True, True]

    @pytest.mark.parametrize("window", ["1h", "5m"])
    def test_a_rung_at_rest_is_not_held(self, window):
        """There is nothing to hold back where either window is below the threshold."""
        of = slo(low_traffic=LowTraffic(min_events=1000))
        sums = {**every_window(of, ALL_BAD), window: (0.0, 4.0, 1.0)}
        first = status(subject(of), sums).alerts[0]
        assert (first.firing, first.held) == (False, False)

    def test_a_rung_that_is_unknown_is_not_held(self):
        """Nor does it rest."""
        of = slo(low_traffic=LowTraffic(min_events=1000))
        first = status(subject(of), {**every_window(of, ALL_BAD), "1h": UNKNOWN}).alerts[0]
        assert (first.firing, first.held) == (None, False)


class TestCoverage:
    @pytest.mark.parametrize(
        ("known", "tier"), [(0.001, "normal"), (0.0499, "normal"), (0.05, "exhausted")]
    )
    def test_the_first_tier_is_held_until_enough_is_known(self, known, tier):
        """5% of the period by default; the budget itself is shown as it is."""
        found = status(subject(slo()), (100.0, 1000.0, known))
        assert found.tier is not None
        assert found.tier.name == tier
        assert found.budget is not None
        assert found.budget.remaining == pytest.approx(-99)
        assert found.coverage == known

    def test_a_policy_sets_its_own(self):
        """0 judges from the first slot on."""
        of = slo(policy=replace(DEFAULT_POLICY, min_coverage=0.0))
        found = status(subject(of), (100.0, 1000.0, 0.0001))
        assert found.tier is not None
        assert found.tier.name == "exhausted"

    def test_a_held_tier_is_the_services_too(self):
        """A service is no worse than its SLOs are said to be."""
        found = snapshot((subject(slo()), (100.0, 1000.0, 0.01)))
        assert [service.tier.name for service in found.services] == ["normal"]

    def test_maintenance_does_not_lower_the_coverage(self):
        """What is excluded is known all the same."""
        found = status(subject(slo()), (100.0, 1000.0, 0.04), raw=(100.0, 1000.0, 0.06))
        assert found.tier is not None
        assert (found.coverage, found.tier.name) == (0.06, "exhausted")


class TestMaintenance:
    WINDOW = one_off("database upgrade", AT - 600, AT + 600)

    def test_the_budget_is_told_with_and_without_it(self):
        """The excluded events count in neither the budget nor the burn rates."""
        found = status(
            subject(slo(maintenance=(self.WINDOW,))),
            (100.0, 1_000_000.0, 0.9),
            raw=(1600.0, 1_010_000.0, 1.0),
        )
        assert found.budget is not None
        assert found.raw_budget is not None
        assert found.budget.remaining == pytest.approx(0.9)
        assert found.raw_budget.remaining == pytest.approx(1 - 1600 / 1010)
        assert found.windows["1h"].burn_rate == pytest.approx(0.1)
        assert found.tier is not None
        assert found.tier.name == "normal"

    def test_without_exclusions_both_are_the_same(self):
        """So that one can be told from the other by a difference."""
        found = status(subject(slo()), (100.0, 1_000_000.0, 1.0))
        assert found.budget == found.raw_budget

    def test_data_are_ok_during_maintenance(self):
        """The series are there: nothing that is excluded is missing."""
        of = slo(maintenance=(self.WINDOW,))
        found = status(subject(of), every_window(of, UNKNOWN, period=GOOD), raw=GOOD)
        assert found.state is DataState.OK
        assert found.maintenance == ("database upgrade",)
        assert found.windows["5m"].burn_rate is None
        assert found.alerts[0].firing is None

    def test_idle_data_during_maintenance_are_no_traffic(self):
        """The state is of what was measured."""
        assert status(subject(slo()), UNKNOWN, raw=IDLE).state is DataState.NO_TRAFFIC

    def test_a_period_that_is_excluded_whole_leaves_the_budget_untouched(self):
        """Nothing counts, and something is known."""
        found = status(subject(slo()), UNKNOWN, raw=ALL_BAD)
        assert found.budget is not None
        assert found.raw_budget is not None
        assert (found.budget.remaining, found.coverage) == (1.0, 1.0)
        assert found.raw_budget.remaining < 0

    def test_a_group_whose_all_is_excluded_stays(self):
        """It has not left the period."""
        one = subject(slo(group_by=("region",)), groups={"region": "eu"})
        assert len(snapshot((one, UNKNOWN), raw=GOOD).slos) == 1

    @pytest.mark.parametrize(
        ("at", "reasons"),
        [(AT - 601, []), (AT - 600, ["database upgrade"]), (AT, ["database upgrade", "move"])],
    )
    def test_the_reasons_are_those_of_the_windows_that_are_on(self, at, reasons):
        """In the order of the configuration."""
        of = slo(maintenance=(self.WINDOW, one_off("move", AT - 60, AT + 60)))
        assert list(status(subject(of), GOOD, at=at).maintenance) == reasons


class TestCalendarPeriods:
    OF = slo(period=MONTH)

    def test_the_budget_is_of_the_month_so_far(self):
        """The downtime that is left is a share of the whole month's."""
        sums = every_window(self.OF, GOOD, period=(500.0, 1_000_000.0, 1.0))
        found = status(subject(self.OF), sums)
        assert found.period.start == NOVEMBER
        assert found.period.length == 30 * DAY
        assert found.windows["month"].total == 1_000_000
        assert found.budget is not None
        assert found.budget.remaining == pytest.approx(0.5)
        assert found.budget.remaining_seconds == pytest.approx(0.5 * 0.001 * 30 * DAY)

    def test_the_budget_resets_at_the_boundary(self):
        """A slot after it the month is as long as that slot, and the windows look back beyond."""
        sums = {**every_window(self.OF, (900.0, 1000.0, 1.0)), "month": IDLE}
        found = status(subject(self.OF), sums, at=DECEMBER + 30)
        assert (found.period.start, found.period.elapsed) == (DECEMBER, 30)
        assert found.budget is not None
        assert found.budget.remaining == 1.0
        assert found.windows["3d"].total == 1000
        assert all(alert.firing for alert in found.alerts)

    def test_the_last_slot_of_a_month_belongs_to_it(self):
        """At the very boundary the old budget stands."""
        found = status(subject(self.OF), GOOD, at=DECEMBER)
        assert (found.period.start, found.period.elapsed) == (NOVEMBER, 30 * DAY)

    @pytest.mark.parametrize(
        ("at", "thresholds"),
        [
            (DECEMBER + DAY, [14.88, 6.2, 3.1, 31 / 30]),
            (DECEMBER - DAY, [14.4, 6.0, 3.0, 1.0]),
        ],
    )
    def test_thresholds_are_those_of_the_months_length(self, at, thresholds):
        """31 days and 30, however much of them has passed."""
        found = status(subject(self.OF), GOOD, at=at)
        assert [alert.threshold for alert in found.alerts] == pytest.approx(thresholds)

    def burning(self, ratio: float) -> dict[str, tuple[float, float, float]]:
        """Half of the budget is left, and the last hour had the traffic of the month so far."""
        hour = 1_000_000 * HOUR / (AT - NOVEMBER)
        newest = (ratio * hour / 12, hour / 12, 1.0)
        every = every_window(self.OF, GOOD, period=(500.0, 1_000_000.0, 1.0))
        return {**every, "5m": newest, "1h": (ratio * hour, hour, 1.0)}

    def test_the_budget_grows_with_the_month_while_it_is_spent(self):
        """At a burn rate of 10, nine tenths of what fails is more than what comes in."""
        sums = self.burning(0.01)
        found = status(subject(self.OF), sums)
        assert found.exhaustion_seconds == pytest.approx(0.5 * found.period.elapsed / 9)

    def test_a_budget_that_lasts_until_the_month_ends_is_not_exhausted(self):
        """The next month has one of its own."""
        sums = self.burning(0.002)
        assert status(subject(self.OF), sums, at=DECEMBER - DAY).exhaustion_seconds == inf

    def test_slos_of_several_periods_have_each_their_own(self):
        """A rolling one, a month and a quarter at the same moment."""
        kinds = [slo(name="r"), self.OF, slo(name="q", period=CalendarPeriod("quarter"))]
        found = snapshot(*((subject(kind), GOOD) for kind in kinds), at=DECEMBER - HOUR).slos
        assert [[*each.windows][-1] for each in found] == ["30d", "month", "quarter"]
        assert [each.period.elapsed for each in found] == [
            30 * DAY,
            30 * DAY - HOUR,
            61 * DAY - HOUR,
        ]
