"""The slots of all SLOs in memory, and the sums over any window of them.

Two things are kept apart. A *series* holds the counts of one SLO (with `group_by`: of one group).
A *SLO* is one entry of the configuration and owns one or more series; which slots were asked
for is known per SLO, since one question fetches all of its series.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.history import History, Stretch, put_together
from exporter.ledger.levels import CHUNK, Level
from exporter.ledger.ring_buffer import RingBuffer, Slots
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import Floats, Groups, SeriesIndex, SloIndex, Times, slos_where
from exporter.slo.windows import WindowSums


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of a level, and the SLOs whose slots in it are other than the store has them."""

    level: int
    number: int
    slo_indices: tuple[SloIndex, ...]


class Ledger:
    """Slots of every series at several levels; the finest reaches up to `end`.

    Level i covers (`fences[i]`, `fences[i - 1]`], the finest (`fences[0]`, `end`]. All times
    are Unix seconds; a slot is named by its end.
    """

    def __init__(self, levels: Sequence[Level], slo_count: int, end: int) -> None:
        self.levels = tuple(levels)
        self.end = end - end % levels[0].slot
        self._rings: list[RingBuffer] = []
        self._fences: list[int] = []
        for i, level in enumerate(levels):
            last = i + 1 == len(levels)
            # A fence stands on a boundary of the next coarser level, hence the slack.
            slack = level.slot if last else levels[i + 1].slot
            columns = (level.horizon + slack) // level.slot + 1
            self._rings.append(RingBuffer(level.slot, columns, slo_count))
            self._fences.append(self._fence(i, self.end))
        self.series_count = 0
        self._slo_count = slo_count
        self._changed: list[dict[int, NDArray[np.bool_]]] = [{} for _ in levels]
        self._checksums = np.full((slo_count, self._rings[0].columns), np.nan)

    def _fence(self, i: int, end: int) -> int:
        unit = self.levels[min(i + 1, len(self.levels) - 1)].slot
        oldest = end - self.levels[i].horizon
        return oldest - oldest % unit

    @property
    def interval(self) -> int:
        """The length of the finest slots in seconds."""
        return self.levels[0].slot

    @property
    def slots(self) -> int:
        """How many slots all series have together, known or not."""
        return self.series_count * sum(ring.columns for ring in self._rings)

    @property
    def bytes(self) -> int:
        """The memory that the slots take."""
        return sum(ring.bytes for ring in self._rings)

    @property
    def excludes(self) -> bool:
        """Whether anything lies in a maintenance window."""
        return any(ring.excluded is not None for ring in self._rings)

    def add_series(self) -> SeriesIndex:
        """Make room for another series and return its number."""
        series_index = SeriesIndex(self.series_count)
        self.series_count += 1
        for ring in self._rings:
            ring.grow(series_index + 1)
        return series_index

    def cover(self, level: int) -> tuple[int, int]:
        """The span (start, end] that a level answers for."""
        return self._fences[level], self.end if level == 0 else self._fences[level - 1]

    def advance(self, end: int) -> None:
        """Let time go on to `end`; what becomes too old for a level merges into the next one."""
        end -= end % self.interval
        if end - self.end >= self.levels[-1].horizon:
            # Nothing held would be of use any more; stepping through it would only take time.
            for i, ring in enumerate(self._rings):
                ring.clear(0, ring.columns * ring.slot)
                self._fences[i] = self._fence(i, end)
            self.end = end
            return
        step = self.levels[1].slot if len(self.levels) > 1 else self.interval
        while self.end < end:
            target = min(end, self.end - self.end % step + step)
            self._rings[0].clear(self.end, target)
            self.end = target
            for i in range(len(self.levels)):
                self._move_fence(i, max(self._fences[i], self._fence(i, target)))

    def retreat(self, end: int) -> None:
        """Forget the finest slots after `end`: the clock was set back, so they never were."""
        end -= end % self.interval
        start = max(end, self._fences[0])
        if start < self.end:
            self._rings[0].clear(start, self.end)
            self.note_change(0, start, self.end)
            self.end = start

    def _move_fence(self, i: int, fence: int) -> None:
        old, self._fences[i] = self._fences[i], fence
        if fence == old or i + 1 == len(self.levels):
            return
        fine, coarse = self._rings[i], self._rings[i + 1]
        coarse.clear(old, fence)
        coarse.merge(fine, old, fence)
        ratio = coarse.slot // fine.slot
        asked = fine.asked[:, fine.at(old, fence).reshape(-1, ratio)]
        settled = (asked == SlotStatus.SETTLED).all(axis=2)
        at = coarse.at(old, fence)
        coarse.asked[:, at] = np.where(settled, SlotStatus.SETTLED, SlotStatus.NO)
        self.note_change(i + 1, old, fence)

    def write(
        self,
        level: int,
        series_indices: Sequence[SeriesIndex],
        start: int,
        slots: Slots,
        excluded: Slots | None = None,
    ) -> None:
        """Put counts into the slots that follow `start`; series x slots.

        Slots outside the level's cover are left out: they have moved on since the question. A
        slot of which nothing is known any more keeps what was known: Prometheus forgets.
        `excluded` is the part of the counts that lies in maintenance windows.
        """
        at, inside = self._inside(level, start, slots.bad.shape[1])
        self._rings[level].write(
            series_indices,
            at,
            slots.part(inside),
            None if excluded is None else excluded.part(inside),
        )

    def held(
        self, level: int, series_indices: Sequence[SeriesIndex], start: int, count: int
    ) -> NDArray[np.bool_]:
        """Whether anything is known of the slots that follow `start`: series x slots."""
        at, inside = self._inside(level, start, count)
        known = np.zeros((len(series_indices), count), dtype=np.bool_)
        known[:, inside] = (
            self._rings[level].counts.known[np.ix_(np.asarray(series_indices), at)] > 0
        )
        return known

    def mark(self, level: int, slo_index: SloIndex, start: int, asked: NDArray[np.uint8]) -> None:
        """Note what is known (an `SlotStatus` each) of the SLO's slots that follow `start`."""
        at, inside = self._inside(level, start, len(asked))
        ring = self._rings[level]
        if (asked[inside] == SlotStatus.SETTLED).any():
            slot = ring.slot
            self.note_change(
                level, start + inside.start * slot, start + inside.stop * slot, slo_index
            )
        ring.asked[slo_index, at] = asked[inside]

    def note_checksums(self, slo_index: SloIndex, start: int, checksums: Floats) -> None:
        """Note the checksums of the samples behind the finest slots that follow `start`."""
        at, inside = self._inside(0, start, len(checksums))
        self._checksums[slo_index, at] = checksums[inside]

    def checksums(self, slo_index: SloIndex, start: int, end: int) -> Floats:
        """The checksums noted of the finest slots in (start, end]; NaN where there is none."""
        found: Floats = self._checksums[slo_index, self._rings[0].at(start, end)]
        return found

    def _inside(self, level: int, start: int, count: int) -> tuple[NDArray[np.intp], slice]:
        low, high = self.cover(level)
        slot = self.levels[level].slot
        first = min(count, max(0, (low - start) // slot))
        last = max(first, min(count, (high - start) // slot))
        at = self._rings[level].at(start + first * slot, start + last * slot)
        return at, slice(first, last)

    def asked(self, level: int) -> NDArray[np.uint8]:
        """What is known of each slot of a level: SLOs x slots, oldest first."""
        return self._rings[level].asked[:, self._rings[level].at(*self.cover(level))]

    def forget(self, slo_index: SloIndex) -> None:
        """Have an SLO's slots asked for again; until then they keep what is known of them."""
        for ring in self._rings:
            ring.asked[slo_index] = SlotStatus.NO

    def note_change(
        self, level: int, start: int, end: int, slo_index: SloIndex | None = None
    ) -> None:
        """Note that slots in (start, end] are other than the store has them, of an SLO or all."""
        length = CHUNK * self.levels[level].slot
        for number in range(start // length, -(-end // length)):
            changed = self._changed[level].setdefault(number, np.zeros(self._slo_count, np.bool_))
            changed[slice(None) if slo_index is None else slo_index] = True

    def changes(self) -> list[Chunk]:
        """What has changed since the last call; to be stored, or given back."""
        found = [
            Chunk(level, number, tuple(slos_where(changed)))
            for level, by_number in enumerate(self._changed)
            for number, changed in sorted(by_number.items())
        ]
        self._changed = [{} for _ in self.levels]
        return [chunk for chunk in found if operator.lt(*self._chunk(chunk))]

    def give_back(self, chunks: Sequence[Chunk]) -> None:
        """Note again what could not be stored."""
        for chunk in chunks:
            for slo_index in chunk.slo_indices:
                self.note_change(chunk.level, *self._chunk(chunk), slo_index)

    def give_all_back(self) -> None:
        """Note that nothing of it is stored."""
        for level in range(len(self.levels)):
            self.note_change(level, *self.cover(level))

    def _chunk(self, chunk: Chunk) -> tuple[int, int]:
        """The part of a chunk's span that its level covers."""
        low, high = self.cover(chunk.level)
        length = CHUNK * self._rings[chunk.level].slot
        low, high = max(low, chunk.number * length), min(high, (chunk.number + 1) * length)
        return low, max(low, high)

    def stretches(
        self, chunk: Chunk, series_indices: Sequence[Sequence[SeriesIndex]]
    ) -> Iterator[Stretch]:
        """The slots of a chunk's SLOs, as far as the level covers it, by `series_indices`."""
        return self._stretches(chunk.level, chunk.slo_indices, series_indices, self._chunk(chunk))

    def _stretches(
        self,
        level: int,
        slo_indices: Sequence[SloIndex],
        series_indices: Sequence[Sequence[SeriesIndex]],
        span: tuple[int, int],
    ) -> Iterator[Stretch]:
        # All are copied at once, which is many times as fast as one by one.
        ring = self._rings[level]
        at = ring.at(*span)
        cells = np.ix_(np.fromiter(chain.from_iterable(series_indices), dtype=np.intp), at)
        counts = [array[cells] for array in ring.counts.arrays()]
        excluded = ring.excluded and [array[cells] for array in ring.excluded.arrays()]
        asked = ring.asked[np.ix_(np.asarray(slo_indices, dtype=np.intp), at)]
        last = 0
        for place, series_indice in enumerate(series_indices):
            first, last = last, last + len(series_indice)
            out = excluded and Slots(*(array[first:last] for array in excluded))
            yield Stretch(
                slot=ring.slot,
                start=span[0],
                slots=Slots(*(array[first:last] for array in counts)),
                excluded=out if out and out.known.any() else None,
                asked=asked[place],
            )

    def history(
        self, slo_index: SloIndex, series_indices: Sequence[SeriesIndex], groups: Groups
    ) -> History:
        """Everything that is known of an SLO; `series_indices` are those of its groups."""
        parts = (
            self._stretches(i, [slo_index], [series_indices], self.cover(i))
            for i in range(len(self.levels))
        )
        return History(self.end, groups, tuple(chain.from_iterable(parts)))

    def restore(
        self,
        slo_index: SloIndex,
        series_indices: Sequence[SeriesIndex],
        history: History,
        *,
        stored: bool,
    ) -> None:
        """Take over what was known of an SLO, whose series hold nothing yet.

        `stored` tells whether the store has it; what is cut otherwise there is stored anew.
        """
        for level, ring in enumerate(self._rings):
            low, high = self.cover(level)
            found = put_together(history, low, high, ring.slot)
            self.write(level, series_indices, low, found.slots, found.excluded)
            ring.asked[slo_index, ring.at(low, high)] = found.asked
            if found.converted or not stored:
                self.note_change(level, low, high, slo_index)

    def clear_series(self, series_index: SeriesIndex) -> None:
        """Forget a series's counts, so that another group may have it."""
        for ring in self._rings:
            ring.clear_series(series_index)

    def newest_known(self) -> NDArray[np.int64]:
        """The end of every series' newest known slot of the finest level; 0 without any."""
        ring = self._rings[0]
        known = ring.counts.known[: self.series_count, ring.at(*self.cover(0))][:, ::-1] > 0
        ends = (
            self.end - known.argmax(axis=1) * ring.slot
            if known.size
            else np.zeros(self.series_count)
        )
        return np.where(known.any(axis=1), ends, 0).astype(np.int64)

    def read(self, level: int, series_index: SeriesIndex) -> Slots:
        """The slots of a level, oldest first, as one series."""
        return self.read_series(level, [series_index])[0]

    def read_series(
        self, level: int, series_indices: Sequence[SeriesIndex]
    ) -> tuple[Slots, Slots | None]:
        """The slots of a level, oldest first, and what of them lies in maintenance windows."""
        ring = self._rings[level]
        cells = np.ix_(np.asarray(series_indices, dtype=np.intp), ring.at(*self.cover(level)))
        counts = Slots(*(array[cells] for array in ring.counts.arrays()))
        excluded = ring.excluded
        return counts, excluded and Slots(*(array[cells] for array in excluded.arrays()))

    def window(self, length: int, *, excluded: bool = False) -> WindowSums:
        """Sums over the window of `length` seconds that ends at `end`, for every series.

        A window whose edge falls inside a coarse slot takes its share of that slot. With
        `excluded` the sums are of what lies in maintenance windows alone.
        """
        return self.between(self.end - length, self.end, excluded=excluded)

    def between(
        self,
        start: int,
        end: int,
        *,
        excluded: bool = False,
        series_indices: NDArray[np.intp] | None = None,
    ) -> WindowSums:
        """The same over (start, end], of all series or some; edges may lie inside of slots."""
        of = slice(0, self.series_count) if series_indices is None else series_indices
        count = self.series_count if series_indices is None else len(series_indices)
        length = max(1, end - start)
        sums = np.zeros((3, count))
        for level, ring in enumerate(self._rings):
            counts = ring.excluded if excluded else ring.counts
            low, high = self.cover(level)
            low, high = max(low, start), min(high, end)
            if low >= high or counts is None:
                continue
            first, last = -(-low // ring.slot) * ring.slot, high // ring.slot * ring.slot
            parts = [
                (first, (first - low) / ring.slot),
                (last + ring.slot, (high - last) / ring.slot),
            ]
            if first > last:  # both edges are in one slot
                parts = [(first, (high - low) / ring.slot)]
            for i, array in enumerate(counts.arrays()):
                part: Floats = ring.sum(array, first, last, of) if first < last else np.zeros(count)
                for slot_end, share in parts:
                    if share:
                        at = ring.at(slot_end - ring.slot, slot_end)[0]
                        part = part + share * array[of, at]
                sums[i] += part * (ring.slot / length if i == 2 else 1)
        return WindowSums(bad=sums[0], total=sums[1], known=sums[2])

    def slots_since(
        self, series_indices: Sequence[SeriesIndex], since: int
    ) -> tuple[Times, Times, Floats, Floats, Floats]:
        """The slots of some series that end after `since` (Unix seconds), of all levels.

        What lies in maintenance windows is not counted.

        Returns:
            When each slot begins and ends (Unix seconds), oldest first; and its bad and all
            events, and the known share of it: series x slots.
        """
        starts, ends, counts = [], [], []
        for level in reversed(range(len(self.levels))):
            ring = self._rings[level]
            low, high = self.cover(level)
            low = max(low, since - since % ring.slot)
            if low >= high:
                continue
            ends.append(np.arange(low + ring.slot, high + 1, ring.slot, dtype=np.int64))
            starts.append(ends[-1] - ring.slot)
            cells = np.ix_(np.asarray(series_indices, dtype=np.intp), ring.at(low, high))
            bad, total, known = (
                array[cells].astype(np.float64, copy=False) for array in ring.counts.arrays()
            )
            if ring.excluded is not None:
                bad, total = bad - ring.excluded.bad[cells], total - ring.excluded.total[cells]
            counts.append((bad, total, known))
        bad, total, known = (np.concatenate(parts, axis=1) for parts in zip(*counts, strict=True))
        return np.concatenate(starts), np.concatenate(ends), bad, total, known
