"""The store: what is written comes back, for whom, and for how long it is kept."""

from __future__ import annotations

import copy
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.levels import Level
from exporter.ledger.slot_status import SlotStatus
from exporter.store import outside
from exporter.store.settings import Place
from exporter.store.store import Store
from tests.helpers.ledger.comparing import (
    assert_same,
    chunks,
    lives,
)
from tests.helpers.ledger.slots import counted
from tests.helpers.ledger.stored import KEY, SMALL, START, restart, save, settle
from tests.helpers.thorough import examples


class TestRestarts:
    @examples(120)
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

    def test_time_that_goes_by_meanwhile_merges_as_usual(self, place):
        """Fine slots that were stored have become coarse ones by the time they are read."""
        one, store = restart(place)
        settle(one, 0, START - 600, np.ones((1, 60)), np.full((1, 60), 2.0))
        settle(one, 1, START - 2_400, np.ones((1, 60)), np.full((1, 60), 6.0))
        save(one, store)
        store.close()
        found, store = restart(place)
        store.close()
        for each in (one, found):
            each.advance(START + 7_000)
        assert_same(found, one)
        assert found.window(12_000).total[0] == 60 * 2 + 60 * 6

    def test_nothing_is_written_twice(self, place):
        """What the store has already is no change."""
        one, store = restart(place)
        settle(one, 0, START - 100, np.ones((1, 10)), np.ones((1, 10)))
        assert save(one, store) > 0
        assert save(one, store) == 0
        store.close()
        one, store = restart(place)
        assert save(one, store) == 0
        store.close()

    def test_slots_that_have_not_settled_are_asked_for_again(self, place):
        """They are not to be trusted, though they are better than nothing."""
        one, store = restart(place)
        settle(one, 0, START - 20, [[1.0, 1.0]], [[2.0, 2.0]])
        one.mark(0, 0, START - 10, np.array([SlotStatus.PROVISIONAL], np.uint8))
        save(one, store)
        store.close()
        found, store = restart(place)
        store.close()
        assert found.asked(0)[0, -2:].tolist() == [SlotStatus.SETTLED, SlotStatus.NO]
        assert found.window(20).total[0] == 4.0
        slower = (Level(30, 600), Level(60, 2_400), *SMALL[2:])
        found, store = restart(place, levels=slower)
        store.close()
        assert found.asked(0)[0, -1] == SlotStatus.NO
        assert found.window(30).total[0] == 4.0

    def test_slots_that_the_clock_took_back_are_not_stored_any_more(self, tmp_path):
        """The chunk that they shared with older ones is written without them.

        In a file: what daemons share is not taken back by one of them.
        """
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

    def test_slots_of_a_clock_that_was_years_off_are_not_read(self, place):
        """They would take room for all the time in between."""
        one, store = restart(place)
        settle(one, 0, START - 100, np.ones((1, 10)), np.ones((1, 10)))
        save(one, store)
        with outside.writing(place) as session:
            [row] = session.execute("SELECT series, slot, number, counts FROM chunk LIMIT 1")
            session.executemany(
                "INSERT INTO chunk (series, slot, number, counts) VALUES (?, ?, ?, ?)",
                [(*row[:2], row[2] + years * 50_000, row[3]) for years in (-50, 50)],
            )
        [stretch] = store.load([KEY])[0].history.stretches
        store.close()
        assert len(stretch.asked) < 1_000
        assert stretch.slots.total.sum() == 10

    def test_another_interval_keeps_the_counts(self, place):
        """Finer slots are added up; coarser ones are shared out, and asked for again."""
        one, store = restart(place)
        settle(one, 0, START - 600, np.ones((1, 60)), np.full((1, 60), 3.0))
        settle(one, 1, START - 2_400, np.ones((1, 60)), np.full((1, 60), 9.0))
        save(one, store)
        store.close()
        slower = (Level(30, 600), Level(60, 2_400), *SMALL[2:])
        found, store = restart(place, levels=slower)
        assert found.window(2_400).total[0] == one.window(2_400).total[0] == 60 * 3 + 60 * 9
        assert (found.asked(0) == SlotStatus.SETTLED).all()
        assert save(found, store) > 0
        store.close()
        # Those of before wait: the interval may have been a mistake.
        assert {slot for slot, _ in chunks(place)} == {10, 30, 60}
        faster = (Level(5, 600), Level(15, 2_400), *SMALL[2:])
        found, store = restart(place, levels=faster)
        store.close()
        assert found.window(2_400).total[0] == 60 * 3 + 60 * 9
        assert (found.asked(0) == SlotStatus.NO).all()
        assert found.window(600).known[0] == 1.0


class TestOwners:
    def stored(self, folder: Place, **changed: str):
        """What an SLO finds that differs from the one that is stored."""
        one, store = restart(folder)
        settle(one, 0, START - 20, [[1.0, 1.0]], [[2.0, 2.0]])
        save(one, store)
        found = store.load([replace(KEY, **changed)])
        store.close()
        return found

    def test_an_slo_of_another_name_finds_what_it_measures(self, place):
        """A service that is renamed keeps its budget, and so does a second SLO on the same."""
        found = self.stored(place, service="login", name="uptime")[0]
        assert not found.own
        assert found.history.stretches[0].slots.total.sum() == 4.0

    def test_what_measures_something_else_finds_nothing(self, place):
        """Change the query: history starts anew."""
        assert self.stored(place, measured="something else") == {}

    def test_its_own_goes_before_anothers(self, place):
        """Two SLOs on the same events have each their own slots."""
        two = replace(KEY, name="strict")
        store = Store(place)
        store.load([KEY, two])
        store.write(START, [], [])
        store.write(START + 30, [], [])
        found = store.load([two, KEY, replace(KEY, name="third")])
        store.close()
        assert [found[place].own for place in range(3)] == [True, True, False]

    def test_what_is_known_already_is_not_read(self, place):
        """A reload reads what is new alone."""
        one, store = restart(place)
        settle(one, 0, START - 20, [[1.0, 1.0]], [[2.0, 2.0]])
        save(one, store)
        assert store.load([KEY], known={0}) == {}
        store.close()
