"""When slots that have settled are looked at again: their samples may have come after that.

A source may answer in part for longer than slots take to settle: an incomplete query layer, a
proxy, a store that lags behind. So samples of every slot are looked at some time after it has
settled, again when it is several times as old, and a last time before it leaves the finest level.
Where any were found to have come, all slots are looked at, and once more after a while. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import numpy as np

from exporter.collection.pending import Requests
from exporter.collection.slot_range import SlotRange
from exporter.slo.types import HOUR, Floats, SloIndex, Times

FIRST = 2
"""The age of slots that are looked at again for the first time, in times of `settle`."""

GROWTH = 4
"""How many times as old they are the next time."""

RETRY_FIRST, RETRY_MOST = 60, 1_800
"""Seconds until a look is tried again of which nothing came, at first and at the most."""


def ages(settle: float, horizon: int) -> tuple[int, ...]:
    """At which ages slots are looked at, in seconds; `horizon` is how old the finest ones get."""
    last = max(horizon - HOUR, horizon // 2)
    found = []
    age = FIRST * max(1, int(settle))
    while age < last / 2:
        found.append(age)
        age *= GROWTH
    return (*found, last)


class Looks:
    """Up to when each SLO's slots have been looked at, at each age. Times are Unix seconds."""

    def __init__(self, slo_count: int, interval: int, settle: float, horizon: int) -> None:
        self._interval = interval
        self._settle = int(settle)
        self._ages = ages(settle, horizon)
        # Slots are looked at many at a time: the same samples, fewer queries.
        room = (horizon - self._ages[-1]) // 2  # the last time, before they leave
        self._together = [max(interval, min(age // 2, room)) for age in self._ages]
        self._until = np.zeros((len(self._ages), slo_count), dtype=np.int64)
        self._begun = np.zeros(slo_count, dtype=np.bool_)
        # When all slots of an SLO are looked at, and how long it is until the next time if need be.
        self._whole: dict[SloIndex, int] = {}
        self._pauses: dict[SloIndex, int] = {}
        self._retry: dict[SloIndex, tuple[int, int]] = {}

    def begin(self, slo_indices: Collection[SloIndex], since: int) -> None:
        """Note from when on slots are looked at of SLOs for which that is not noted yet."""
        new = [slo_index for slo_index in slo_indices if not self._begun[slo_index]]
        self._until[:, new] = since
        self._begun[new] = True

    def begun(self, slo_index: SloIndex) -> bool:
        """Whether it is noted from when on an SLO's slots are looked at."""
        return bool(self._begun[slo_index])

    def follow(self, slo_index: SloIndex, old: Looks, before: SloIndex) -> None:
        """Go on where others have got to with an SLO, which was `before` there."""
        if not old.begun(before) or old._ages != self._ages:
            return
        self._until[:, slo_index] = old._until[:, before]
        self._begun[slo_index] = True
        if before in old._whole:
            self._whole[slo_index] = old._whole[before]

    def look_at_all(self, slo_index: SloIndex, at: int) -> None:
        """Have all of an SLO's slots looked at, from a moment on."""
        self._whole[slo_index] = min(at, self._whole.get(slo_index, at))

    def due(self, slo_indices: Collection[SloIndex], low: int, end: int, later: Floats) -> Requests:
        """The spans that are due, of some SLOs.

        Args:
            slo_indices: the SLOs.
            low: since when there are slots.
            end: up to when there are.
            later: how many seconds later than others each SLO's slots settle.
        """
        work: Requests = defaultdict(list)
        for slo_index in slo_indices:
            if self._retry.get(slo_index, (end, 0))[0] > end:
                continue
            settled = self._floor(end - self._settle - float(later[slo_index]))
            if self._whole.get(slo_index, end + 1) <= end:
                if low < settled:
                    work[SlotRange(low, settled, self._interval)].append(slo_index)
                continue
            # The oldest first: a slot that is in two spans is in the one that reaches further.
            for i in reversed(range(len(self._ages))):
                until = self._until_of(i, slo_index, end, later)
                start = max(low, int(self._until[i, slo_index]))
                if until - start >= self._together[i]:
                    work[SlotRange(start, until, self._interval)].append(slo_index)
        return work

    def _until_of(self, i: int, slo_index: SloIndex, end: int, later: Floats) -> int:
        return self._floor(end - self._ages[i] - float(later[slo_index]))

    def _floor(self, at: float) -> int:
        return int(at // self._interval) * self._interval

    def looked(self, slo_index: SloIndex, span: SlotRange, end: int, *, changed: bool) -> None:
        """Note that a span was looked at, and whether samples had come."""
        self._retry.pop(slo_index, None)
        whole = self._whole.get(slo_index, end + 1) <= end
        if whole:
            del self._whole[slo_index]
            # What is still to come, nobody knows: patience grows while more is found.
            pause = self._pauses.get(slo_index, max(self._settle, self._interval))
            if changed:
                pause = min(pause, HOUR)
                self._pauses[slo_index] = 2 * pause
                self.look_at_all(slo_index, end + pause)
            else:
                self._pauses.pop(slo_index, None)
        elif changed and slo_index not in self._whole:
            self.look_at_all(slo_index, end)
        for i, age in enumerate(self._ages):
            if span.start <= self._until[i, slo_index]:
                reached: int = min(span.end, self._floor(end - age))
                self._until[i, slo_index] = max(reached, self._until[i, slo_index])

    def patient(self, slo_index: SloIndex) -> bool:
        """Whether patience with an SLO still grows: after that what is odd is taken as it is."""
        return self._pauses.get(slo_index, 0) < 2 * HOUR

    def untold(self, slo_index: SloIndex, end: int) -> None:
        """Note that nothing came of a look: it is tried again, each time later."""
        _, pause = self._retry.get(slo_index, (0, RETRY_FIRST // 2))
        pause = min(2 * pause, RETRY_MOST)
        self._retry[slo_index] = end + pause, pause

    def step_back(self, end: int) -> None:
        """Forget what lies behind a moment: the clock was set back."""
        ahead: Times = np.minimum(self._until, end)
        self._until[:] = ahead
        self._whole = {slo_index: min(at, end + HOUR) for slo_index, at in self._whole.items()}
        self._retry = {s: each for s, each in self._retry.items() if each[0] <= end + RETRY_MOST}
