"""The rings of all levels, and how slots move from one to the next as time goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.block import Block
from exporter.ledger.changes import Changes, Chunk
from exporter.ledger.history import Stretch
from exporter.ledger.levels import CHUNK, Level
from exporter.ledger.ring_buffer import RingBuffer
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.types import SeriesIndex, SloIndex


class Rings:
    """A ring per level, up to `end` (Unix seconds).

    Level i covers (`fences[i]`, `fences[i - 1]`], the finest (`fences[0]`, `end`].
    """

    def __init__(self, levels: Sequence[Level], slo_count: int, end: int) -> None:
        self.levels = levels
        self.end = end - end % levels[0].slot
        self.rings: list[RingBuffer] = []
        self.changes = Changes(levels, slo_count)
        self._fences: list[int] = []
        for i, level in enumerate(levels):
            last = i + 1 == len(levels)
            # A fence stands on a boundary of the next coarser level, hence the slack.
            slack = level.slot if last else levels[i + 1].slot
            columns = (level.horizon + slack) // level.slot + 1
            # Of the finest slots, few are asked about at a time, of all series.
            self.rings.append(RingBuffer(level.slot, columns, slo_count, by_slot=i == 0))
            self._fences.append(self._fence(i, self.end))

    def _fence(self, i: int, end: int) -> int:
        unit = self.levels[min(i + 1, len(self.levels) - 1)].slot
        oldest = end - self.levels[i].horizon
        return oldest - oldest % unit

    def cover(self, level: int) -> tuple[int, int]:
        """The span (start, end] that a level answers for."""
        return self._fences[level], self.end if level == 0 else self._fences[level - 1]

    def inside(self, level: int, start: int, count: int) -> tuple[NDArray[np.intp], slice]:
        """The slots that follow `start` and are covered: their columns, and their places."""
        low, high = self.cover(level)
        slot = self.levels[level].slot
        first = min(count, max(0, (low - start) // slot))
        last = max(first, min(count, (high - start) // slot))
        at = self.rings[level].at(start + first * slot, start + last * slot)
        return at, slice(first, last)

    def span(self, chunk: Chunk) -> tuple[int, int]:
        """The part of a chunk's span that its level covers."""
        low, high = self.cover(chunk.level)
        length = CHUNK * self.rings[chunk.level].slot
        low, high = max(low, chunk.number * length), min(high, (chunk.number + 1) * length)
        return low, max(low, high)

    def advance(self, end: int) -> None:
        """Let time go on to `end`; what becomes too old for a level merges into the next one."""
        end -= end % self.levels[0].slot
        if end - self.end >= self.levels[-1].horizon:
            # Nothing held would be of use any more; stepping through it would only take time.
            for i, ring in enumerate(self.rings):
                ring.clear(0, ring.columns * ring.slot)
                self._fences[i] = self._fence(i, end)
            self.end = end
            return
        step = self.levels[1].slot if len(self.levels) > 1 else self.levels[0].slot
        while self.end < end:
            target = min(end, self.end - self.end % step + step)
            self.rings[0].clear(self.end, target)
            self.end = target
            for i in range(len(self.levels)):
                self._move_fence(i, max(self._fences[i], self._fence(i, target)))

    def retreat(self, end: int) -> None:
        """Forget the finest slots after `end`: the clock was set back, so they never were."""
        end -= end % self.levels[0].slot
        start = max(end, self._fences[0])
        if start < self.end:
            self.rings[0].clear(start, self.end)
            self.changes.note(0, start, self.end, None)
            self.end = start

    def _move_fence(self, i: int, fence: int) -> None:
        old, self._fences[i] = self._fences[i], fence
        if fence == old or i + 1 == len(self.levels):
            return
        fine, coarse = self.rings[i], self.rings[i + 1]
        coarse.clear(old, fence)
        coarse.merge(fine, old, fence)
        ratio = coarse.slot // fine.slot
        asked = fine.asked[:, fine.at(old, fence).reshape(-1, ratio)]
        settled = (asked == SlotStatus.SETTLED).all(axis=2)
        at = coarse.at(old, fence)
        coarse.asked[:, at] = np.where(settled, SlotStatus.SETTLED, SlotStatus.NO)
        self.changes.note(i + 1, old, fence, None)

    def put(self, block: Block, series_indices: NDArray[np.intp]) -> None:
        """Put a block of chunks into its level, as far as that covers them, a series for each."""
        [level] = [i for i, ring in enumerate(self.rings) if ring.slot == block.slot]
        ring, (low, high) = self.rings[level], self.cover(level)
        length = CHUNK * ring.slot
        for number in np.unique(block.numbers).tolist():
            begin = number * length
            start, end = max(low, begin), min(high, begin + length)
            if start >= end:
                continue
            chunks = np.flatnonzero(block.numbers == number)
            inside = slice((start - begin) // ring.slot, (end - begin) // ring.slot)
            slots = Slots(*(array[chunks, inside] for array in block.slots.arrays()))
            at = ring.at(start, end)
            ring.counts.set(series_indices[chunks, None], at[None, :], slots)
            ring.asked[block.slo_indices[chunks, None], at] = block.asked[chunks, inside]
        ring.changed()

    def stretches(
        self,
        level: int,
        slo_indices: Sequence[SloIndex],
        series_indices: Sequence[Sequence[SeriesIndex]],
        span: tuple[int, int],
    ) -> Iterator[Stretch]:
        """The slots of some SLOs in a span, by the series of each."""
        # All are copied at once, which is many times as fast as one by one.
        ring = self.rings[level]
        at = ring.at(*span)
        cells = np.ix_(np.fromiter(chain.from_iterable(series_indices), dtype=np.intp), at)
        counts = list(ring.counts.get(*cells).arrays())
        excluded = None if ring.excluded is None else list(ring.excluded.get(*cells).arrays())
        asked = ring.asked[np.ix_(np.asarray(slo_indices, dtype=np.intp), at)]
        last = 0
        for place, own in enumerate(series_indices):
            first, last = last, last + len(own)
            out = excluded and Slots(*(array[first:last] for array in excluded))
            yield Stretch(
                slot=ring.slot,
                start=span[0],
                slots=Slots(*(array[first:last] for array in counts)),
                excluded=out if out and out.known.any() else None,
                asked=asked[place],
            )
