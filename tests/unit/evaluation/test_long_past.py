"""Days before the ledger's slots: held against plain Python."""

from __future__ import annotations

import random

import numpy as np
import pytest

from exporter.evaluation.long_past import with_days
from exporter.ledger.history import History, Stretch
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.event_history import EventHistory
from exporter.slo.types import DAY, HOUR

NOON = 1_699_963_200
assert NOON % DAY == 43_200


def hours(start: int, end: int) -> dict[int, tuple[float, float, float, float]]:
    """Bad, total, known and excluded of hours, by their end."""
    draw = random.Random(start)
    return {
        at: (
            float(draw.randrange(10)),
            float(draw.randrange(10, 1_000)),
            *draw.choice([(1.0, 0.0), (0.5, 0.5), (0.75, 0.0)]),
        )
        for at in range(start + HOUR, end + 1, HOUR)
    }


def ledger(counts) -> EventHistory:
    ends = sorted(counts)
    columns = np.array([counts[at] for at in ends]).T
    return EventHistory(np.array([ends[0] - HOUR, *ends], dtype=float), *columns)


def days(counts, groups=((),)) -> History:
    """Days as they are stored: with what lies in maintenance windows, and that apart."""
    ends = sorted({-(-at // DAY) * DAY for at in counts})
    ends = list(range(ends[0], ends[-1] + 1, DAY))
    slots, out = Slots.none(1, len(ends)), Slots.none(1, len(ends))
    for at, (bad, total, known, excluded) in counts.items():
        i = ends.index(-(-at // DAY) * DAY)
        slots.bad[0, i] += bad + 5 * excluded  # what is excluded had events, too
        slots.total[0, i] += total + 7 * excluded
        slots.known[0, i] += (known + excluded) / 24
        out.bad[0, i] += 5 * excluded
        out.total[0, i] += 7 * excluded
        out.known[0, i] += excluded / 24
    asked = np.full(len(ends), SlotStatus.SETTLED, dtype=np.uint8)
    return History(ends[-1], groups, (Stretch(DAY, ends[0] - DAY, slots, out, asked),))


def sums(counts, start: int, end: int) -> tuple[float, ...]:
    inside = [values for at, values in counts.items() if start < at <= end]
    return tuple(sum(column) for column in zip(*inside, strict=True)) if inside else (0, 0, 0, 0)


def assert_sums(found: EventHistory, counts, start: int, end: int) -> None:
    got = found.between([start, end])
    wanted = sums(counts, start, end)
    length = (end - start) / HOUR
    excluded = 0.0 if got.excluded is None else got.excluded[0]
    values = (got.bad[0], got.total[0], got.known[0] * length, excluded * length)
    assert values == pytest.approx(wanted, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("begins", [NOON - 35 * DAY, NOON - 35 * DAY - 12 * HOUR])
def test_every_day_is_counted_once(begins):
    """Whether the ledger begins within a day, or with one."""
    counts = hours(NOON - 100 * DAY - 12 * HOUR, NOON)
    found = with_days(ledger({at: counts[at] for at in counts if at > begins}), days(counts), ())
    start = NOON - 100 * DAY - 12 * HOUR
    for low in range(start, NOON - 12 * HOUR, 5 * DAY):
        high = min(low + 5 * DAY, NOON - 12 * HOUR)
        assert_sums(found, counts, low, high)
    assert_sums(found, counts, start, NOON)


def test_a_day_that_the_ledger_knows_better_is_its_own():
    """The stored day may be of a time when less was known."""
    begins = NOON - 3 * DAY
    counts = hours(NOON - 10 * DAY - 12 * HOUR, NOON)
    cut = begins + 12 * HOUR
    known = {at: v for at, v in counts.items() if not cut - DAY < at <= cut or at > cut - HOUR}
    own = {at: counts[at] for at in counts if at > begins}
    found = with_days(ledger(own), days(known), ())
    assert_sums(found, counts, begins, NOON)
    assert_sums(found, counts, NOON - 10 * DAY - 12 * HOUR, cut - DAY)
    assert found.between([cut - DAY, begins]).known[0] == 0


def test_without_days_nothing_changes():
    """No days, those of another group, or none before the ledger's."""
    counts = hours(NOON - 3 * DAY, NOON)
    own = ledger(counts)
    assert with_days(own, History(NOON, (), ()), ()) is own
    assert with_days(own, days(hours(NOON - 9 * DAY, NOON), (("eu",),)), ("us",)) is own
    newer = {at: v for at, v in counts.items() if at > NOON - DAY}
    assert with_days(own, days(newer), ()) is own


def test_days_that_are_missing_are_unknown():
    """A hole stays one."""
    counts = hours(NOON - 60 * DAY - 12 * HOUR, NOON)
    hole = (NOON - 50 * DAY - 12 * HOUR, NOON - 45 * DAY - 12 * HOUR)
    left = {at: v for at, v in counts.items() if not hole[0] < at <= hole[1]}
    own = ledger({at: counts[at] for at in counts if at > NOON - 30 * DAY})
    found = with_days(own, days(left), ())
    assert found.between(hole).known[0] == 0
    assert_sums(found, counts, NOON - 60 * DAY - 12 * HOUR, hole[0])
