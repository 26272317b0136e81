"""Histories put together from stretches of several slot lengths."""

from __future__ import annotations

import numpy as np

from exporter.ledger.history import History, Stretch, put_together
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from tests.helpers.ledger.slots import counted


def stretch(slot: int, total: list[float]) -> Stretch:
    """Settled slots that follow the epoch, all events of them good."""
    asked = np.full(len(total), SlotStatus.SETTLED, np.uint8)
    return Stretch(slot, 0, counted([0.0] * len(total), total), None, asked)


def totals(*stretches: Stretch) -> list[float]:
    """What comes of some stretches in slots of 60 s."""
    history = History(240, (("",),), stretches)
    return put_together(history, 0, 240, 60).slots.total[0].tolist()


class TestOrder:
    def test_slots_of_the_same_length_go_before_all_others(self):
        """They are as they were counted, or merged when they were whole."""
        same, finer = stretch(60, [1.0, 2.0, 3.0, 4.0]), stretch(30, [9.0] * 8)
        assert totals(finer, same) == [1, 2, 3, 4]

    def test_finer_slots_go_before_coarser_ones(self):
        """Added up they are exact; shared out they are not."""
        finer, coarser = stretch(10, [float(i) for i in range(24)]), stretch(120, [30.0, 246.0])
        assert totals(coarser, finer) == [15, 51, 87, 123]

    def test_of_finer_slots_the_coarsest_go_first(self):
        """The finest hold but the newest part of what has become coarser since."""
        assert totals(stretch(10, [1.0] * 3), stretch(30, [9.0] * 8)) == [18] * 4

    def test_empty_slots_that_have_settled_are_known_to_be_empty(self):
        """Nothing else is looked for there."""
        empty = stretch(60, [np.nan] * 4)
        found = put_together(History(240, (("",),), (empty,)), 0, 240, 60)
        assert (found.asked == SlotStatus.SETTLED).all()
        assert totals(empty, stretch(120, [8.0, 8.0])) == [0] * 4

    def test_a_slot_that_finer_ones_begin_inside_of_has_what_they_hold(self):
        """It is known in part, and counts for that part."""
        asked = np.full(9, SlotStatus.SETTLED, np.uint8)
        begun = Stretch(10, 30, counted([0.0] * 9, [1.0] * 9), None, asked)
        found = put_together(History(120, (("",),), (begun,)), 0, 120, 60)
        assert found.slots.total[0].tolist() == [3, 6]
        assert found.slots.known[0].tolist() == [0.5, 1]
        assert found.asked.tolist() == [SlotStatus.NO, SlotStatus.SETTLED]

    def test_an_slo_that_has_no_group_yet_has_a_history(self):
        """It was asked for and nothing came: so it is at a reload soon after the start."""
        asked = np.full(8, SlotStatus.SETTLED, np.uint8)
        nothing = Stretch(30, 0, Slots.none(0, 8), None, asked)
        found = put_together(History(240, (), (nothing,)), 0, 240, 60)
        assert found.slots.total.shape == (0, 4)
        assert (found.asked == SlotStatus.SETTLED).all()
