"""From a slot's first count to its last: what is asked for, and what is asked for again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from exporter.collection import pending
from exporter.collection.late_samples import Checksums
from exporter.collection.lateness import Arrivals
from exporter.collection.replaced import Replacements
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import Bools, Floats, SloIndex, Times


class Settling:
    """The finest slots of a ledger, and what is known of the samples behind them.

    Args:
        ledger: where the slots are.
        arrivals: up to when the data of each SLO are complete.
        units: what each SLO's spans are made of, in seconds, by its index.
        settle: seconds until a slot settles whose samples come in time.
        reach: how many seconds back slots are polled. None: all of the finest.
    """

    def __init__(
        self,
        ledger: Ledger,
        arrivals: Arrivals,
        units: Sequence[int],
        settle: float,
        *,
        reach: int | None = None,
    ) -> None:
        self._ledger = ledger
        self._arrivals = arrivals
        self._units = units
        self._reach = reach
        self.replacements = Replacements(len(units), settle)

    def begin(self) -> Times:
        """Up to when the finest slots of each SLO are history rather than polled, Unix seconds."""
        low, end = self._ledger.cover(0)
        if self._reach is None:
            return np.full(len(self._units), low)
        until = self._arrivals.all_complete_until(end) - self._reach
        begin: Times = np.maximum(low, until - until % self._ledger.stand_ins.blocks[0])
        return begin

    def later(self) -> Floats:
        """How many seconds later than others each SLO's slots settle."""
        return np.maximum(self._arrivals.settling(), self.replacements.settling(self._ledger.end))

    def newest(self) -> pending.Requests:
        """The finest slots that nothing is known of yet, or that must be counted with these."""
        return pending.newest(
            self._ledger,
            self._units,
            self._arrivals.all_complete_until(self._ledger.end),
            self.replacements.expected(self._ledger.end),
            self.begin(),
        )

    def settled(self, until: float) -> pending.Requests:
        """The finest slots that have settled since they were asked for; `until`: Unix seconds."""
        return pending.settled(self._ledger, until - self.later(), self._units)

    def looked_at(self) -> pending.Requests:
        """The slots whose samples are looked at: it is not known yet whether they are replaced."""
        return pending.unsettled(self._ledger, self.replacements.looked_for(self._ledger.end))

    def note_checksums(self, start: int, found: Checksums) -> None:
        """Note the checksums of the samples behind the slots that follow `start`.

        To be called before their events are counted.
        """
        self.replacements.begin(found.slo_indices, self._ledger.end)
        self._compare(found.slo_indices, start, found.of_slots)
        self._ledger.checksums.note(found.slo_indices, start, found.of_slots)

    def look_at(self, start: int, found: Checksums) -> None:
        """Look whether samples behind the slots that follow `start` have been replaced."""
        self._compare(found.slo_indices, start, found.of_slots)

    def recount(self, span: SlotRange, checksums: Checksums) -> pending.Requests:
        """Settle a span of slots, of each SLO up to the first whose samples have changed.

        Args:
            span: slots that have settled by their age.
            checksums: of the samples; NaN for an SLO without counters to tell by.

        Returns:
            What is to be counted again: the slots behind one that changed began from it.
        """
        requests: pending.Requests = {}
        slo_indices, found = checksums.slo_indices, checksums.of_slots
        if not len(slo_indices):
            return requests
        complete = self._arrivals.all_complete_until(self._ledger.end)
        noted = self._ledger.checksums.of(slo_indices, span.start, span.end)
        for i in np.flatnonzero(_replaced(noted, found).any(axis=1)).tolist():
            # How old they were is not known: looking at them from now on will tell.
            self.replacements.note(SloIndex(int(slo_indices[i])), 0, self._ledger.end)
        # Of each SLO, how many slots are the same before the first that is not.
        same = np.cumprod(found == noted, axis=1).sum(axis=1)
        for count in np.unique(same).tolist():
            those = slo_indices[same == count]
            statuses = np.full((len(those), count), SlotStatus.SETTLED, dtype=np.uint8)
            self._ledger.mark_all(0, those, span.start, statuses)
        changed = np.flatnonzero(same < span.count)
        for slo_index, count in zip(
            slo_indices[changed].tolist(), same[changed].tolist(), strict=True
        ):
            first, last = span.start + count * span.slot, max(int(complete[slo_index]), span.end)
            unit = self._units[slo_index]
            start, end = (at - at % unit for at in (first, last))
            requests.setdefault(SlotRange(start, end, span.slot), []).append(slo_index)
        return requests

    def _compare(self, slo_indices: NDArray[np.intp], start: int, checksums: Floats) -> None:
        slot, end = self._ledger.interval, self._ledger.end
        until = start + checksums.shape[1] * slot
        replaced = _replaced(self._ledger.checksums.of(slo_indices, start, until), checksums)
        for i in np.flatnonzero(replaced.any(axis=1)).tolist():
            oldest = start + (int(replaced[i].argmax()) + 1) * slot
            self.replacements.note(SloIndex(int(slo_indices[i])), end - oldest, end)


def _replaced(noted: Floats, found: Floats) -> Bools:
    """Where checksums are known to be others than they were."""
    return np.asarray(np.isfinite(noted) & np.isfinite(found) & (noted != found))
