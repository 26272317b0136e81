"""The ledger's sums against a naive ledger, over whatever may happen to it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_ledger import NaiveLedger

from exporter.ledger.ledger import Asked, Ledger
from exporter.ledger.levels import DAY, HOUR, Level, levels

SMALL = (Level(10, 60), Level(30, 240), Level(120, 1200), Level(240, 2400))
"""As the real levels are built, and small enough to walk through whole lives of them."""

START = 1_699_999_200
"""A boundary of every level's slots."""

counts = st.one_of(st.none(), st.tuples(st.integers(0, 50), st.integers(0, 1000)))
writes = st.tuples(
    st.just("write"),
    st.integers(0, 3),  # level
    st.integers(-6, 60),  # where to begin, in slots before the end of what the level covers
    st.lists(counts, min_size=1, max_size=12),
)
advances = st.tuples(st.just("advance"), st.one_of(st.integers(0, 300), st.integers(0, 2390)))
retreats = st.tuples(st.just("retreat"), st.integers(-50, 150))
lives = st.lists(st.one_of(writes, advances, retreats), max_size=14)


def put(ledger: Ledger, naive: NaiveLedger, level: int, back: int, slots: list) -> None:
    """Write the same slots to both, and compare by how much the counts have grown."""
    size = ledger.levels[level].slot
    start = ledger.cover(level)[1] - back * size
    bad = np.array([[0.0 if one is None else float(one[0]) for one in slots]])
    total = np.array([[math.nan if one is None else float(one[1]) for one in slots]])
    grown_bad, grown_total = ledger.write(level, [0], start, bad, total)
    for i, one in enumerate(slots):
        known = one or (0, None)
        grown = naive.write(level, start + (i + 1) * size, known[0], known[1])
        assert (grown_bad[0, i], grown_total[0, i]) == grown


def agree(ledger: Ledger, naive: NaiveLedger, lengths: list[int]) -> None:
    """Both have the same end, cover the same spans and give the same sums."""
    assert ledger.end == naive.end
    covers = range(len(ledger.levels))
    assert [ledger.cover(i) for i in covers] == [naive.cover(i) for i in covers]
    for length in lengths:
        sums = ledger.window(length)
        bad, total, known = naive.window(length)
        assert (sums.bad[0], sums.total[0]) == pytest.approx((bad, total), rel=1e-12, abs=1e-9)
        # Shares of coarse slots are held in single precision.
        assert sums.known[0] == pytest.approx(known, rel=1e-7)


class TestAgainstANaiveLedger:
    @settings(max_examples=150, deadline=None)
    @given(lives, st.integers(0, 23))
    def test_every_window_sums_the_same(self, life, offset):
        """Writes, late writes, corrections, time going on and clocks set back: the same sums.

        Windows whose edge falls inside a coarse slot take its share, and coverage counts so too.
        """
        start = START + offset * 10
        ledger, naive = Ledger(SMALL, sources=1, end=start), NaiveLedger(SMALL, start)
        ledger.add_row()
        for what, *how in life:
            if what == "write":
                put(ledger, naive, *how)
            elif what == "advance":
                ledger.advance(ledger.end + how[0])
                naive.advance((naive.end + how[0]) // 10 * 10)
            else:
                ledger.retreat(ledger.end - how[0])
                naive.retreat((naive.end - how[0]) // 10 * 10)
            agree(ledger, naive, [10, 20, 50, 60, 130, 300, 770, 1200, 2390, 2400])

    @pytest.mark.parametrize("interval", [5, 15, 30, 60, 300])
    def test_real_levels_sum_the_same(self, interval):
        """Two days of every interval in use: each window equals the naive one."""
        chosen = levels(interval, 40 * DAY)
        ledger, naive = Ledger(chosen, 1, START), NaiveLedger(chosen, START)
        ledger.add_row()
        random = np.random.default_rng(interval)
        for hours in (1, 4, 3, 14, 26):
            slots = hours * HOUR // interval
            end = ledger.end + hours * HOUR + 7 * interval
            ledger.advance(end)
            naive.advance(end)
            low, high = ledger.cover(0)
            slots = min(slots, (high - low) // interval)
            total = random.integers(0, 100, slots).astype(float)
            total[random.random(slots) < 0.05] = math.nan
            values = [None if math.isnan(one) else (one // 7, one) for one in total.tolist()]
            put(ledger, naive, 0, slots, values)
        agree(ledger, naive, [300, 1800, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY, 40 * DAY])


class TestTimeGoesOn:
    def filled(self, span: int = 3 * DAY) -> Ledger:
        """A ledger of one event in each slot of the last `span` seconds, a quarter of it bad."""
        ledger = Ledger(levels(30, 30 * DAY), 1, START)
        ledger.add_row()
        for level, of in enumerate(ledger.levels):
            low, high = ledger.cover(level)
            slots = (high - max(low, START - span)) // of.slot
            if slots > 0:
                ones = np.full((1, slots), of.slot / 30)
                ledger.write(level, [0], high - slots * of.slot, ones / 4, ones)
        return ledger

    @pytest.mark.parametrize("step", [30, 90, 300, 1110, HOUR, DAY + 30])
    def test_merging_loses_nothing(self, step):
        """What slots hold is the same whether they are fine or have become coarse."""
        ledger = self.filled()
        total = ledger.window(30 * DAY).total[0]
        assert total == 3 * DAY / 30
        for _ in range(3 * DAY // step if step > HOUR else 40):
            ledger.advance(ledger.end + step)
            sums = ledger.window(30 * DAY)
            assert (sums.bad[0], sums.total[0]) == (total / 4, total)

    @pytest.mark.parametrize("jump", [30 * DAY - 30, 30 * DAY, 31 * DAY, 400 * DAY, 20_000 * DAY])
    def test_a_jump_beyond_the_period_leaves_nothing(self, jump):
        """A machine that slept for the whole period starts with empty windows, and goes on."""
        ledger = self.filled()
        end = ledger.end + jump
        ledger.advance(end)
        assert ledger.end == end
        expected = 1.0 if jump < 30 * DAY else 0.0
        assert ledger.window(30 * DAY).total[0] == expected
        assert ledger.window(HOUR).known[0] == 0.0
        ledger.write(0, [0], end - 60, np.array([[1.0, 2.0]]), np.array([[5.0, 6.0]]))
        assert ledger.window(HOUR).total[0] == 11.0

    def test_time_between_boundaries_is_rounded_down(self):
        """The ledger ends at a boundary whenever it is asked to go on."""
        ledger = Ledger(levels(30, DAY), 1, START + 29)
        assert ledger.end == START
        ledger.advance(START + 59)
        assert ledger.end == START + 30

    def test_a_clock_set_back_forgets_the_slots_after_it(self):
        """They never were; what is older stays, and going on does not bring them back."""
        ledger = self.filled()
        ledger.retreat(START - HOUR)
        assert ledger.end == START - HOUR
        assert ledger.window(HOUR).total[0] == 120
        ledger.advance(START)
        sums = ledger.window(2 * HOUR)
        assert (sums.total[0], sums.known[0]) == (120, 0.5)

    def test_a_clock_set_back_far_stops_at_the_coarse_slots(self):
        """Those are not taken apart: their counts stay."""
        ledger = self.filled()
        before = ledger.cover(0)[0]
        ledger.retreat(START - 2 * DAY)
        assert ledger.end == before
        assert ledger.cover(0) == (before, before)
        assert ledger.window(DAY).known[0] == 1.0


class TestWriting:
    def test_slots_outside_of_the_cover_are_left_out(self):
        """Answers may come late: what a level no longer covers is not written, nor counted."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_row()
        ten = np.ones((1, 10))
        assert ledger.write(0, [0], START, ten, ten)[1].sum() == 0
        assert ledger.write(0, [0], START - 100, ten, ten)[1].sum() == 6
        assert ledger.write(0, [0], START - 10_000, ten, ten)[1].sum() == 0
        assert ledger.window(2400).total[0] == 6

    def test_a_changed_answer_replaces_the_old(self):
        """Late samples change a slot; the growth is the difference, and may be negative."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_row()
        ledger.write(0, [0], START - 10, np.array([[2.0]]), np.array([[10.0]]))
        bad, total = ledger.write(0, [0], START - 10, np.array([[1.0]]), np.array([[12.0]]))
        assert (bad.tolist(), total.tolist()) == ([[-1.0]], [[2.0]])
        bad, total = ledger.write(0, [0], START - 10, np.array([[7.0]]), np.array([[math.nan]]))
        assert (bad.tolist(), total.tolist()) == ([[-1.0]], [[-12.0]])
        assert ledger.window(60).known[0] == 0.0

    def test_rows_are_kept_apart(self):
        """Rows of several sources, added at any time, hold their own counts."""
        ledger = Ledger(SMALL, 3, START)
        rows = [ledger.add_row() for _ in (0, 1, 2, 2, 0, 1)]
        assert rows == list(range(6))
        for row in (4, 2):
            ledger.write(0, [row], START - 10, np.array([[0.0]]), np.array([[row + 1.0]]))
        late = ledger.add_row()
        ledger.write(0, [late, 0], START - 20, np.zeros((2, 1)), np.array([[50.0], [60.0]]))
        ledger.advance(START + 600)
        assert ledger.window(2400).total.tolist() == [60, 0, 3, 0, 5, 0, 50]

    def test_the_newest_known_slot_of_each_row(self):
        """The end of the newest slot that is known, 0 where none of the finest is."""
        ledger = Ledger(SMALL, 1, START)
        assert ledger.newest_known().tolist() == []
        for _ in range(3):
            ledger.add_row()
        one = np.array([[1.0]])
        ledger.write(0, [1], START - 50, one, one)
        ledger.write(0, [2], START - 10, one, one)
        assert ledger.newest_known().tolist() == [0, START - 40, START]
        ledger.advance(START + 50)
        assert ledger.newest_known().tolist() == [0, 0, START]

    def test_reading_a_level_gives_its_slots_oldest_first(self):
        """As many as its cover has, with the share of each that is known."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_row()
        values = np.array([[1.0, math.nan, 3.0]])
        ledger.write(0, [0], START - 30, values / 4, values)
        bad, total, known = ledger.read(0, 0)
        low, high = ledger.cover(0)
        assert len(total) == (high - low) // 10
        assert total[-3:].tolist() == [1.0, 0.0, 3.0]
        assert bad[-3:].tolist() == [0.25, 0.0, 0.75]
        assert known[-4:].tolist() == [0.0, 1.0, 0.0, 1.0]


class TestWhatWasAsked:
    def test_new_slots_were_not_asked_for(self):
        """Time going on uncovers slots of which nothing is known."""
        ledger = Ledger(SMALL, 2, START)
        ledger.mark(0, 1, START - 20, np.array([Asked.SETTLED, Asked.EMPTY], dtype=np.uint8))
        assert ledger.asked(0)[:, -2:].tolist() == [[0, 0], [Asked.SETTLED, Asked.EMPTY]]
        ledger.advance(START + 10)
        assert ledger.asked(0)[:, -3:].tolist() == [[0, 0, 0], [Asked.SETTLED, Asked.EMPTY, 0]]

    @pytest.mark.parametrize(
        ("fine", "coarse"),
        [
            ([Asked.SETTLED] * 3, Asked.SETTLED),
            ([Asked.SETTLED, Asked.PROVISIONAL, Asked.SETTLED], Asked.NO),
            ([Asked.SETTLED, Asked.SETTLED, Asked.NO], Asked.NO),
            ([Asked.EMPTY] * 3, Asked.NO),
        ],
    )
    def test_a_merged_slot_is_settled_only_if_all_of_it_was(self, fine, coarse):
        """Otherwise history asks for it again, as for one that was never asked for."""
        ledger = Ledger(SMALL, 1, START)
        ledger.mark(0, 0, START, np.array(fine, dtype=np.uint8))
        ledger.advance(START + 30)
        ledger.mark(0, 0, START, np.array(fine, dtype=np.uint8))
        ledger.advance(START + 90)
        assert ledger.cover(1)[1] == START + 30
        assert ledger.asked(1)[0, -1] == coarse


class TestMemory:
    @pytest.mark.parametrize(
        ("days", "kilobytes"), [(1, 40), (28, 48), (30, 50), (31, 50), (90, 60), (365, 85)]
    )
    def test_an_slo_takes_about_50_kilobytes_whatever_its_period(self, days, kilobytes):
        """A year costs little more than a month."""
        ledger = Ledger(levels(30, days * DAY), 1, START)
        ledger.add_row()
        assert 20 * ledger.slots < ledger.bytes < kilobytes * 1000

    def test_a_thousand_slos_take_a_thousand_times_as_much(self):
        """Room that is made ahead for further rows stays within a quarter."""
        ledger = Ledger(levels(30, 30 * DAY), 1000, START)
        for _ in range(1000):
            ledger.add_row()
        assert ledger.bytes < 1000 * 50_000 * 1.25
