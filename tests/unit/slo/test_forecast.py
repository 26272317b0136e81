"""The forecast beside a simulation that lets time go by second by second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.forecast import Counts, recovery, seconds_until_below
from exporter.slo.period import PeriodBounds
from exporter.slo.policy import DEFAULT_POLICY, BurnRate
from tests.helpers.thorough import examples

SLOT = 100
T = 1_700_000_000
BUDGET = 0.01


def counts(bad: list[float], total: list[float] | None = None) -> Counts:
    """Slots of 100 s, the newest ending at T."""
    total = total or [100.0] * len(bad)
    ends = T - SLOT * np.arange(len(bad) - 1, -1, -1, dtype=np.float64)
    return Counts(ends - SLOT, ends, np.array(bad), np.array(total), np.ones(len(bad)))


def simulated(bad: list[float], total: list[float], ratio: float) -> int:
    """Seconds until the ratio over the window is below the bound, one second after the other."""
    per_second = [
        (b / SLOT, n / SLOT) for b, n in zip(bad, total, strict=True) for _ in range(SLOT)
    ]
    length = len(per_second)
    rate = sum(total) / length
    left_bad, left_total = sum(bad), float(sum(total))
    for second, (b, n) in enumerate(per_second):
        if left_bad < ratio * left_total or left_bad <= 1e-9:
            return second
        left_bad, left_total = left_bad - b, left_total - n + rate
    return length


@examples(200)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(20, 200)), min_size=2, max_size=12),
    st.floats(0.001, 0.3),
)
def test_a_window_is_below_a_bound_when_time_has_shown_it(slots, ratio):
    """To the second, whatever the slots hold."""
    bad, total = [float(b) for b, _ in slots], [float(n) for _, n in slots]
    found = seconds_until_below(counts(bad, total), SLOT * len(slots), ratio)
    assert found == pytest.approx(simulated(bad, total, ratio), abs=1.01)


def test_the_part_of_a_slot_that_has_left_the_window_counts_no_more():
    """A window may begin inside of a coarse slot."""
    of = counts([10.0, 0.0, 0.0])
    assert seconds_until_below(of, 300, 0.01) == pytest.approx(70)
    assert seconds_until_below(of, 250, 0.01) == pytest.approx(25)
    assert seconds_until_below(of, 200, 0.01) == 0


class TestRecovery:
    SPAN = PeriodBounds(T - 1000, T, 1000)

    def ends(
        self, tier: str, of: Counts, since: int = T - 9_000, **changed: object
    ) -> float | None:
        policy = replace(DEFAULT_POLICY, **changed)
        found = policy.find(tier)
        assert found is not None
        return recovery(policy, found, since, of, self.SPAN, calendar=False, error_budget=BUDGET)

    def test_the_best_tier_has_none(self):
        """There is no better one."""
        assert self.ends("normal", counts([0.0] * 10)) is None

    def test_it_comes_when_enough_bad_slots_have_left(self):
        """Out of a freeze at 27%: 7.3 of the 10 events of the budget may be left."""
        of = counts([0.0, 0.0, 4.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        assert self.ends("freeze", of) == pytest.approx(T + 200 + 100 * 1.7 / 4, abs=1)
        assert self.ends("freeze", of, recover_margin=0.0) == pytest.approx(
            T + 200 + 100 * 1.5 / 4, abs=1
        )

    def test_the_stay_is_waited_for(self):
        """Also where the budget has recovered long ago."""
        of = counts([0.0] * 10)
        assert self.ends("freeze", of, since=T - 60) == T + 3_540

    def test_a_burn_rate_that_raises_the_tier_must_fall(self):
        """The later of both counts."""
        fast = [
            replace(tier, burn_rate=BurnRate(300, 2.0)) if tier.name == "freeze" else tier
            for tier in DEFAULT_POLICY.tiers
        ]
        of = counts([0.0] * 7 + [4.0, 4.0, 0.0])
        slow = self.ends("freeze", of)
        found = self.ends("freeze", of, tiers=tuple(fast))
        assert found is not None
        assert slow is not None
        # 8 of 300 in the window, 6 may be left: half of the first 4 have gone after 50 s.
        assert found == pytest.approx(max(slow, T + 50), abs=1)
        easy = counts([0.0] * 8 + [2.0, 5.0])
        assert self.ends("freeze", easy) == T
        # 7 of 300, 6 may be left: the 2 are in the second slot.
        assert self.ends("freeze", easy, tiers=tuple(fast)) == pytest.approx(T + 150, abs=1)

    def test_a_calendar_period_ends_at_the_latest(self):
        """Or earlier, where traffic without failures thins the others out."""
        policy, span = DEFAULT_POLICY, PeriodBounds(T - 1000, T + 5000, 1000)
        freeze = policy.tiers[2]
        [thin, end] = (
            recovery(
                policy,
                freeze,
                0,
                counts([0.0] * 9 + [bad]),
                span,
                calendar=True,
                error_budget=BUDGET,
            )
            for bad in (8.0, 80.0)
        )
        # 8 events are 73% of the budget of 1,095.9 events; one more comes every second.
        assert thin == pytest.approx(T + 8 / 0.0073 - 1000, abs=1)
        assert end == T + 5000
