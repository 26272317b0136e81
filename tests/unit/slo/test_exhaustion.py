"""When a budget is spent, against numbers computed by hand and a simulation minute by minute."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.budget import Window
from exporter.slo.exhaustion import Holding, SoFar, exhaustion, holding
from exporter.slo.forecast import Counts
from exporter.slo.period import CalendarPeriod, Period, PeriodBounds, RollingPeriod
from exporter.slo.types import DAY, HOUR, MINUTE
from tests.helpers.thorough import examples

ALLOWED = 0.001
NOW = 1_700_000_100
MONTH = CalendarPeriod("month")
ROLLING = RollingPeriod(30 * DAY)


def so_far(
    remaining: float,
    *,
    period: Period = ROLLING,
    bounds: PeriodBounds | None = None,
    known: float = 1.0,
    past: Counts | None = None,
) -> SoFar:
    """A period with an event per second of what is known."""
    span = bounds or PeriodBounds(NOW - 30 * DAY, NOW, 30 * DAY)
    total = known * span.elapsed
    window = Window.of((1 - remaining) * ALLOWED * total, total, known, ALLOWED)
    return SoFar(window, remaining, ALLOWED, period, span, None if past is None else lambda _: past)


def new_failures(remaining: float) -> Counts:
    """Traffic that was even for 30 days, and failures that leave last."""
    starts = np.array([NOW - 30.0 * DAY, NOW - 1e-3])
    bad, total = np.array([0, (1 - remaining) * ALLOWED * 30 * DAY]), np.array([30 * DAY, 0.0])
    return Counts(starts, np.append(starts[1:], NOW), bad, total, np.ones(2))


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
    found = exhaustion(so_far(remaining, past=new_failures(remaining)), Holding(burn_rate, 1.0))
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
    past = Counts(starts, starts + HOUR, total * ALLOWED / 2, total, np.ones(len(starts)))
    of = so_far(0.5, bounds=span, known=0.1, past=past)
    assert exhaustion(of, Holding(2.0, 1.0)) == pytest.approx(1.5 * DAY)


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


def only_until(counts: Counts, span: PeriodBounds) -> Callable[[float], Counts]:
    """Gives the slots that were asked for alone."""

    def past(length: float) -> Counts:
        chosen = counts.starts < span.start + length
        columns = (counts.starts, counts.ends, counts.bad, counts.total, counts.known)
        return Counts(*(column[chosen] for column in columns))

    return past


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
    counts = Counts(starts, starts + 300, bad, np.full(120, 5.0), np.ones(120))
    window = Window.of(bad.sum(), minutes, 1.0, ALLOWED)
    of = SoFar(
        window, remaining, ALLOWED, RollingPeriod(minutes * MINUTE), span, only_until(counts, span)
    )
    said = exhaustion(of, Holding(burn_rate, 1 / MINUTE))
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
