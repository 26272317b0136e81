"""The ledger's life: time that goes on or back, what is written, what was asked, its memory."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import Level, levels
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import DAY, HOUR
from tests.helpers.ledger.slots import counted

SMALL = (Level(10, 60), Level(30, 240), Level(120, 1200), Level(240, 2400))
"""As the real levels are built, and small enough to follow by hand."""

START = 1_699_999_200
"""A boundary of every level's slots."""


class TestTimeGoesOn:
    def filled(self, span: int = 3 * DAY) -> Ledger:
        """A ledger of one event in each slot of the last `span` seconds, a quarter of it bad."""
        ledger = Ledger(levels(30, 30 * DAY), 1, START)
        ledger.add_series()
        for level, each in enumerate(ledger.levels):
            low, high = ledger.cover(level)
            slots = (high - max(low, START - span)) // each.slot
            if slots > 0:
                ones = np.full((1, slots), each.slot / 30)
                ledger.write(level, [0], high - slots * each.slot, counted(ones / 4, ones))
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
        ledger.write(0, [0], end - 60, counted([1, 2], [5, 6]))
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
        """Answers may come late: what a level no longer covers is not written."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_series()
        ten = counted(np.ones(10), np.ones(10))
        for start, held in ((START, 0), (START - 100, 6), (START - 10_000, 6)):
            ledger.write(0, [0], start, ten)
            assert ledger.window(2400).total[0] == held

    def test_a_changed_answer_replaces_the_old(self):
        """Late samples change a slot."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_series()
        ledger.write(0, [0], START - 10, counted([2.0], [10.0]))
        ledger.write(0, [0], START - 10, counted([1.0], [12.0]))
        sums = ledger.window(10)
        assert (sums.bad[0], sums.total[0], sums.known[0]) == (1.0, 12.0, 1.0)

    @pytest.mark.parametrize("maintained", [False, True])
    def test_what_is_no_longer_known_stays_as_it_was(self, maintained):
        """Prometheus forgets; the ledger does not, of the other rows' slots nor of this one's."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_series()
        part = counted([1.0, 0.0], [4.0, 0.0]) if maintained else None
        ledger.write(0, [0], START - 20, counted([2.0, 3.0], [10.0, 20.0]), part)
        nothing = counted([0.0], [0.0]) if maintained else None
        ledger.write(0, [0], START - 20, counted([7.0, 5.0], [math.nan, 50.0]), nothing)
        assert ledger.read(0, 0).total[0, -2:].tolist() == [10.0, 50.0]
        assert ledger.window(20).known[0] == 1.0
        assert ledger.window(20, excluded=True).total[0] == (4.0 if maintained else 0.0)

    def test_rows_are_kept_apart(self):
        """Rows of several sources, added at any time, hold their own counts."""
        ledger = Ledger(SMALL, 3, START)
        rows = [ledger.add_series() for _ in (0, 1, 2, 2, 0, 1)]
        assert rows == list(range(6))
        for row in (4, 2):
            ledger.write(0, [row], START - 10, counted([0.0], [row + 1.0]))
        late = ledger.add_series()
        ledger.write(0, [late, 0], START - 20, counted([[0.0], [0.0]], [[50.0], [60.0]]))
        ledger.advance(START + 600)
        assert ledger.window(2400).total.tolist() == [60, 0, 3, 0, 5, 0, 50]

    def test_the_newest_known_slot_of_each_row(self):
        """The end of the newest slot that is known, 0 where none of the finest is."""
        ledger = Ledger(SMALL, 1, START)
        assert ledger.newest_known().tolist() == []
        for _ in range(3):
            ledger.add_series()
        one = counted([1.0], [1.0])
        ledger.write(0, [1], START - 50, one)
        ledger.write(0, [2], START - 10, one)
        assert ledger.newest_known().tolist() == [0, START - 40, START]
        ledger.advance(START + 50)
        assert ledger.newest_known().tolist() == [0, 0, START]

    def test_reading_a_level_gives_its_slots_oldest_first(self):
        """As many as its cover has, with the share of each that is known."""
        ledger = Ledger(SMALL, 1, START)
        ledger.add_series()
        values = np.array([1.0, math.nan, 3.0])
        ledger.write(0, [0], START - 30, counted(values / 4, values))
        found = ledger.read(0, 0)
        low, high = ledger.cover(0)
        assert found.total.shape == (1, (high - low) // 10)
        assert found.total[0, -3:].tolist() == [1.0, 0.0, 3.0]
        assert found.bad[0, -3:].tolist() == [0.25, 0.0, 0.75]
        assert found.known[0, -4:].tolist() == [0.0, 1.0, 0.0, 1.0]


class TestWhatWasAsked:
    def test_new_slots_were_not_asked_for(self):
        """Time going on uncovers slots of which nothing is known."""
        ledger = Ledger(SMALL, 2, START)
        ledger.mark(
            0, 1, START - 20, np.array([SlotStatus.SETTLED, SlotStatus.EMPTY], dtype=np.uint8)
        )
        assert ledger.asked(0)[:, -2:].tolist() == [[0, 0], [SlotStatus.SETTLED, SlotStatus.EMPTY]]
        ledger.advance(START + 10)
        assert ledger.asked(0)[:, -3:].tolist() == [
            [0, 0, 0],
            [SlotStatus.SETTLED, SlotStatus.EMPTY, 0],
        ]

    @pytest.mark.parametrize(
        ("fine", "coarse"),
        [
            ([SlotStatus.SETTLED] * 3, SlotStatus.SETTLED),
            ([SlotStatus.SETTLED, SlotStatus.PROVISIONAL, SlotStatus.SETTLED], SlotStatus.NO),
            ([SlotStatus.SETTLED, SlotStatus.SETTLED, SlotStatus.NO], SlotStatus.NO),
            ([SlotStatus.EMPTY] * 3, SlotStatus.NO),
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
        ("days", "kilobytes"), [(1, 18), (28, 24), (30, 25), (31, 25), (90, 30), (365, 42)]
    )
    def test_an_slo_takes_about_25_kilobytes_whatever_its_period(self, days, kilobytes):
        """A year costs little more than a month."""
        ledger = Ledger(levels(30, days * DAY), 1, START)
        ledger.add_series()
        assert 10 * ledger.slots <= ledger.bytes < kilobytes * 1000

    def test_a_thousand_slos_take_a_thousand_times_as_much(self):
        """Room that is made ahead for further rows stays within a quarter."""
        ledger = Ledger(levels(30, 30 * DAY), 1000, START)
        for _ in range(1000):
            ledger.add_series()
        assert ledger.bytes < 1000 * 50_000 * 1.25
