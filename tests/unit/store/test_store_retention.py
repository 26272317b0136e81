"""How long slots are kept in a store, and of which groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exporter.slo.types import DAY, HOUR
from exporter.store import outside
from exporter.store.loading import SLACK
from exporter.store.store import Store
from tests.helpers.ledger.comparing import (
    chunks,
)
from tests.helpers.ledger.stored import KEY, START, changed, ledger, names, restart, save, settle


class TestRetention:
    def test_what_has_become_coarse_is_dropped(self, place):
        """Fine slots stay on disk no longer than in memory."""
        one, store = restart(place)
        settle(one, 0, START - 600, np.ones((1, 60)), np.ones((1, 60)))
        save(one, store)
        before = chunks(place)
        assert {slot for slot, _ in before} == {10}
        one.advance(START + 6_000)
        total = one.window(12_000).total[0]
        save(one, store)
        store.close()
        assert 10 not in {slot for slot, _ in chunks(place)}
        found, store = restart(place)
        store.close()
        assert found.window(12_000).total[0] == total == 60

    def test_nothing_is_dropped_before_what_it_has_become_is_stored(self, place):
        """That may be in a further piece of the same moment."""
        one, store = restart(place)
        settle(one, 0, START - 600, np.ones((1, 60)), np.ones((1, 60)))
        save(one, store)
        before = chunks(place)
        one.advance(START + 6_000)
        end, level_starts, changes = changed(one)
        store.write(end, level_starts, [], more=True)
        assert chunks(place) == before
        store.write(end, level_starts, changes)
        store.close()
        assert 10 not in {slot for slot, _ in chunks(place)}

    def test_the_period_and_some_slack_is_kept(self, place):
        """What no period reaches any more goes, whatever the ledger could hold."""
        owner = replace(KEY, keep=1_000)
        store = Store(place)
        store.load([owner])
        one = ledger(end=START)
        settle(one, 3, START - 23_040, np.ones((1, 40)), np.ones((1, 40)))
        save(one, store)
        assert len(chunks(place)) > 0
        for hours in range(5, 26, 5):  # a longer step might be a clock's
            store.write(START + hours * HOUR, [], [])
        store.close()
        assert chunks(place) == []

    def test_what_a_shorter_period_needs_no_more_is_kept_for_a_week(self, place):
        """The period may have been shortened by mistake, and likewise the interval changed."""
        store = Store(place)
        store.load([replace(KEY, keep=40 * DAY)])
        one = ledger(end=START)
        settle(one, 3, START - 23_040, np.ones((1, 40)), np.ones((1, 40)))
        settle(one, 0, START - 600, np.ones((1, 60)), np.ones((1, 60)))
        save(one, store)
        before = chunks(place)
        store.load([replace(KEY, keep=1_000)])
        store.write(START + 60, [(30, START)], [])
        for at in range(START + 60, START + 6 * DAY, 5 * HOUR):
            store.write(at, [(30, at - HOUR)], [])
        assert before
        assert chunks(place) == before
        for at in range(START + 6 * DAY, START + 8 * DAY, 5 * HOUR):
            store.write(at, [(30, at - HOUR)], [])
        store.close()
        assert chunks(place) == []

    def test_what_is_known_is_not_overwritten_by_unknown(self, place):
        """By a ledger that holds less of a chunk, once it is written for the first time."""
        one, store = restart(place)
        settle(one, 3, START - 23_040, np.ones((1, 40)), np.ones((1, 40)))
        save(one, store)
        less = ledger()
        store.load([KEY])
        settle(less, 3, START - 15_360 + 240, np.zeros((1, 1)), np.full((1, 1), 7.0))
        save(less, store)
        store.close()
        found, store = restart(place)
        store.close()
        assert found.window(24_000).total[0] == 40 - 1 + 7

    def test_a_longer_period_keeps_more(self, place):
        """From the first write on, whatever was to be kept before."""
        store = Store(place)
        store.load([replace(KEY, keep=1_000)])
        one = ledger(end=START)
        settle(one, 3, START - 23_040, np.ones((1, 40)), np.ones((1, 40)))
        save(one, store)
        before = chunks(place)
        store.load([replace(KEY, keep=SLACK)])
        store.write(START + SLACK + 3_600, [(240, 0)], [])
        store.close()
        assert before
        assert chunks(place) == before

    def test_a_group_is_forgotten_with_its_last_chunk(self, place):
        """Groups come and go for years; one that comes back is known anew."""
        one, store = restart(place, groups=2)
        settle(one, 0, START - 20, np.ones((2, 2)), np.ones((2, 2)))
        save(one, store)
        for at in range(START + 5 * HOUR, START + SLACK + KEY.keep + 6 * HOUR, 5 * HOUR):
            store.write(at, [], [])
        with outside.reading(place) as session:
            assert session.execute("SELECT labels FROM series").fetchall() == []
        one.advance(START + 10)
        settle(one, 0, START, np.ones((2, 1)), np.ones((2, 1)))
        save(one, store)
        assert store.load([KEY])[0].history.groups == names(2)
        store.close()

    def test_a_removed_slo_is_kept_for_its_period(self, place):
        """One that is put back finds its history; then the store forgets it."""
        one, store = restart(place)
        settle(one, 0, START - 20, [[1.0, 1.0]], [[2.0, 2.0]])
        save(one, store)
        other = replace(KEY, measured="something else")
        store.load([other])
        store.write(START + 7_200, [], [])
        assert len(store.load([KEY])) == 1
        store.load([other])
        for at in range(START + 5 * HOUR, START + SLACK + KEY.keep + 6 * HOUR, 5 * HOUR):
            store.write(at, [], [])
        assert store.load([KEY]) == {}
        store.close()


def test_groups_come_back_under_their_names(place):
    """Label values of any kind, each with its own counts."""
    one, store = restart(place, groups=3)
    settle(one, 0, START - 10, [[1.0], [2.0], [3.0]], [[10.0], [20.0], [30.0]])
    save(one, store)
    history = store.load([KEY])[0].history
    store.close()
    assert history.groups == names(3)
    picked = history.of_groups((names(3)[2], ("new",), names(3)[0]))
    assert picked.stretches[0].slots.total.sum(axis=1).tolist() == [30.0, 0.0, 10.0]
