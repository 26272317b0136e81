"""What two daemons know of a chunk, put together: known is never lost to unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.history import Stretch
from exporter.ledger.levels import CHUNK
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.store.chunks import decode, encode
from exporter.store.merging import put_together
from tests.helpers.thorough import examples


@dataclass(frozen=True)
class Slot:
    """What one daemon knows of a slot; `out` of it lies in a maintenance window."""

    known: float = 0.0
    settled: bool = False
    bad: int = 0
    out: bool = False


UNKNOWN = Slot()
slots = st.lists(
    st.builds(
        Slot,
        st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        st.booleans(),
        st.integers(1, 99),
        st.booleans(),
    ),
    min_size=CHUNK,
    max_size=CHUNK,
)


def stored(one: list[Slot]) -> bytes:
    """A chunk as it is written."""
    known = np.array([[slot.known for slot in one]], dtype=np.float32)
    bad = np.array([[slot.bad if slot.known else 0 for slot in one]], dtype=float)
    out = np.array([[slot.out for slot in one]])
    excluded = Slots(bad * out, bad * 2 * out, known * out)
    asked = [SlotStatus.SETTLED if slot.settled else SlotStatus.PROVISIONAL for slot in one]
    stretch = Stretch(10, 0, Slots(bad, bad * 2, known), excluded, np.array(asked, np.uint8))
    return encode(stretch, 0)[0]


def read(chunk: bytes) -> list[tuple[float, bool, float, float]]:
    """Of every slot: its known share, whether it has settled, its bad events and those excluded."""
    found = decode(10, {0: {0: chunk}}, 1)
    out = found.excluded.bad[0] if found.excluded else np.zeros(CHUNK)
    settled = found.asked == SlotStatus.SETTLED
    columns = (found.slots.known[0], settled, found.slots.bad[0], out)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def right(mine: Slot, theirs: Slot) -> Slot:
    """The one that knows more; of two alike mine."""

    def worth(slot: Slot) -> tuple[int, float]:
        return (2 + slot.settled if slot.known else int(slot.settled)), slot.known

    return theirs if worth(theirs) > worth(mine) else mine


@examples(100)
@given(slots, slots)
def test_every_slot_is_of_the_one_that_knows_more(mine, theirs):
    """With what lies in maintenance windows of it."""
    expected = [right(*pair) for pair in zip(mine, theirs, strict=True)]
    assert read(put_together(stored(mine), stored(theirs))) == read(stored(expected))


def test_what_is_alike_is_left_as_it_is():
    """The very bytes: whoever knows no less has nothing to learn."""
    mine = stored([Slot(1.0, True, 5)] * CHUNK)
    assert put_together(mine, stored([Slot(1.0, True, 5)] * 60 + [UNKNOWN] * 4)) is mine


@pytest.mark.parametrize("damaged", [b"", b"garbage", b"x\x9c"])
def test_what_is_damaged_teaches_nothing(damaged):
    mine = stored([Slot(1.0, True, 5)] * CHUNK)
    assert put_together(mine, damaged) is mine
