"""Clocks that go wrong by more than slots tell: what was stored before stays, or comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from exporter.ledger.levels import Level
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import TierChange
from exporter.slo.types import DAY, HOUR
from exporter.store.store import Store
from exporter.store.stored import PolicyStates
from exporter.store.verification import verify
from tests.helpers.ledger.stored import KEY, START, changed, ledger, settle

LONG = replace(KEY, keep=30 * DAY)
FROZEN = START - 300 * DAY
YEARS = 3 * 365 * DAY
LEVELS = (Level(60, 12 * HOUR), Level(600, 4 * DAY))
STARTS = [(60, 0), (600, 0)]


def tiers(at: int) -> PolicyState:
    """Of an SLO that was frozen long ago, and freed at a moment."""
    frozen = TierChange(FROZEN, "normal", "freeze", "default", 0.1, None, None)
    freed = TierChange(at, "freeze", "normal", "default", 0.7, None, None)
    return PolicyState((frozen, freed))


@pytest.fixture
def store(place) -> Iterator[Store]:
    one = Store(place)
    one.load([LONG])
    yield one
    one.close()


def fill(store: Store, total: float, hours: int = 2) -> None:
    """Store some hours up to `START`, and a change of tier in them."""
    one = ledger(end=START, levels=LEVELS)
    count = hours * 60
    settle(one, 0, START - count * 60, np.zeros((1, count)), np.full((1, count), total))
    write(store, START, one)


def write(store: Store, end: int, one=None) -> None:
    """Store a change of tier by a clock that shows `end`, and slots."""
    changes = [] if one is None else changed(one)[2]
    store.write(end, STARTS, changes, PolicyStates([end], {(0, ("",)): tiers(end - 60)}))


def told(store: Store, key=LONG) -> tuple[int, list[int], float]:
    """What is stored: up to when, when tiers changed, and how many events there are."""
    [found] = store.load([key]).values()
    [states] = found.policy_states.values()
    total = sum(float(each.slots.total.sum()) for each in found.history.stretches)
    return found.history.end, [change.at for change in states.changes], total


class TestAhead:
    def test_one_step_after_the_other_is_undone(self, store):
        """As the first of them found it; whichever comes first is later than what is right."""
        fill(store, 1.0)
        before = told(store)
        for step in (12 * HOUR, 10 * DAY, YEARS):
            write(store, START + step)
        assert told(store)[:2] == (START + YEARS, [FROZEN, START + YEARS - 60])
        store.step_back([LONG], START + 60)
        assert told(store) == before

    def test_the_last_of_several_is_undone_alone(self, store):
        """Where the time was that of the one before."""
        fill(store, 1.0)
        write(store, START + 12 * HOUR)
        write(store, START + YEARS)
        store.step_back([LONG], START + 13 * HOUR)
        assert told(store)[:2] == (START + 12 * HOUR, [FROZEN, START + 12 * HOUR - 60])

    def test_a_change_of_the_configuration_meanwhile_does_not_matter(self, store):
        """Nor does it hide when the clock was right."""
        fill(store, 1.0)
        before = told(store)
        write(store, START + YEARS)
        store.load([replace(LONG, keep=3 * DAY)])
        write(store, START + YEARS + 60)
        store.step_back([LONG], START + 60)
        assert told(store) == before

    def test_what_is_put_back_is_sound(self, store, tmp_path):
        """Its checksums are right."""
        one = Store(tmp_path / "sealed")
        one.load([LONG])
        fill(one, 1.0)
        write(one, START + YEARS)
        one.step_back([LONG], START + 60)
        write(one, START + 60)
        one.close()
        assert verify(tmp_path / "sealed").damage == []


class TestBehind:
    def test_nothing_moves(self, store):
        """Slots of that time are stored, and nothing else."""
        fill(store, 1.0)
        before = told(store)
        for at in (START - 10 * DAY, 3_600, 3_660):
            write(store, at)
        assert told(store) == before

    def test_a_week_of_it_is_believed(self, store):
        """The clock that was ahead is not waited for."""
        fill(store, 1.0)
        for at in range(START - YEARS, START - YEARS + 7 * DAY, 5 * HOUR):
            write(store, at)
            assert told(store)[0] == START
        for at in range(START - YEARS + 7 * DAY, START - YEARS + 8 * DAY, 5 * HOUR):
            write(store, at)
        assert told(store)[0] == at

    def test_times_that_are_a_week_apart_are_no_week(self, store):
        """It was set again in between."""
        fill(store, 1.0)
        before = told(store)
        for at in (3_600, START - 10 * DAY, START - 2 * DAY):
            write(store, at)
        assert told(store) == before

    @pytest.mark.parametrize("total", [0.0, 1.0])
    def test_what_a_wrong_clock_has_stored_at_first_is_taken_back(self, store, total):
        """There are no events, or less than an hour of them: a machine was set right."""
        fill(store, total, hours=1 if total else 2)
        store.load([LONG])  # as by a start
        write(store, START - DAY)
        assert told(store) == (START - DAY, [FROZEN, START - DAY - 60], 0.0)
