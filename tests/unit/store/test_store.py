"""The store: what is written comes back, for whom, and for how long it is kept."""

from __future__ import annotations

import copy
import math
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import Level
from exporter.ledger.slot_status import SlotStatus
from exporter.store.loading import SLACK
from exporter.store.store import Store
from tests.helpers.ledger.slots import counted
from tests.helpers.ledger.stored import KEY, SMALL, START, ledger, names, restart, save, settle

LENGTHS = [10, 30, 100, 600, 610, 2_000, 2_400, 2_410, 12_000, 17_777, 24_000]

counts = st.one_of(
    st.none(), st.tuples(st.integers(0, 50), st.integers(0, 1000), st.sampled_from([0.0, 0.5, 1.0]))
)
writes = st.tuples(
    st.just("settle"), st.integers(0, 3), st.integers(-6, 90), st.lists(counts, min_size=1)
)
advances = st.tuples(st.just("advance"), st.one_of(st.integers(0, 900), st.integers(0, 23_900)))
lives = st.lists(
    st.one_of(writes, writes, advances, st.just(("save",)), st.just(("die",)), st.just(("end",))),
    max_size=14,
)


def assert_same(found: Ledger, expected: Ledger) -> None:
    """Every window, every slot and what was asked are the same, to the last digit."""
    assert found.end == expected.end
    for excluded in (False, True):
        for length in LENGTHS:
            one, other = (each.window(length, excluded=excluded) for each in (found, expected))
            for name in ("bad", "total", "known"):
                assert getattr(one, name).tolist() == getattr(other, name).tolist(), length
    for level in range(len(SMALL)):
        asked, before = found.asked(level), expected.asked(level)
        assert ((asked == SlotStatus.SETTLED) == (before == SlotStatus.SETTLED)).all()
        for row in range(expected.series_count):
            for a, b in zip(
                found.read(level, row).arrays(), expected.read(level, row).arrays(), strict=True
            ):
                assert a.tolist() == b.tolist()


class TestRestarts:
    @settings(max_examples=120, deadline=None)
    @given(lives, st.integers(1, 2))
    def test_leave_no_trace(self, life, groups):
        """Whatever is counted, however time goes on: a ledger out of the store is the same.

        One that dies goes on from where it was last stored, one that ends from where it ended.
        """
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            one, store = restart(folder, groups)
            undisturbed = copy.deepcopy(one)
            safe = copy.deepcopy(one)
            for what, *how in life:
                if what == "settle":
                    level, back, slots = how
                    start = one.cover(level)[1] - back * SMALL[level].slot
                    bad = [[each[0] if each else 0 for each in slots]] * groups
                    total = [[each[1] if each else math.nan for each in slots]] * groups
                    part = [[each[2] if each else 0 for each in slots]] * groups
                    whole = counted(bad, total)
                    out = counted(whole.bad * part, whole.total * part)
                    out.known[:] = whole.known * part
                    for each in (one, undisturbed):
                        settle(each, level, start, bad, total, excluded=out)
                elif what == "advance":
                    one.advance(one.end + how[0])
                    undisturbed.advance(undisturbed.end + how[0])
                else:
                    if what != "die":
                        save(one, store)
                        safe = copy.deepcopy(undisturbed)
                    if what != "save":
                        store.close()
                        one, store = restart(folder, groups)
                        undisturbed = copy.deepcopy(safe)
                assert_same(one, undisturbed)
            store.close()

    def test_time_that_goes_by_meanwhile_merges_as_usual(self, tmp_path):
        """Fine slots that were stored have become coarse ones by the time they are read."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 600, np.ones((1, 60)), np.full((1, 60), 2.0))
        settle(one, 1, START - 2_400, np.ones((1, 60)), np.full((1, 60), 6.0))
        save(one, store)
        store.close()
        found, store = restart(tmp_path)
        store.close()
        for each in (one, found):
            each.advance(START + 7_000)
        assert_same(found, one)
        assert found.window(12_000).total[0] == 60 * 2 + 60 * 6

    def test_nothing_is_written_twice(self, tmp_path):
        """What the store has already is no change."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 100, np.ones((1, 10)), np.ones((1, 10)))
        assert save(one, store) > 0
        assert save(one, store) == 0
        store.close()
        one, store = restart(tmp_path)
        assert save(one, store) == 0
        store.close()

    def test_slots_that_have_not_settled_are_asked_for_again(self, tmp_path):
        """They are not to be trusted, though they are better than nothing."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 20, [[1.0, 1.0]], [[2.0, 2.0]])
        one.mark(0, 0, START - 10, np.array([SlotStatus.PROVISIONAL], np.uint8))
        save(one, store)
        store.close()
        found, store = restart(tmp_path)
        store.close()
        assert found.asked(0)[0, -2:].tolist() == [SlotStatus.SETTLED, SlotStatus.NO]
        assert found.window(20).total[0] == 4.0
        slower = (Level(30, 600), Level(60, 2_400), *SMALL[2:])
        found, store = restart(tmp_path, levels=slower)
        store.close()
        assert found.asked(0)[0, -1] == SlotStatus.NO
        assert found.window(30).total[0] == 4.0

    def test_slots_that_the_clock_took_back_are_not_stored_any_more(self, tmp_path):
        """The chunk that they shared with older ones is written without them."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 100, np.ones((1, 10)), np.ones((1, 10)))
        save(one, store)
        one.retreat(START - 50)
        save(one, store)
        one.advance(START)
        store.write(one.end, [(level.slot, 0) for level in SMALL], [])
        store.close()
        found, store = restart(tmp_path)
        store.close()
        assert found.asked(0)[0, -10:].tolist() == [SlotStatus.SETTLED] * 5 + [SlotStatus.NO] * 5
        assert found.window(100).total[0] == 5

    def test_slots_of_a_clock_that_was_years_off_are_not_read(self, tmp_path):
        """They would take room for all the time in between."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 100, np.ones((1, 10)), np.ones((1, 10)))
        save(one, store)
        with sqlite3.connect(store.file) as connection:
            [row] = connection.execute("SELECT * FROM chunk LIMIT 1")
            connection.executemany(
                "INSERT INTO chunk VALUES (?, ?, ?, ?)",
                [(*row[:2], row[2] + years * 50_000, row[3]) for years in (-50, 50)],
            )
        [stretch] = store.load([KEY])[0].history.stretches
        store.close()
        assert len(stretch.asked) < 1_000
        assert stretch.slots.total.sum() == 10

    def test_another_interval_keeps_the_counts(self, tmp_path):
        """Finer slots are added up; coarser ones are shared out, and asked for again."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 600, np.ones((1, 60)), np.full((1, 60), 3.0))
        settle(one, 1, START - 2_400, np.ones((1, 60)), np.full((1, 60), 9.0))
        save(one, store)
        store.close()
        slower = (Level(30, 600), Level(60, 2_400), *SMALL[2:])
        found, store = restart(tmp_path, levels=slower)
        assert found.window(2_400).total[0] == one.window(2_400).total[0] == 60 * 3 + 60 * 9
        assert (found.asked(0) == SlotStatus.SETTLED).all()
        assert save(found, store) > 0
        store.close()
        assert {slot for slot, _ in chunks(tmp_path)} == {30, 60}
        faster = (Level(5, 600), Level(15, 2_400), *SMALL[2:])
        found, store = restart(tmp_path, levels=faster)
        store.close()
        assert found.window(2_400).total[0] == 60 * 3 + 60 * 9
        assert (found.asked(0) == SlotStatus.NO).all()
        assert found.window(600).known[0] == 1.0


class TestOwners:
    def stored(self, folder: Path, **changed: str):
        """What an SLO finds that differs from the one that is stored."""
        one, store = restart(folder)
        settle(one, 0, START - 20, [[1.0, 1.0]], [[2.0, 2.0]])
        save(one, store)
        found = store.load([replace(KEY, **changed)])
        store.close()
        return found

    def test_an_slo_of_another_name_finds_what_it_measures(self, tmp_path):
        """A service that is renamed keeps its budget, and so does a second SLO on the same."""
        found = self.stored(tmp_path, service="login", name="uptime")[0]
        assert not found.own
        assert found.history.stretches[0].slots.total.sum() == 4.0

    def test_what_measures_something_else_finds_nothing(self, tmp_path):
        """Change the query: history starts anew."""
        assert self.stored(tmp_path, measured="something else") == {}

    def test_its_own_goes_before_anothers(self, tmp_path):
        """Two SLOs on the same events have each their own slots."""
        two = replace(KEY, name="strict")
        store = Store(tmp_path)
        store.load([KEY, two])
        store.write(START, [], [])
        store.write(START + 30, [], [])
        found = store.load([two, KEY, replace(KEY, name="third")])
        store.close()
        assert [found[place].own for place in range(3)] == [True, True, False]

    def test_what_is_known_already_is_not_read(self, tmp_path):
        """A reload reads what is new alone."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 20, [[1.0, 1.0]], [[2.0, 2.0]])
        save(one, store)
        assert store.load([KEY], known={0}) == {}
        store.close()


def chunks(folder: Path) -> list[tuple[int, int]]:
    """Slot length and number of everything stored."""
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        return connection.execute("SELECT slot, number FROM chunk ORDER BY 1, 2").fetchall()


class TestRetention:
    def test_what_has_become_coarse_is_dropped(self, tmp_path):
        """Fine slots stay on disk no longer than in memory."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 600, np.ones((1, 60)), np.ones((1, 60)))
        save(one, store)
        before = chunks(tmp_path)
        assert {slot for slot, _ in before} == {10}
        one.advance(START + 6_000)
        total = one.window(12_000).total[0]
        save(one, store)
        store.close()
        assert 10 not in {slot for slot, _ in chunks(tmp_path)}
        found, store = restart(tmp_path)
        store.close()
        assert found.window(12_000).total[0] == total == 60

    def test_the_period_and_some_slack_is_kept(self, tmp_path):
        """What no period reaches any more goes, whatever the ledger could hold."""
        owner = replace(KEY, keep=1_000)
        store = Store(tmp_path)
        store.load([owner])
        one = ledger(end=START)
        settle(one, 3, START - 23_040, np.ones((1, 40)), np.ones((1, 40)))
        save(one, store)
        assert len(chunks(tmp_path)) > 0
        store.write(START + SLACK + 3_600, [], [])
        store.close()
        assert chunks(tmp_path) == []

    def test_a_longer_period_keeps_more(self, tmp_path):
        """From the first write on, whatever was to be kept before."""
        store = Store(tmp_path)
        store.load([replace(KEY, keep=1_000)])
        one = ledger(end=START)
        settle(one, 3, START - 23_040, np.ones((1, 40)), np.ones((1, 40)))
        save(one, store)
        before = chunks(tmp_path)
        store.load([replace(KEY, keep=SLACK)])
        store.write(START + SLACK + 3_600, [(240, 0)], [])
        store.close()
        assert before
        assert chunks(tmp_path) == before

    def test_a_group_is_forgotten_with_its_last_chunk(self, tmp_path):
        """Groups come and go for years; one that comes back is known anew."""
        one, store = restart(tmp_path, groups=2)
        settle(one, 0, START - 20, np.ones((2, 2)), np.ones((2, 2)))
        save(one, store)
        store.write(START + SLACK + KEY.keep + 3_600, [], [])
        with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
            assert connection.execute("SELECT labels FROM series").fetchall() == []
        one.advance(START + 10)
        settle(one, 0, START, np.ones((2, 1)), np.ones((2, 1)))
        save(one, store)
        assert store.load([KEY])[0].history.groups == names(2)
        store.close()

    def test_a_removed_slo_is_kept_for_its_period(self, tmp_path):
        """One that is put back finds its history; then the store forgets it."""
        one, store = restart(tmp_path)
        settle(one, 0, START - 20, [[1.0, 1.0]], [[2.0, 2.0]])
        save(one, store)
        other = replace(KEY, measured="something else")
        store.load([other])
        store.write(START + 7_200, [], [])
        assert len(store.load([KEY])) == 1
        store.load([other])
        store.write(START + SLACK + KEY.keep + 3_600, [], [])
        assert store.load([KEY]) == {}
        store.close()


def test_groups_come_back_under_their_names(tmp_path):
    """Label values of any kind, each with its own counts."""
    one, store = restart(tmp_path, groups=3)
    settle(one, 0, START - 10, [[1.0], [2.0], [3.0]], [[10.0], [20.0], [30.0]])
    save(one, store)
    history = store.load([KEY])[0].history
    store.close()
    assert history.groups == names(3)
    picked = history.of_groups((names(3)[2], ("new",), names(3)[0]))
    assert picked.stretches[0].slots.total.sum(axis=1).tolist() == [30.0, 0.0, 10.0]
