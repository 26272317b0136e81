"""What is known of one SLO over time, apart from any ledger: how it is stored and carried over.

A history is read out of a ledger or a store and put into a ledger that may be cut differently:
slots that fit are copied as they are, others are added up or shared out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.types import Floats, Groups

SHARE_ROUNDING = 1e-6
"""Known shares are held in single precision."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive slots of `slot` seconds that follow `start` (Unix seconds): groups x slots.

    `excluded` is the part of the counts that lies in maintenance windows, `asked` a `SlotStatus`
    per slot.
    """

    slot: int
    start: int
    slots: Slots
    excluded: Slots | None
    asked: NDArray[np.uint8]

    @property
    def end(self) -> int:
        """The end of the last slot."""
        return self.start + len(self.asked) * self.slot

    def within(self, low: int, high: int, slot: int) -> Stretch | None:
        """The part of it that lies in (low, high], in slots of another length.

        Both limits are boundaries of the slots wanted. Finer slots are added up: what comes of
        them is settled if all of them were. Coarser ones are shared out evenly, which is not
        exact, and so they come as not asked for. None if nothing lies within.
        """
        low = max(low, self.start // slot * slot)
        high = min(high, -(-self.end // slot) * slot)
        if low >= high:
            return None
        if slot != self.slot and (self.asked == SlotStatus.STAND_IN).any():
            return self.without_stand_ins().within(low, high, slot)
        unit = math.gcd(self.slot, slot)
        finer = slot % self.slot == 0
        asked = self._bring(self.asked[None, :], low, high, unit, share=False)[0]
        whole = asked.reshape(-1, slot // unit)
        if slot != self.slot:
            settled = finer & (whole == SlotStatus.SETTLED).all(axis=1)
            asked = np.where(settled, np.uint8(SlotStatus.SETTLED), np.uint8(SlotStatus.NO))
        return Stretch(
            slot=slot,
            start=low,
            slots=self._slots(self.slots, low, high, slot),
            excluded=self.excluded and self._slots(self.excluded, low, high, slot),
            asked=asked,
        )

    def without_stand_ins(self) -> Stretch:
        """The same without what only stands in for slots: these come as not asked for."""
        stands_in = self.asked == SlotStatus.STAND_IN
        if not stands_in.any():
            return self

        def rest(slots: Slots) -> Slots:
            return Slots(
                *(np.where(stands_in, 0, array).astype(array.dtype) for array in slots.arrays())
            )

        return replace(
            self,
            slots=rest(self.slots),
            excluded=self.excluded and rest(self.excluded),
            asked=np.where(stands_in, np.uint8(SlotStatus.NO), self.asked),
        )

    def of_series(self, places: Sequence[int]) -> Stretch:
        """The same with just these series, in this order; -1 stands for one that holds nothing."""

        at = np.asarray(places, dtype=np.intp)

        def pick(slots: Slots) -> Slots:
            return Slots(*(np.where((at < 0)[:, None], 0, array[at]) for array in slots.arrays()))

        return replace(self, slots=pick(self.slots), excluded=self.excluded and pick(self.excluded))

    def reexcluded(self, share: Floats) -> Stretch:
        """The same slots under other maintenance windows; the stretch itself if none differ.

        `share` tells how much of each slot lies in one. Slots that lie outside or inside as a
        whole are right at once; one that is cut takes its share, and is to be asked for again.
        """
        before = self.excluded or Slots.none(*self.slots.bad.shape)
        off = np.abs(before.known - self.slots.known * share) > SHARE_ROUNDING
        # Of a slot that is known in part one cannot tell where in it the window lies.
        cut = (share > 0) & (share < 1)
        off &= ~(cut & (self.slots.known < 1) & (before.known > 0))
        if not off.any():
            return self
        excluded = Slots(
            *(
                np.where(off, array * share, old).astype(array.dtype)
                for array, old in zip(self.slots.arrays(), before.arrays(), strict=True)
            )
        )
        again = off.any(axis=0) & cut
        asked = np.where(again, np.uint8(SlotStatus.NO), self.asked)
        return replace(self, excluded=excluded, asked=asked)

    def _slots(self, slots: Slots, low: int, high: int, slot: int) -> Slots:
        unit = math.gcd(self.slot, slot)
        bad, total, known = (
            self._bring(array, low, high, unit, share=share)
            for array, share in zip(slots.arrays(), (True, True, False), strict=True)
        )
        shape = (len(bad), bad.shape[1] * unit // slot, slot // unit)
        return Slots(
            bad.reshape(shape).sum(axis=2),
            total.reshape(shape).sum(axis=2),
            known.reshape(shape).mean(axis=2, dtype=np.float32),
        )

    def _bring(
        self, array: NDArray[Any], low: int, high: int, unit: int, *, share: bool
    ) -> NDArray[Any]:
        """An array's values in slots of `unit` seconds in (low, high]; 0 outside of the stretch."""
        parts = self.slot // unit
        if parts > 1:
            array = np.repeat(array / parts if share else array, parts, axis=1)
        brought = np.zeros((len(array), (high - low) // unit), dtype=array.dtype)
        first, last = (self.start - low) // unit, (self.end - low) // unit
        begin, end = max(first, 0), min(last, brought.shape[1])
        brought[:, begin:end] = array[:, begin - first : end - first]
        return brought


@dataclass(frozen=True, slots=True)
class History:
    """What was known of one SLO at `end` (Unix seconds), with a series of slots per group.

    Where stretches of one length overlap, the first that tells anything of a slot is right.
    """

    end: int
    groups: Groups
    stretches: tuple[Stretch, ...]

    def of_groups(self, groups: Groups) -> History:
        """The same with just these groups, in this order; nothing is known of one it has not."""
        if groups == self.groups:
            return self
        places = [self.groups.index(group) if group in self.groups else -1 for group in groups]
        return History(
            self.end, groups, tuple(stretch.of_series(places) for stretch in self.stretches)
        )

    def over(self, other: History) -> History:
        """This history, and the other one of the same events where this one tells nothing."""
        groups = tuple(dict.fromkeys(self.groups + other.groups))
        parts = self.of_groups(groups), other.of_groups(groups)
        return History(self.end, groups, parts[0].stretches + parts[1].stretches)

    def since(self, start: int) -> History:
        """The same with just the groups that something is known of after `start` (Unix seconds)."""
        known = np.zeros(len(self.groups), dtype=np.bool_)
        for stretch in self.stretches:
            known |= (
                stretch.slots.known[:, max(0, (start - stretch.start) // stretch.slot) :] > 0
            ).any(axis=1)
        return self.of_groups(tuple(compress(self.groups, known)))


@dataclass(slots=True)
class Restored:
    """Slots of one level that are being put together from stretches: groups x slots.

    `converted` tells whether any of them come from slots of another length.
    """

    slots: Slots
    excluded: Slots | None
    asked: NDArray[np.uint8]
    converted: bool = False


def put_together(history: History, low: int, high: int, slot: int) -> Restored:
    """What a history tells of the slots of `slot` seconds in (low, high].

    Slots of just that length come first, then the finer ones, the coarsest of them first, as they
    were added up from the others; the coarser ones come last.
    """
    series, count = len(history.groups), (high - low) // slot
    found = Restored(Slots.none(series, count), None, np.zeros(count, dtype=np.uint8))
    free = np.ones(count, dtype=np.bool_)

    def closeness(stretch: Stretch) -> tuple[bool, int]:
        return stretch.slot > slot, abs(slot - stretch.slot)

    for stretch in sorted(history.stretches, key=closeness):
        part = stretch.within(low, high, slot) if free.any() else None
        if part is None:
            continue
        first = (part.start - low) // slot
        at = slice(first, first + len(part.asked))
        take = free[at] & ((part.asked != SlotStatus.NO) | (part.slots.known > 0).any(axis=0))
        _put(found.slots, part.slots, at, take)
        if part.excluded is not None:
            if found.excluded is None:
                found.excluded = Slots.none(series, count)
            _put(found.excluded, part.excluded, at, take)
        found.asked[at][take] = part.asked[take]
        free[at] &= ~take
        found.converted |= stretch.slot != slot and bool(take.any())
    return found


def _put(target: Slots, new: Slots, at: slice, take: NDArray[np.bool_]) -> None:
    for into, array in zip(target.arrays(), new.arrays(), strict=True):
        part = into[:, at]
        part[:, take] = array[:, take]
