"""From a slot's first count to its last: what is asked for, and what is asked for again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from exporter.collection import pending
from exporter.collection.lateness import Arrivals
from exporter.collection.replaced import Replacements
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import Bools, Floats, SloIndex


class Settling:
    """The finest slots of a ledger, and what is known of the samples behind them.

    Args:
        ledger: where the slots are.
        arrivals: up to when the data of each SLO are complete.
        units: what each SLO's spans are made of, in seconds, by its index.
        settle: seconds until a slot settles whose samples come in time.
    """

    def __init__(
        self, ledger: Ledger, arrivals: Arrivals, units: Sequence[int], settle: float
    ) -> None:
        self._ledger = ledger
        self._arrivals = arrivals
        self._units = units
        self.replacements = Replacements(len(units), settle)

    def later(self, slo_index: SloIndex) -> float:
        """How many seconds later than others an SLO's slots settle."""
        replaced = self.replacements.settling(slo_index, self._ledger.end)
        return max(self._arrivals.settling(slo_index), replaced)

    def newest(self) -> pending.Requests:
        """The finest slots that nothing is known of yet, or that must be counted with these."""
        return pending.newest(
            self._ledger,
            self._units,
            self._arrivals.all_complete_until(self._ledger.end),
            self.replacements.expected(self._ledger.end),
        )

    def settled(self, until: float) -> pending.Requests:
        """The finest slots that have settled since they were asked for; `until`: Unix seconds."""
        settled_until = [until - self.later(SloIndex(i)) for i in range(len(self._units))]
        return pending.settled(self._ledger, settled_until, self._units)

    def looked_at(self) -> pending.Requests:
        """The slots whose samples are looked at: it is not known yet whether they are replaced."""
        return pending.unsettled(self._ledger, self.replacements.looked_for(self._ledger.end))

    def note_checksums(self, start: int, checksums: Mapping[SloIndex, Floats]) -> None:
        """Note the checksums of the samples behind the slots that follow `start`.

        To be called before their events are counted.
        """
        for slo_index, of_slots in checksums.items():
            self.replacements.begin(slo_index, self._ledger.end)
            self._compare(slo_index, start, of_slots)
            self._ledger.note_checksums(slo_index, start, of_slots)

    def look_at(self, start: int, checksums: Mapping[SloIndex, Floats]) -> None:
        """Look whether samples behind the slots that follow `start` have been replaced."""
        for slo_index, of_slots in checksums.items():
            self._compare(slo_index, start, of_slots)

    def recount(
        self, span: SlotRange, checksums: Mapping[SloIndex, Floats | None]
    ) -> pending.Requests:
        """Settle a span of slots, of each SLO up to the first whose samples have changed.

        Args:
            span: slots that have settled by their age.
            checksums: of the samples, one per slot; None for an SLO without counters to tell by.

        Returns:
            What is to be counted again: the slots behind one that changed began from it.
        """
        complete = self._arrivals.all_complete_until(self._ledger.end)
        requests: pending.Requests = {}
        for slo_index, of_slots in checksums.items():
            same = 0
            if of_slots is not None:
                noted = self._ledger.checksums(slo_index, span.start, span.end)
                same = int(np.cumprod(of_slots == noted).sum())
                if _replaced(noted, of_slots).any():
                    # How old they were is not known: looking at them from now on will tell.
                    self.replacements.note(slo_index, 0, self._ledger.end)
            statuses = np.full(same, SlotStatus.SETTLED, dtype=np.uint8)
            self._ledger.mark(0, slo_index, span.start, statuses)
            if same < span.count:
                first, last = span.start + same * span.slot, max(complete[slo_index], span.end)
                unit = self._units[slo_index]
                start, end = (at - at % unit for at in (first, last))
                requests.setdefault(SlotRange(start, end, span.slot), []).append(slo_index)
        return requests

    def _compare(self, slo_index: SloIndex, start: int, checksums: Floats) -> None:
        slot, end = self._ledger.interval, self._ledger.end
        noted = self._ledger.checksums(slo_index, start, start + len(checksums) * slot)
        replaced = np.flatnonzero(_replaced(noted, checksums))
        if replaced.size:
            oldest = start + (int(replaced[0]) + 1) * slot
            self.replacements.note(slo_index, end - oldest, end)


def _replaced(noted: Floats, found: Floats) -> Bools:
    """Where checksums are known to be others than they were."""
    return np.asarray(np.isfinite(noted) & np.isfinite(found) & (noted != found))
