"""When a budget is spent, against numbers computed by hand and a simulation minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.budget import Window
from exporter.slo.exhaustion import Holding, SoFar, holding
from exporter.slo.exhaustion import exhaustion as exhaustion_of
from exporter.slo.leaving import Slots
from exporter.slo.period import CalendarPeriod, Period, PeriodBounds, RollingPeriod
from exporter.slo.types import DAY, HOUR, MINUTE, Floats
from tests.helpers.thorough import examples

ALLOWED = 0.001
NOW = 1_700_000_100
MONTH = CalendarPeriod("month")
ROLLING = RollingPeriod(30 * DAY)


class Past:
    """Slots of several SLOs, by their place. `read` counts the slots that were asked for."""

    def __init__(self, *slots: Slots) -> None:
        self._of = slots
        self.read = 0

    def slots(self, places: Sequence[int], since: int, length: float) -> Slots:
        first = self._of[places[0]]
        chosen = (first.starts < since + length) & (first.ends > since)
        chosen[0] |= not chosen.any()
        self.read += len(places) * int(chosen.sum())
        bad, total = ([getattr(self._of[i], name)[0][chosen] for i in places] for name in COUNTS)
        return Slots(first.starts[chosen], first.ends[chosen], np.array(bad), np.array(total))

    def sums(self, places: Sequence[int], edges: Floats) -> tuple[Floats, Floats]:
        found = []
        for name in COUNTS:
            rows = []
            for of in (self._of[i] for i in places):
                upto = np.append(0, np.cumsum(getattr(of, name)[0]))
                ends = np.append(of.starts[0], of.ends)
                rows.append(np.diff(np.interp(edges, ends, upto)))
            found.append(np.array(rows))
        return found[0], found[1]


COUNTS = ("bad", "total")


def exhaustion(of: SoFar, now: Holding, past: Past | None = None) -> float:
    """That of one SLO."""
    [found] = exhaustion_of([of], [now], past)
    return found


def so_far(
    remaining: float,
    *,
    period: Period = ROLLING,
    bounds: PeriodBounds | None = None,
    known: float = 1.0,
    place: int = 0,
) -> SoFar:
    """A period with an event per second of what is known."""
    span = bounds or PeriodBounds(NOW - 30 * DAY, NOW, 30 * DAY)
    total = known * span.elapsed
    window = Window.of((1 - remaining) * ALLOWED * total, total, known, ALLOWED)
    return SoFar(window, remaining, ALLOWED, period, span, place)


def new_failures(remaining: float) -> Slots:
    """Traffic that was even for 30 days, and failures that leave last."""
    starts = np.array([NOW - 30.0 * DAY, NOW - 1e-3])
    bad, total = np.array([[0, (1 - remaining) * ALLOWED * 30 * DAY]]), np.array([[30 * DAY, 0.0]])
    return Slots(starts, np.append(starts[1:], NOW), bad, total)


@pytest.mark.parametrize(
    ("remaining", "burn_rate", "seconds"),
    [
        (1.0, 1.01, 30 * DAY / 1.01),
        (0.5, 1.0, 15 * DAY),
        (0.5, 0.9, 0.5 / 0.9 * 30 * DAY),
        (0.5, 0.4, inf),
        (1.0, 1.0, inf),
        (0.5, 15.0, DAY),
        (1.0, 1000.0, 2592.0),
        (1.0, 0.0, inf),
        (0.0, 0.0, 0.0),
        (0.0, 5.0, 0.0),
        (-3.0, 0.0, 0.0),
        (-3.0, 5.0, 0.0),
    ],
)
def test_a_rolling_budget_lasts_as_long_as_what_remains(remaining, burn_rate, seconds):
    """While the failures that are there stay, also those below a rate of 1 add up."""
    past = Past(new_failures(remaining))
    found = exhaustion(so_far(remaining), Holding(burn_rate, 1.0), past)
    assert found == pytest.approx(seconds, rel=1e-6)


@pytest.mark.parametrize(("burn_rate", "seconds"), [(0.9, inf), (10.0, 0.5 * 30 * DAY / 9.5)])
def test_without_the_slots_failures_leave_evenly(burn_rate, seconds):
    """As those of a budget that has burnt at the same rate all the time."""
    found = exhaustion(so_far(0.5), Holding(burn_rate, 1.0))
    assert found == pytest.approx(seconds, rel=1e-6)


@pytest.mark.parametrize(
    ("remaining", "burn_rate", "elapsed", "seconds"),
    [
        (0.5, 10.0, 15 * DAY, 15 * DAY * 0.5 / 9),
        (0.5, 1.0, 15 * DAY, inf),
        (0.1, 0.9, 15 * DAY, inf),  # all that comes makes the share of the bad ones smaller
        (0.5, 2.0, 25 * DAY, inf),  # the month is over before
        (0.5, 3.0, 25 * DAY, inf),
        (0.5, 4.0, 25 * DAY, 25 * DAY * 0.5 / 3),
        (0.0, 4.0, 25 * DAY, 0.0),
    ],
)
def test_a_calendar_budget_grows_with_the_traffic_and_ends(remaining, burn_rate, elapsed, seconds):
    """The next month has one of its own."""
    bounds = PeriodBounds(NOW - elapsed, NOW - elapsed + 30 * DAY, elapsed)
    found = exhaustion(so_far(remaining, period=MONTH, bounds=bounds), Holding(burn_rate, 1.0))
    assert found == pytest.approx(seconds, rel=1e-6)


def test_the_traffic_of_now_counts_for_an_hour():
    """Clients that try again spend what is left as many times as fast; a quiet night is slow."""
    for period in (ROLLING, MONTH):
        bounds = PeriodBounds(NOW - 29 * DAY, NOW + DAY, 29 * DAY) if period is MONTH else None
        of = so_far(0.5, period=period, bounds=bounds)
        usual = exhaustion(of, Holding(1000.0, 1.0))
        assert exhaustion(of, Holding(1000.0, 5.0)) == pytest.approx(usual / 5, rel=0.01)
        night = exhaustion(of, Holding(1000.0, 0.2))
        assert night == pytest.approx(
            HOUR + usual - 0.2 * HOUR if usual > 720 else usual * 5, rel=0.01
        )
        assert exhaustion(of, Holding(1000.0, 0.0)) == pytest.approx(HOUR + usual, rel=0.01)


def test_a_young_budget_grows_with_the_period():
    """Of a rolling period of which a tenth is known, nothing leaves for a long time."""
    span = PeriodBounds(NOW - 30 * DAY, NOW, 30 * DAY)
    starts = np.arange(NOW - 3 * DAY, NOW, HOUR, dtype=float)
    total = np.full(len(starts), float(HOUR))
    past = Past(Slots(starts, starts + HOUR, total[None] * ALLOWED / 2, total[None]))
    of = so_far(0.5, bounds=span, known=0.1)
    assert exhaustion(of, Holding(2.0, 1.0), past) == pytest.approx(1.5 * DAY)


def test_of_many_at_once_each_is_as_it_is_alone():
    """However soon each is spent, and whatever place it has."""
    days = np.arange(NOW - 30 * DAY, NOW, DAY, dtype=float)
    total = np.full((1, 30), float(DAY))
    even = [total * ALLOWED * (1 - left) for left in (0.2, 0.5, 0.9)]
    past = Past(*(Slots(days, days + DAY, bad, total) for bad in even))
    cases = [
        (so_far(left, place=place), Holding(rate, 1.0))
        for rate in (0.3, 0.85, 1.0, 3.0, 200.0)
        for place, left in ((2, 0.9), (0, 0.2), (1, 0.5))
    ]
    found = exhaustion_of([of for of, _ in cases], [now for _, now in cases], past)
    assert found == pytest.approx([exhaustion(of, now, past) for of, now in cases], rel=1e-9)
    assert inf in found
    assert min(found) < HOUR


def test_only_those_that_get_near_their_end_have_their_slots_read():
    """What is steady and within its budget is told by sums over long spans."""
    hours = np.arange(NOW - 30 * DAY, NOW, HOUR, dtype=float)
    total = np.full((1, len(hours)), float(HOUR))
    past = Past(Slots(hours, hours + HOUR, total * ALLOWED / 2, total))
    assert exhaustion(so_far(0.5), Holding(0.51, 1.0), past) == inf
    assert past.read == 0
    assert exhaustion(so_far(0.5), Holding(100.0, 1.0), past) < DAY
    assert 0 < past.read < len(hours) / 10


def by_minute(past: list[tuple[float, float]], minutes: int, bad: float) -> float:
    """Minutes until a window of so many minutes has spent its budget; one event each."""
    held = [*past]
    failed, events = sum(b for b, _ in held), sum(t for _, t in held)
    for minute in range(1, minutes + 1):
        left_bad, left_total = held[minute - 1]
        failed, events = failed + bad - left_bad, events + 1 - left_total
        if failed > ALLOWED * events * (1 + 1e-9):
            return minute
    return inf


spells = st.lists(
    st.tuples(st.integers(0, 590), st.integers(1, 60), st.floats(0, 0.01)), max_size=4
)


@examples(200)
@given(spells, st.floats(0.0, 20.0))
def test_old_failures_leave_when_they_do_in_a_simulation(found, burn_rate):
    """To the minute, over a window of ten hours in slots of five minutes."""
    minutes = 600
    past = [[0.0, 1.0] for _ in range(minutes)]
    for start, length, ratio in found:
        # Spells of whole slots: inside of one the ledger knows no more.
        for at in range(start // 5 * 5, min(minutes, (start + length) // 5 * 5)):
            past[at][0] = ratio
    remaining = 1 - sum(b for b, _ in past) / (ALLOWED * minutes)
    span = PeriodBounds(NOW - minutes * MINUTE, NOW, minutes * MINUTE)
    starts = np.arange(span.start, NOW, 5 * MINUTE, dtype=float)
    bad = np.array(past)[:, 0].reshape(-1, 5).sum(axis=1)
    slots = Past(Slots(starts, starts + 300, bad[None], np.full((1, 120), 5.0)))
    window = Window.of(bad.sum(), minutes, 1.0, ALLOWED)
    of = SoFar(window, remaining, ALLOWED, RollingPeriod(minutes * MINUTE), span)
    said = exhaustion(of, Holding(burn_rate, 1 / MINUTE), slots)
    if remaining <= 0:
        assert said == 0
        return
    for nudge in (1 - 1e-6, 1 + 1e-6):  # where it just touches, either is right
        happened = by_minute([tuple(each) for each in past], minutes, burn_rate * nudge * ALLOWED)
        if said == happened == inf or said / MINUTE == pytest.approx(happened, abs=1.01):
            return
    raise AssertionError((said / MINUTE, happened))


@pytest.mark.parametrize(
    ("newest", "hour", "rate"),
    [
        (100.0, 20.0, 100.0),  # an outage began
        (0.0, 20.0, 0.0),  # it is over
        (9.9, 20.0, 9.9),
        (15.0, 20.0, 20.0),  # the 5 minutes are only noisier
        (None, 20.0, 20.0),
        (3.0, None, None),
        (None, None, None),
    ],
)
def test_what_holds_now(newest, hour, rate):
    """Five minutes tell of the beginning and the end, the hour of what lies between."""
    rates = {"5m": (newest, 300.0), "1h": (hour, 7_200.0)}
    windows = {
        name: Window.of((burn or 0) * ALLOWED * total, total, float(burn is not None), ALLOWED)
        for name, (burn, total) in rates.items()
    }
    found = holding(windows, ROLLING, PeriodBounds(NOW - 30 * DAY, NOW, 30 * DAY))
    if rate is None:
        assert found is None
    else:
        assert found is not None
        assert found.burn_rate == pytest.approx(rate)
        assert found.traffic == pytest.approx(1.0 if rate == newest else 2.0)


def test_a_period_shorter_than_an_hour_holds_for_itself():
    """It has no window of an hour."""
    span = PeriodBounds(NOW - 1_800, NOW, 1_800)
    windows = {"5m": Window.of(0, 300, 1.0, 0.1), "30m": Window.of(90, 900, 1.0, 0.1)}
    assert holding(windows, RollingPeriod(1_800), span) == Holding(0.0, 1.0)
    del windows["5m"]
    assert holding(windows, RollingPeriod(1_800), span) == Holding(1.0, 0.5)
