"""Settling what has been counted, and finding what has to be counted again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from exporter.collection.pending import Requests
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import Floats, SloIndex


def recount(
    ledger: Ledger,
    span: SlotRange,
    checksums: Mapping[SloIndex, Floats | None],
    *,
    units: Sequence[int],
    complete: Sequence[int],
) -> Requests:
    """Settle a span of the finest slots, of each SLO up to the first whose samples have changed.

    Args:
        ledger: where the slots are.
        span: those that have settled by their age.
        checksums: of the samples, one per slot; None for an SLO without counters to tell by.
        units: what each SLO's spans are made of, in seconds, by its index.
        complete: up to when each SLO's data are there, Unix seconds.

    Returns:
        What is to be counted again: the slots behind one that changed began from it.
    """
    requests: Requests = {}
    for slo_index, of_slots in checksums.items():
        same = 0
        if of_slots is not None:
            noted = ledger.checksums(slo_index, span.start, span.end)
            same = int(np.cumprod(of_slots == noted).sum())
        statuses = np.full(same, SlotStatus.SETTLED, dtype=np.uint8)
        ledger.mark(0, slo_index, span.start, statuses)
        if same < span.count:
            first, last = span.start + same * span.slot, max(complete[slo_index], span.end)
            start, end = (at - at % units[slo_index] for at in (first, last))
            requests.setdefault(SlotRange(start, end, span.slot), []).append(slo_index)
    return requests
