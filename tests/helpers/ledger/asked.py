"""A ledger, of whose slots it is noted which have been asked for."""

from __future__ import annotations

import numpy as np

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import levels
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import DAY, HOUR

END = 1_699_999_200 + 9 * HOUR
"""A boundary of slots of up to an hour."""


def ledger(slo_count: int = 1, period: int = 30 * DAY) -> Ledger:
    """A ledger whose finest slots have all been asked for and settled."""
    made = Ledger(levels(30, period), slo_count, END)
    for slo_index in range(slo_count):
        made.add_series()
        mark(made, slo_index, SlotStatus.SETTLED, *made.cover(0))
    return made


def mark(
    of: Ledger, slo_index: int, asked: SlotStatus, start: int, end: int, *, level: int = 0
) -> None:
    count = (end - start) // of.levels[level].slot
    of.mark(level, slo_index, start, np.full(count, asked, dtype=np.uint8))
