"""Slots of counters that are read apart: five minutes together tell what cannot be."""

from __future__ import annotations

import numpy as np

from exporter.collection.resample import Resampled
from exporter.collection.slot_range import SlotRange
from exporter.ledger.slots import Slots
from exporter.slo.types import DAY, HOUR, SloIndex
from exporter.state.evaluation_state import EvaluationState
from tests.helpers.samples import slo

END = 1_700_000_100 - 1_700_000_100 % 300 + 300
SLO = SloIndex(0)


def state(*, together: bool = False) -> EvaluationState:
    made = EvaluationState([slo(period=DAY)], 30, [60], lambda _: 0 if together else 60)
    made.go_to(END)
    return made


def record(one: EvaluationState, start: int, bad: list[float], total: float = 30) -> None:
    """Slots that follow `start`, as an answer has them."""
    array = np.array([bad])
    slots = Slots(array, np.full(array.shape, total), np.ones(array.shape, dtype=np.float32))
    span = SlotRange(start, start + 30 * len(bad), 30)
    one.record(0, SLO, span, {(): Resampled(slots, None)}, END)


def known(one: EvaluationState, start: int, end: int) -> tuple[float, float, float]:
    sums = one.ledger.between(start, end)
    return sums.bad.item(), sums.total.item(), round(sums.known.item(), 6)


def test_what_cannot_be_is_taken_out():
    """All five minutes of it, and why is told."""
    one = state()
    record(one, END - 600, [0] * 10 + [90] * 10)
    assert known(one, END - 300, END) == (0, 0, 0)
    assert known(one, END - 600, END - 300) == (0, 300, 1)
    words = "900 bad of 300 events in 5m: bad must be part of total"
    assert one.impossible.newest(END - HOUR) == {SLO: {(): words}}
    assert one.impossible.newest(END) == {}


def test_it_is_the_same_slot_by_slot():
    """As it is polled; before the five minutes are over nothing is taken out."""
    one = state()
    for n in range(10):
        assert known(one, END - 300, END) == (90 * n, 30 * n, n / 10)
        record(one, END - 300 + 30 * n, [90])
    assert known(one, END - 300, END) == (0, 0, 0)


def test_what_evens_out_stays():
    """A scrape that comes a slot later than its other half."""
    one = state()
    record(one, END - 300, [60, -30, 60, -30, 30, 30, 30, 30, 30, 30])
    assert known(one, END - 300, END) == (240, 300, 1)
    assert one.impossible.newest(0) == {}


def test_counters_of_one_metric_are_judged_before():
    """Slot by slot, where they are counted: here they are taken as they are."""
    one = state(together=True)
    record(one, END - 300, [90] * 10)
    assert known(one, END - 300, END) == (900, 300, 1)


def test_the_store_is_told():
    """The slots count as changed."""
    one = state()
    one.ledger.changes()
    record(one, END - 300, [90] * 10)
    assert one.ledger.changes()
