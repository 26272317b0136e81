"""Longer slots that stand in for those that are not read yet."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import block_of, levels
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.types import DAY, HOUR, SeriesIndex, SloIndex

END = 1_699_999_200 + 9 * HOUR
"""A boundary of slots of up to an hour."""

BLOCKS = [300, HOUR, DAY]
SLO = np.array([0])


def ledger(series: int = 1) -> Ledger:
    made = Ledger(levels(30, 30 * DAY), series, END)
    for _ in range(series):
        made.add_series()
    return made


def put(of: Ledger, level: int, start: int, *totals: float, slo: int = 0) -> None:
    """Let blocks with these totals, a tenth of them bad, stand in."""
    total = np.array([totals], dtype=np.float64)
    slots = Slots(total / 10, total, np.ones(total.shape))
    at = np.array([slo])
    of.stand_ins.put(level, at, at, start, slots, chosen=np.ones(total.shape, dtype=np.bool_))


def withdraw(of: Ledger, level: int, start: int, count: int) -> None:
    of.stand_ins.withdraw(level, SLO, SLO, start, count)


def write(of: Ledger, level: int, start: int, *totals: float) -> None:
    """Have slots answered for, as an answer is recorded; NaN for one of which nothing is known."""
    total = np.array([totals], dtype=np.float64)
    known = np.isfinite(total)
    total = np.where(known, total, 0.0)
    withdraw(of, level, start, len(totals))
    of.write(level, [SeriesIndex(0)], start, Slots(total / 10, total, known.astype(np.float64)))
    settled = np.full(len(totals), SlotStatus.SETTLED, dtype=np.uint8)
    of.mark(level, SloIndex(0), start, settled)


def sums(of: Ledger, start: int, end: int) -> tuple[float, float, int]:
    found = of.between(start, end)
    return float(found.bad[0]), float(found.total[0]), round(float(found.known[0]) * (end - start))


def statuses(of: Ledger, level: int, start: int, count: int) -> set[int]:
    slot, low = of.levels[level].slot, of.cover(level)[0]
    first = (start - low) // slot
    return set(of.asked(level)[0, first : first + count].tolist())


def inside(of: Ledger, level: int) -> int:
    """The second boundary of blocks in a level's cover."""
    low, block = of.cover(level)[0], of.stand_ins.blocks[level]
    return low - low % -block + block


class TestBlocks:
    def test_each_level_has_its_own_length(self):
        """That of the next one, and a day where slots are long."""
        assert [block_of(levels(30, 30 * DAY), i) for i in range(3)] == BLOCKS
        assert [block_of(levels(30, 365 * DAY), i) for i in range(4)] == [*BLOCKS, DAY]
        assert [block_of(levels(300, 30 * DAY), i) for i in range(2)] == [HOUR, DAY]


@pytest.mark.parametrize("level", range(3))
class TestSums:
    def test_a_window_over_all_of_it_has_its_events(self, level):
        """Exactly, with the time that it stands for."""
        one, block = ledger(), BLOCKS[level]
        start = inside(one, level)
        put(one, level, start, 70, 90)
        assert sums(one, start, start + block) == (7, 70, block)
        assert sums(one, start, start + 2 * block) == (16, 160, 2 * block)
        assert sums(one, start - block, start + 2 * block) == (16, 160, 2 * block)

    @pytest.mark.parametrize("share", [0.001, 0.5, 0.9])
    def test_a_window_that_cuts_it_is_without_it(self, level, share):
        """Nobody knows which of its events lie inside, and the coverage says so."""
        one, block = ledger(), BLOCKS[level]
        start = inside(one, level)
        put(one, level, start, 70, 90)
        assert sums(one, start + int(block * share) + 1, start + 2 * block) == (9, 90, block)

    def test_a_slot_of_it_that_is_written_replaces_all_of_it(self, level):
        """No event is counted twice, wherever the slot lies, also if nothing is known of it."""
        one, block, slot = ledger(), BLOCKS[level], ledger().levels[level].slot
        start = inside(one, level)
        for offset, total in ((0, 5.0), (block - slot, 5.0), (slot, float("nan"))):
            put(one, level, start, 70, 90)
            write(one, level, start + offset, total)
            known = 0.0 if np.isnan(total) else total
            assert sums(one, start, start + block) == (known / 10, known, slot if known else 0)
            assert sums(one, start + block, start + 2 * block) == (9, 90, block)
            one = ledger()

    def test_what_was_asked_for_stays(self, level):
        """A slot that was read is worth more than what would stand in for it."""
        one, block = ledger(), BLOCKS[level]
        start = inside(one, level)
        write(one, level, start, 5)
        put(one, level, start, 70, 90)
        assert sums(one, start, start + 2 * block)[:2] == (9.5, 95)
        assert SlotStatus.STAND_IN in statuses(one, level, start + block, 1)

    def test_it_is_neither_stored_nor_settled(self, level):
        """After a restart its slots are asked for."""
        one = ledger()
        start, slot = inside(one, level), one.levels[level].slot
        put(one, level, start, 70)
        write(one, level, start - slot, 5)
        for chunk in one.changes():
            [stretch] = one.stretches(chunk, [[SeriesIndex(0)]])
            assert set(stretch.asked.tolist()) <= {SlotStatus.NO, SlotStatus.SETTLED}
            assert stretch.slots.total.sum() in (0, 5)


def put_run(of: Ledger, level: int, start: int, blocks: int, total: float) -> int:
    """Let one slot stand in for many blocks; its length."""
    length = blocks * of.stand_ins.blocks[level]
    one = np.array([[total]])
    slots, chosen = Slots(one / 10, one, np.ones((1, 1))), np.ones((1, 1), dtype=np.bool_)
    of.stand_ins.put(level, SLO, SLO, start, slots, chosen=chosen, length=length)
    return length


@pytest.mark.parametrize("level", [1, 2])
class TestRuns:
    def test_one_has_the_events_and_the_time_of_all_of_its_blocks(self, level):
        """A window that begins inside is without it."""
        one = ledger()
        start = inside(one, level)
        length = put_run(one, level, start, 12, 70)
        assert sums(one, start, start + length) == (7, 70, length)
        assert sums(one, start - BLOCKS[level], start + length + 300) == (7, 70, length)
        assert sums(one, start + BLOCKS[level], start + length) == (0, 0, 0)
        first = (start - one.cover(level)[0]) // one.levels[level].slot
        assert one.stand_ins.in_runs(level)[0].nonzero()[0].tolist() == [
            *range(first, first + length // one.levels[level].slot)
        ]

    def test_blocks_take_its_place_as_a_whole(self, level):
        """No event counts twice; where a block is odd, nothing is known any more."""
        one = ledger()
        start = inside(one, level)
        length = put_run(one, level, start, 12, 70)
        one.stand_ins.withdraw_runs(level, SLO, SLO, start, start + length)
        assert sums(one, start, start + length) == (0, 0, 0)
        put(one, level, start, *[5] * 12)
        assert sums(one, start, start + length) == (6, 60, length)
        assert not one.stand_ins.in_runs(level).any()

    def test_when_the_last_is_gone_its_large_numbers_take_no_memory(self, level):
        """A month's events need more bytes than an hour's."""
        one = ledger(2)
        start, small = inside(one, level), one.bytes
        length = put_run(one, level, start, 12, 2.0**40 + 1)
        assert one.bytes > small
        one.stand_ins.withdraw_runs(level, SLO, SLO, start, start + length)
        assert one.bytes == small

    @pytest.mark.parametrize("share", [0, 0.5, 0.95])
    def test_it_goes_when_any_of_its_slots_is_written(self, level, share):
        """Wherever the slot lies; runs beside it stay."""
        one, slot = ledger(), ledger().levels[level].slot
        start = inside(one, level)
        length = put_run(one, level, start, 12, 70)
        put_run(one, level, start + length, 6, 30)
        at = start + int(share * length) // slot * slot
        write(one, level, at, 5.0)
        assert sums(one, start, start + length) == (0.5, 5, slot)
        assert sums(one, start, start + 18 * BLOCKS[level])[:2] == (3.5, 35)

    def test_it_is_drawn_over_all_of_its_slots(self, level):
        """Evenly."""
        one = ledger()
        start = inside(one, level)
        length = put_run(one, level, start, 12, 720)
        count = length // one.levels[level].slot
        drawn = one.read(level, SeriesIndex(0)).total[0]
        assert drawn[drawn > 0].tolist() == pytest.approx([720 / count] * count)


class TestTime:
    def test_it_becomes_a_slot_of_the_next_level(self):
        """With its events, and still to be asked for."""
        one = ledger()
        low = one.cover(0)[0]
        put(one, 0, low, 70, 90)
        one.advance(END + 300)
        assert sums(one, low, low + 600) == (16, 160, 600)
        assert statuses(one, 1, low, 1) == {SlotStatus.NO}
        one.advance(END + 600)
        assert sums(one, low, low + 600) == (16, 160, 600)

    def test_of_one_that_leaves_its_level_in_part_nothing_is_known(self):
        """Its events are in one of its slots, which is not where they happened."""
        one = Ledger(levels(30, 365 * DAY), 1, END)
        one.add_series()
        start = inside(one, 2) - DAY
        put(one, 2, start, 70)
        one.advance(start + one.levels[2].horizon + 6 * HOUR)
        assert one.cover(2)[0] == start + 6 * HOUR
        assert sums(one, start, start + DAY) == (0, 0, 0)

    def test_time_that_went_on_since_it_was_asked_for_leaves_it_out(self):
        """Its slots have moved on."""
        one = ledger()
        low = one.cover(0)[0]
        one.advance(END + 300)
        put(one, 0, low, 70, 90)
        assert sums(one, low, low + 600) == (9, 90, 300)


class TestCarriedOver:
    def test_it_goes_into_another_ledger(self):
        """A reload goes on from where reading is."""
        one, other = ledger(), ledger()
        start = inside(one, 0)
        put(one, 0, start, 70)
        history = one.history(SloIndex(0), [SeriesIndex(0)], ((),))
        other.restore(SloIndex(0), [SeriesIndex(0)], history, stored=False)
        assert sums(other, start, start + 300) == (7, 70, 300)
        assert statuses(other, 0, start, 10) == {SlotStatus.STAND_IN}

    def test_slots_of_another_length_are_without_it(self):
        """What is in it cannot be shared out."""
        one = ledger()
        start = inside(one, 0)
        put(one, 0, start, 70)
        history = one.history(SloIndex(0), [SeriesIndex(0)], ((),))
        other = Ledger(levels(60, 30 * DAY), 1, END)
        other.add_series()
        other.restore(SloIndex(0), [SeriesIndex(0)], history, stored=False)
        assert sums(other, start, start + 300) == (0, 0, 0)


class TestCharts:
    def test_it_is_drawn_over_all_of_its_slots(self):
        """A chart has no spike of five minutes' events."""
        one = ledger()
        start = inside(one, 0)
        put(one, 0, start, 70)
        first = (start - one.cover(0)[0]) // 30
        slots = one.read(0, SeriesIndex(0))
        assert slots.total[0, first : first + 10].tolist() == [7.0] * 10
        assert slots.known.max() == 1
        assert sums(one, start, start + 300) == (7, 70, 300)
