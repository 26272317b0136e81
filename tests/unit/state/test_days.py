"""Days that are over are stored as sums of slots, held against plain Python."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from exporter.ledger.history import History
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import DAY, HOUR
from exporter.state.evaluation_state import EvaluationState
from exporter.store.days import KEPT
from exporter.store.store import Store
from tests.helpers.ledger.slots import counted
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy

END = 1_700_006_400 - 1_700_006_400 % DAY + 9 * HOUR
"""Nine hours into a day of UTC."""

Counts = dict[int, tuple[float, float]]
"""Bad and all events of hours, by their end."""


@pytest.fixture
def store(place) -> Iterator[Store]:
    """A store, in a file or in PostgreSQL."""
    one = Store(place)
    yield one
    one.close()


def state_at(end: int, count: int = 2) -> EvaluationState:
    """Of some SLOs of 30 days, of which nothing is known."""
    one = EvaluationState([slo(name=f"slo-{i}") for i in range(count)], 60)
    one.ledger.advance(end)
    return one


def hours(start: int, end: int, seed: int = 1) -> Counts:
    draw = random.Random(seed)
    found = {}
    for at in range(start + HOUR, end + 1, HOUR):
        total = float(draw.randrange(1, 1_000))
        found[at] = (float(draw.randrange(0, int(total) + 1)), total)
    return found


def write(state: EvaluationState, counts: Counts) -> None:
    """Put hours of the first SLO into whatever slots the ledger has of their time."""
    ledger = state.ledger
    for level, each in enumerate(ledger.levels):
        low, high = ledger.cover(level)
        parts = [
            (at - HOUR + i * each.slot, bad * each.slot / HOUR, total * each.slot / HOUR)
            for at, (bad, total) in sorted(counts.items())
            for i in range(HOUR // each.slot)
        ]
        for start, bad, total in parts:
            if low <= start < high:
                ledger.write(level, [0], start, counted([[bad]], [[total]]))
                state.ledger.mark(
                    level,
                    0,
                    start,
                    counted([[0]], [[0]]).known[0].astype("u1") * 0 + SlotStatus.SETTLED,
                )


def save(state: EvaluationState, store: Store) -> int:
    unsaved = state.take_unsaved()
    days = len(unsaved.days)
    unsaved.write(store)
    return days


def stored(store: Store) -> dict[int, tuple[float, float, float]]:
    """The days of the first SLO that are known: bad, total, known."""
    history = store.days([0]).get(0, History(0, (), ()))
    return {
        stretch.start + (i + 1) * DAY: (
            float(stretch.slots.bad[0, i]),
            float(stretch.slots.total[0, i]),
            float(stretch.slots.known[0, i]),
        )
        for stretch in history.stretches
        for i in range(len(stretch.asked))
        if stretch.slots.known[0, i] > 0
    }


def expected(counts: Counts, until: int) -> dict[int, tuple[float, float, float]]:
    """The same, summed up hour by hour."""
    found: dict[int, tuple[float, float, float]] = {}
    for at, (bad, total) in counts.items():
        day = -(-at // DAY) * DAY
        if day <= until:
            before = found.get(day, (0.0, 0.0, 0.0))
            found[day] = (before[0] + bad, before[1] + total, before[2] + 1 / 24)
    return found


def assert_same(found, wanted) -> None:
    assert list(found) == sorted(wanted)
    for day, values in wanted.items():
        assert found[day] == pytest.approx(values, rel=1e-6)


TODAY = END // DAY * DAY


def begun(store: Store) -> EvaluationState:
    state = state_at(END)
    store.load(state.keys())
    return state


def test_all_that_the_ledger_has_are_stored_at_the_beginning(store):
    """So does an upgrade: of a store that has none, days are made of what is there."""
    state, counts = begun(store), hours(END - 30 * DAY, END)
    write(state, counts)
    save(state, store)
    found, wanted = stored(store), expected(counts, TODAY)
    assert_same(found, wanted)
    assert len(found) == 30  # the oldest in part


def test_a_day_is_stored_once_it_is_over(store):
    """Nothing is written in between."""
    state, counts = begun(store), hours(END - 3 * DAY, END)
    write(state, counts)
    save(state, store)
    before = stored(store)
    state.ledger.advance(END + 20 * HOUR)  # past midnight, but not by six hours
    assert save(state, store) == 0
    more = hours(END, END + 20 * HOUR, seed=2)
    write(state, more)
    assert save(state, store) == 0
    state.ledger.advance(END + 22 * HOUR)
    assert save(state, store) > 0
    assert_same(stored(store), before | expected(counts | more, TODAY + DAY))


def test_they_outlive_the_period(store):
    """The ledger forgets what is older; the days stay."""
    state, counts = begun(store), hours(END - 30 * DAY, END)
    write(state, counts)
    save(state, store)
    first = stored(store)
    state.ledger.advance(END + 60 * DAY)
    save(state, store)
    assert_same(stored(store), first)
    store.close()


def test_after_thirteen_months_they_are_deleted(store):
    """In chunks of 64 days."""
    state, counts = begun(store), hours(END - 30 * DAY, END)
    write(state, counts)
    save(state, store)
    assert stored(store)
    # Nothing is deleted while the clock may just be wrong: for a week after a step of it.
    for later in range(0, 8 * DAY, 6 * HOUR):
        state.ledger.advance(END + KEPT + 70 * DAY + later)
        state.give_all_back()
        save(state, store)
        if later <= 6 * DAY:
            assert len(stored(store)) >= 30
    assert stored(store) == {}


def test_what_is_read_later_is_stored_then(store):
    """History that is read after the first days were stored, and late samples."""
    state, counts = begun(store), hours(END - 30 * DAY, END)
    write(state, {at: counts[at] for at in counts if at > END - DAY})
    save(state, store)
    for back in (2, 5, 12, 30):  # as history is read, newest first
        write(state, {at: counts[at] for at in counts if at > END - back * DAY})
        save(state, store)
        until = {at: counts[at] for at in counts if at > END - back * DAY}
        assert_same(stored(store), expected(until, TODAY))


def test_slots_that_merge_write_no_day_again(store):
    """Hours go by, slots become coarser: no sum has changed."""
    state, counts = begun(store), hours(END - 10 * DAY, END)
    write(state, counts)
    save(state, store)
    for hour in range(1, 12):
        state.ledger.advance(END + hour * HOUR)
        assert save(state, store) == 0


def test_what_is_known_is_not_lost_to_a_daemon_that_knows_less(store):
    """One that begins with an empty ledger writes less of the same days."""
    state, counts = begun(store), hours(END - 10 * DAY, END)
    write(state, counts)
    save(state, store)
    first = stored(store)
    behind = begun(store)
    write(behind, {at: counts[at] for at in list(counts)[:30]})
    save(behind, store)
    assert_same(stored(store), first)


def test_what_could_not_be_stored_is_taken_again(store):
    """Days that were taken are given back with the rest."""
    state, counts = begun(store), hours(END - 10 * DAY, END)
    write(state, counts)
    unsaved = state.take_unsaved()
    state.give_back(unsaved)
    assert save(state, store) > 0
    assert_same(stored(store), expected(counts, TODAY))
