"""Chunks that are put into bytes together are those that are put into bytes one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger.history import Stretch
from exporter.ledger.levels import CHUNK
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.store.chunks import encode, encode_alike
from tests.helpers.thorough import examples

NUMBER = 7


@st.composite
def alike(draw):
    """Some SLOs' slots of one span, settled or not; some SLOs have several series."""
    first = draw(st.integers(0, CHUNK - 1))
    count = draw(st.integers(1, CHUNK - first))
    chance = np.random.default_rng(draw(st.integers(0, 99)))
    found = []
    for series in draw(st.lists(st.integers(0, 3), min_size=1, max_size=5)):
        shape = series, count
        known = chance.choice([0, 0.25, 1], shape).astype(np.float32)
        slots = Slots(chance.poisson(2, shape).astype(float), chance.random(shape) * 9, known)
        asked = chance.choice([SlotStatus.NO, SlotStatus.PROVISIONAL, SlotStatus.SETTLED], count)
        start = (NUMBER * CHUNK + first) * 30
        found.append(Stretch(30, start, slots, None, asked.astype(np.uint8)))
    return found


@examples(50)
@given(alike())
def test_many_are_as_one_by_one(stretches):
    """To the byte, in their order."""
    one_by_one = [text for each in stretches for text in encode(each, NUMBER)]
    assert encode_alike(stretches, NUMBER) == one_by_one
