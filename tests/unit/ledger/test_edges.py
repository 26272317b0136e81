"""Slots that the edge of a window lies in are read again once they have changed."""

import numpy as np

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import levels
from exporter.ledger.slots import Slots
from exporter.slo.types import DAY, HOUR, SeriesIndex

END = 1_700_000_100 // HOUR * HOUR


def test_a_share_of_a_slot_is_of_what_it_holds_now():
    """A window that begins half way through an hour has half of that hour's events."""
    ledger = Ledger(levels(30, 7 * DAY), 1, END)
    ledger.add_series()
    start, _ = ledger.cover(2)
    for total in (100.0, 300.0):
        counts = np.array([[total]])
        ledger.write(2, [SeriesIndex(0)], start, Slots(0 * counts, counts, 0 * counts + 1))
        assert ledger.window(END - start - HOUR // 2).total.tolist() == [total / 2]
