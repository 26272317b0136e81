"""The evaluation: from sums per window to states, budgets, alerts and tiers."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.policy import BurnRate, Gate, Policy, Tier
from exporter.slo.snapshot import DataState
from exporter.slo.types import DAY
from exporter.slo.windows import windows
from tests.helpers.samples import AT, every_window, names, slo, snapshot, status, subject

GOOD = (0.0, 1000.0, 1.0)
IDLE = (0.0, 0.0, 1.0)
UNKNOWN = (0.0, 0.0, 0.0)


def spent(share: float) -> tuple[float, float, float]:
    """Sums of an SLO of 99.9% that has spent this share of its budget."""
    return (1000 * share, 1_000_000.0, 1.0)


class TestDataState:
    def test_traffic_is_ok(self):
        """Events in the newest window make the data ok."""
        assert status(subject(slo()), GOOD).state is DataState.OK

    def test_zero_events_are_no_traffic(self):
        """A newest window that is known and empty is no traffic, with values."""
        of = slo()
        found = status(subject(of), every_window(of, IDLE, period=GOOD))
        assert found.state is DataState.NO_TRAFFIC
        assert found.windows["1h"].burn_rate == 0.0

    def test_an_unknown_newest_window_is_no_data(self):
        """Prometheus answers, but the series do not exist: the last minutes are unknown."""
        of = slo()
        sums = {**every_window(of, GOOD), "5m": UNKNOWN}
        assert status(subject(of), sums).state is DataState.NO_DATA

    def test_no_answer_is_stale_whatever_is_known(self):
        """An SLO that Prometheus has not answered for is stale, with or without data."""
        for sums in (GOOD, IDLE, UNKNOWN):
            assert status(subject(slo(), answered=False), sums).state is DataState.STALE

    def test_no_traffic_over_the_period_keeps_the_whole_budget(self):
        """0/0 is a state and not a number: the budget is untouched, the tier the best."""
        found = status(subject(slo()), IDLE)
        assert found.budget is not None
        assert found.budget.remaining == 1.0
        assert found.tier is not None
        assert found.tier.name == "normal"
        assert found.exhaustion_seconds == inf


class TestBurning:
    POLICY = Policy(
        "own",
        (
            Tier("fine", 0.5, Gate.ALLOW, ""),
            Tier("bad", -inf, Gate.BLOCK, "", burn_rate=BurnRate(3600, 14.4)),
        ),
    )

    def test_a_tier_is_entered_early_by_the_burn_rate_of_its_window(self):
        """Budget is left, but the last hour burns 15 times too fast."""
        of = slo(policy=self.POLICY)
        for hour, name in (((150.0, 10_000.0, 1.0), "bad"), (GOOD, "fine")):
            found = status(subject(of), every_window(of, GOOD) | {"1h": hour})
            assert found.tier is not None
            assert found.tier.name == name

    def test_a_window_that_a_short_period_does_not_have_raises_nothing(self):
        """An SLO over an hour has no window of an hour besides its period."""
        of = slo(policy=self.POLICY, period=3600)
        found = status(subject(of), every_window(of, (0.0, 1000.0, 1.0)))
        assert found.tier is not None
        assert found.tier.name == "fine"


class TestStale:
    def test_burn_rates_are_withheld_and_the_budget_is_held(self):
        """What changes by the minute goes; what changes by the day stays."""
        found = status(subject(slo(), answered=False), spent(0.6))
        assert dict(found.windows) == {}
        assert found.exhaustion_seconds is None
        assert [alert.firing for alert in found.alerts] == [None] * 4
        assert found.budget is not None
        assert found.budget.remaining == pytest.approx(0.4)
        assert found.tier is not None
        assert found.tier.name == "slow_down"

    def test_thresholds_and_coverage_are_still_told(self):
        """They do not depend on an answer."""
        found = status(subject(slo(), answered=False), (0.0, 10.0, 0.25))
        assert [alert.threshold for alert in found.alerts] == [14.4, 6.0, 3.0, 1.0]
        assert found.coverage == 0.25

    def test_an_slo_that_never_had_data_has_neither_budget_nor_tier(self):
        """There is nothing to hold."""
        found = status(subject(slo(), answered=False, last_slot=None), UNKNOWN)
        assert (found.budget, found.tier, found.last_slot) == (None, None, None)


class TestWindows:
    def test_an_unknown_window_has_no_value(self):
        """A window of which nothing is known has no ratio; the others have theirs."""
        of = slo()
        sums = {**every_window(of, GOOD), "1h": UNKNOWN}
        found = status(subject(of), sums)
        assert found.windows["1h"].burn_rate is None
        assert found.windows["2h"].burn_rate == 0.0
        assert found.exhaustion_seconds is None

    def test_every_window_of_the_period_is_there(self):
        """The windows are those of the SLO's own period, not of another's."""
        short, long = slo(name="short", period=DAY), slo(name="long", period=90 * DAY)
        found = snapshot((subject(short), GOOD), (subject(long), GOOD))
        expected = [tuple(name for name, _ in windows(each.period, AT)) for each in (short, long)]
        assert [tuple(each.windows) for each in found.slos] == expected

    def test_figures_are_computed_from_the_subjects_own_sums(self):
        """Neither another window's nor another SLO's counts are taken."""
        first, second = slo("99", name="first"), slo("90", name="second")
        one = every_window(first, (1.0, 10.0, 1.0), period=(2.0, 100.0, 0.5))
        two = every_window(second, (4.0, 10.0, 1.0), period=(30.0, 200.0, 0.75))
        found = snapshot((subject(first), one), (subject(second), two)).slos
        assert found[0].windows["1h"].burn_rate == pytest.approx(0.1 / 0.01)
        assert found[1].windows["1h"].burn_rate == pytest.approx(0.4 / 0.1)
        assert found[0].windows["30d"].error_ratio == 0.02
        assert found[0].coverage == 0.5
        assert found[1].windows["30d"].error_ratio == 0.15
        assert found[1].coverage == 0.75
        assert found[1].budget is not None
        assert found[1].budget.remaining == pytest.approx(-0.5)

    def test_the_exhaustion_is_that_of_the_last_hours_burn_rate(self):
        """Half of it goes at 10 times over the hour, while the other half leaves evenly."""
        of = slo()
        hour = 1_000_000 / 720  # of what a month has
        sums = {
            **every_window(of, spent(0.5)),
            "5m": (0.006 * hour / 12, hour / 12, 1.0),
            "1h": (0.01 * hour, hour, 1.0),
        }
        assert status(subject(of), sums).exhaustion_seconds == pytest.approx(15 * DAY / 9.5)


class TestAlerts:
    @pytest.mark.parametrize(
        ("long", "short", "firing"),
        [
            (14.5, 14.5, True),
            (14.5, 14.3, False),
            (14.3, 14.5, False),
            (14.4, 14.4, False),
            (1000.0, 0.0, False),
        ],
    )
    def test_both_windows_must_exceed_the_threshold(self, long, short, firing):
        """The long window tells that it matters, the short one that it still goes on."""
        of = slo()
        sums = {
            **every_window(of, GOOD),
            "1h": (long * 1000, 1_000_000.0, 1.0),
            "5m": (short * 1000, 1_000_000.0, 1.0),
        }
        # 14.4 x 1000 / 1e6 / 0.001 is 14.4 in floats too, so that the fourth case is exact.
        assert status(subject(of), sums).alerts[0].firing is firing

    @pytest.mark.parametrize("window", ["1h", "5m"])
    def test_a_rung_is_unknown_while_one_of_its_windows_is(self, window):
        """Not knowing is neither firing nor resting."""
        of = slo()
        sums = {**every_window(of, (1.0, 1.0, 1.0)), window: UNKNOWN}
        firing = [str(a.condition) for a in status(subject(of), sums).alerts if a.firing is None]
        assert firing == ["page 1h/5m"]

    def test_rungs_that_can_never_fire_are_not_there(self):
        """At an objective of 90% a burn rate of 14.4 is impossible."""
        found = status(subject(slo("90")), GOOD)
        assert [str(alert.condition) for alert in found.alerts] == [
            "page 6h/30m",
            "ticket 1d/2h",
            "ticket 3d/6h",
        ]


class TestServices:
    def test_the_worst_tier_of_a_service_is_its_own(self):
        """Each service has one tier: the worst among its SLOs, in whatever order they stand."""
        cases = [("auth", 0.1), ("auth", 0.8), ("mail", 0.6), ("auth", 0.6), ("mail", 0.2)]
        found = snapshot(
            *((subject(slo(service=s, name=str(i))), spent(x)) for i, (s, x) in enumerate(cases))
        )
        tiers = {service.service: service.tier.name for service in found.services}
        assert tiers == {"auth": "freeze", "mail": "slow_down"}
        assert len(found.services) == 2

    def test_an_slo_without_tier_does_not_count(self):
        """What is unknown makes a service neither better nor worse."""
        found = snapshot(
            (subject(slo(service="auth", name="a")), UNKNOWN),
            (subject(slo(service="auth", name="b")), spent(0.95)),
            (subject(slo(service="mail")), UNKNOWN),
        )
        assert [(service.service, service.tier.name) for service in found.services] == [
            ("auth", "incident")
        ]

    def test_the_strictest_gate_is_a_services_tier(self):
        """Between tiers of two policies the gate decides, and not their place."""
        short = Policy("own", (Tier("a", 0.5, Gate.ALLOW, ""), Tier("b", -inf, Gate.BLOCK, "")))
        long = replace(short, tiers=tuple(Tier(c, -ord(c), Gate.CAUTION, "") for c in "abc"))
        for order in (1, -1):
            found = snapshot(
                *(
                    (subject(slo(name=str(i), policy=policy)), spent(0.9))
                    for i, policy in list(enumerate((short, long)))[::order]
                )
            )
            assert [service.tier.name for service in found.services] == ["b"]

    @given(st.lists(st.floats(0, 3), min_size=1, max_size=6))
    def test_a_services_tier_is_that_of_its_least_remaining_budget(self, shares):
        """With one policy the worst tier belongs to the SLO with the least left."""
        found = snapshot(
            *((subject(slo(name=str(i))), spent(share)) for i, share in enumerate(shares))
        )
        worst = min(found.slos, key=lambda one: one.budget.remaining if one.budget else inf)
        assert found.services[0].tier is worst.tier


class TestGroups:
    def test_a_group_that_left_the_period_vanishes(self):
        """Its last known slot has gone by: there is nothing left to tell of it."""
        of = slo(group_by=("region",))
        found = snapshot(
            (subject(of, groups={"region": "eu"}), GOOD),
            (subject(of, groups={"region": "us"}), UNKNOWN),
        )
        assert [dict(each.groups) for each in found.slos] == [{"region": "eu"}]

    def test_an_slo_without_groups_stays_without_data(self):
        """It was asked for by name, so that its state says what is wrong."""
        found = snapshot((subject(slo()), UNKNOWN))
        assert names(found.slos) == ["availability"]
        assert found.slos[0].state is DataState.NO_DATA
        assert found.slos[0].coverage == 0.0


def test_what_is_known_besides_the_counts_is_passed_on():
    """The problem, the newest slot and the counters of events are the subject's."""
    found = status(subject(slo(), problem="too many samples"), GOOD)
    assert found.problem == "too many samples"
    assert (found.last_slot, found.events_total, found.bad_events_total) == (AT, 7000.0, 7.0)
    assert snapshot().at == AT
    assert (snapshot().slos, snapshot().services) == ((), ())
