"""Chunks of stored slots on their way into the rings."""

import numpy as np
import pytest

from exporter.ledger.block import Block
from exporter.ledger.levels import CHUNK, Level
from exporter.ledger.rings import Rings
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots

LEVELS = (Level(10, 600), Level(60, 6_000))
LENGTH = CHUNK * 10
END = 1_000 * LENGTH + 100
"""Within a chunk of the finest slots, whose cover begins within the one before."""


@pytest.fixture
def rings():
    """Rings of one SLO with one series."""
    rings = Rings(LEVELS, 1, END)
    for ring in rings.rings:
        ring.grow(1)
    return rings


def block(numbers):
    """Chunks of the finest slots, each slot with its own time as its count."""
    ends = (np.array(numbers)[:, None] * CHUNK + np.arange(1, CHUNK + 1)) * 10.0
    return Block(
        slot=10,
        slo_indices=np.zeros(len(numbers), dtype=np.intp),
        numbers=np.array(numbers),
        slots=Slots(ends - 1, ends, np.ones(ends.shape)),
        asked=np.full(ends.shape, SlotStatus.SETTLED, dtype=np.uint8),
    )


class TestPut:
    def test_only_slots_that_are_covered_are_put(self, rings):
        """Older ones would be in the place of newer ones, and newer ones are yet to come."""
        low, high = rings.cover(0)
        assert 999 * LENGTH < low < 1_000 * LENGTH < high < 1_001 * LENGTH
        rings.put(block([999, 1_000]), np.zeros(2, dtype=np.intp))
        ring = rings.rings[0]
        held = ring.counts.total.get(*np.ix_([0], np.arange(ring.columns)))[0]
        ends = np.arange(low + 10, high + 1, 10)
        assert held[ring.at(low, high)].tolist() == ends.tolist()
        assert np.count_nonzero(held) == len(ends)
        assert np.count_nonzero(ring.asked) == len(ends)

    def test_chunks_that_are_too_old_or_yet_to_come_change_nothing(self, rings):
        """Neither counts nor what was asked for."""
        rings.put(block([997, 998, 1_001]), np.zeros(3, dtype=np.intp))
        assert not rings.rings[0].asked.any()
        assert not rings.rings[0].sums(0, END + LENGTH, slice(0, 1), 1, excluded=False).any()
