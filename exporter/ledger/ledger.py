"""The slots of all SLOs in memory, and the sums over any window of them.

Two things are kept apart. A *series* holds the counts of one SLO (with `group_by`: of one group).
A *SLO* is one entry of the configuration and owns one or more series; which slots were asked
for is known per SLO, since one question fetches all of its series.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.block import Block
from exporter.ledger.cells import Cells
from exporter.ledger.changes import Chunk
from exporter.ledger.checksums import NotedChecksums
from exporter.ledger.count_array import in_a_row
from exporter.ledger.history import History, Stretch, put_together
from exporter.ledger.levels import Level
from exporter.ledger.rings import Rings
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.ledger.stand_ins import StandIns
from exporter.slo.types import Floats, Groups, SeriesIndex, SloIndex, Times
from exporter.slo.windows import WindowSums


class Ledger:
    """Slots of every series at several levels; the finest reaches up to `end`.

    All times are Unix seconds; a slot is named by its end. `checksums` are of the samples behind
    the finest slots, `stand_ins` are longer slots in the place of those not read yet, and `cells`
    are single slots.
    """

    def __init__(self, levels: Sequence[Level], slo_count: int, end: int) -> None:
        self.levels = tuple(levels)
        self._time = Rings(self.levels, slo_count, end)
        self._rings = self._time.rings
        self.series_count = 0
        self.checksums = NotedChecksums(self._time, slo_count)
        self.stand_ins = StandIns(self._time)
        self.cells = Cells(self._time)

    @property
    def end(self) -> int:
        """The end of the newest slot, Unix seconds."""
        return self._time.end

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
        return self._time.cover(level)

    def advance(self, end: int) -> None:
        """Let time go on to `end`; what becomes too old for a level merges into the next one."""
        self.checksums.advance(end)
        self._time.advance(end)

    def retreat(self, end: int) -> None:
        """Forget the finest slots after `end`: the clock was set back, so they never were."""
        self._time.retreat(end)

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
        at, inside = self._time.inside(level, start, slots.bad.shape[1])
        out = None if excluded is None else excluded.part(inside)
        self.cells.note(level, series_indices, at, slots.part(inside))
        self._rings[level].write(series_indices, at, slots.part(inside), out)

    def erase(self, slo_index: SloIndex, series_index: SeriesIndex, start: int, end: int) -> None:
        """Have nothing known of a series of an SLO in the finest slots of (start, end]."""
        self._rings[0].erase(series_index, start, end)
        self.cells.note_erased(series_index, start, end)
        self.note_change(0, start, end, slo_index)

    def held(
        self, level: int, series_indices: Sequence[SeriesIndex], start: int, count: int
    ) -> NDArray[np.bool_]:
        """Whether anything is known of the slots that follow `start`: series x slots."""
        at, inside = self._time.inside(level, start, count)
        known = np.zeros((len(series_indices), count), dtype=np.bool_)
        cells = np.ix_(np.asarray(series_indices), at)
        known[:, inside] = self._rings[level].counts.known.get(*cells) > 0
        return known

    def mark(self, level: int, slo_index: SloIndex, start: int, asked: NDArray[np.uint8]) -> None:
        """Note what is known (a `SlotStatus` each) of the SLO's slots that follow `start`."""
        self.mark_all(level, np.array([slo_index]), start, asked.reshape(1, -1))

    def mark_all(
        self, level: int, slo_indices: NDArray[np.intp], start: int, asked: NDArray[np.uint8]
    ) -> None:
        """The same of many SLOs: SLOs x slots."""
        at, inside = self._time.inside(level, start, asked.shape[1])
        ring, asked = self._rings[level], asked[:, inside]
        settled = (asked == SlotStatus.SETTLED).any(axis=1)
        if settled.any():
            first, last = (start + i * ring.slot for i in (inside.start, inside.stop))
            self.note_change(level, first, last, slo_indices[settled])
        ring.asked[np.ix_(slo_indices, at)] = asked

    def asked(
        self, level: int, since: int | None = None, of: SloIndex | slice = slice(None)
    ) -> NDArray[np.uint8]:
        """What is known of a level's slots that end after `since`: SLOs x slots, or of one SLO."""
        low, high = self.cover(level)  # it may begin before 1970: a clock can be that wrong
        low = low if since is None else max(low, since)
        return self._rings[level].asked_between(low, high, of)

    def note_change(
        self, level: int, start: int, end: int, of: SloIndex | NDArray[np.intp] | None = None
    ) -> None:
        """Note that slots in (start, end] differ from what is stored, of some SLOs or all."""
        self._time.changes.note(level, start, end, of)

    def changes(self, most: int | None = None) -> list[Chunk]:
        """What has changed since the last call, to be stored or given back; see `Changes.take`."""
        return [c for c in self._time.changes.take(most) if operator.lt(*self._time.span(c))]

    def has_changes(self) -> bool:
        """Whether there are more."""
        return bool(self._time.changes)

    def give_back(self, chunks: Sequence[Chunk]) -> None:
        """Note again what could not be stored."""
        for chunk in chunks:
            those = np.array(chunk.slo_indices, dtype=np.intp)
            self.note_change(chunk.level, *self._time.span(chunk), those)

    def give_all_back(self) -> None:
        """Note that nothing of it is stored."""
        for level in range(len(self.levels)):
            self.note_change(level, *self.cover(level))

    def stretches(
        self, chunk: Chunk, series_indices: Sequence[Sequence[SeriesIndex]]
    ) -> Iterator[Stretch]:
        """The slots of a chunk's SLOs, as far as the level covers it, by `series_indices`."""
        span = self._time.span(chunk)
        found = self._time.stretches(chunk.level, chunk.slo_indices, series_indices, span)
        asked = self._rings[chunk.level].asked_between(*span)
        if not (asked == SlotStatus.STAND_IN).any():  # seen of all at once
            return found
        return (each.without_stand_ins() for each in found)

    def history(
        self, slo_index: SloIndex, series_indices: Sequence[SeriesIndex], groups: Groups
    ) -> History:
        """Everything that is known of an SLO; `series_indices` are those of its groups."""
        of = [slo_index], [series_indices]
        parts = (self._time.stretches(i, *of, self.cover(i)) for i in range(len(self.levels)))
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

        `stored` tells whether the store has it; what is cut otherwise there is stored again.
        """
        for level, ring in enumerate(self._rings):
            low, high = self.cover(level)
            found = put_together(history, low, high, ring.slot)
            self.write(level, series_indices, low, found.slots, found.excluded)
            ring.asked[slo_index, ring.at(low, high)] = found.asked
            if found.converted or not stored:
                self.note_change(level, low, high, slo_index)

    def restore_block(self, block: Block, series_indices: NDArray[np.intp]) -> None:
        """Put stored slots into series that hold nothing yet, one for each chunk of the block."""
        self._time.put(block, series_indices)

    def clear_series(self, series_index: SeriesIndex) -> None:
        """Forget a series's counts, so that another group may have it."""
        for ring in self._rings:
            ring.clear_series(series_index)

    def newest_known(self) -> NDArray[np.int64]:
        """The end of every series' newest known slot of the finest level; 0 without any."""
        return self._rings[0].newest_known(*self.cover(0), self.series_count)

    def read(self, level: int, series_index: SeriesIndex) -> Slots:
        """The slots of a level, oldest first, as one series."""
        return self.read_series(level, [series_index])[0]

    def read_series(
        self, level: int, series_indices: Sequence[SeriesIndex]
    ) -> tuple[Slots, Slots | None]:
        """The slots of a level, oldest first, and what of them lies in maintenance windows."""
        ring = self._rings[level]
        cells = np.ix_(np.asarray(series_indices, dtype=np.intp), ring.at(*self.cover(level)))
        counts = self.stand_ins.spread(ring.counts.get(*cells))
        return counts, None if ring.excluded is None else ring.excluded.get(*cells)

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
        if series_indices is None:
            series_indices = np.arange(self.series_count)
        chosen, count = in_a_row(series_indices), len(series_indices)
        sums = np.zeros((3, count))
        for level, ring in enumerate(self._rings):
            low, high = self.cover(level)
            part = ring.sums(max(low, start), min(high, end), chosen, count, excluded=excluded)
            if part is not None:
                sums += part
        return WindowSums(bad=sums[0], total=sums[1], known=sums[2] / max(1, end - start))

    def slots_since(
        self, series_indices: Sequence[SeriesIndex], since: int, until: float = math.inf
    ) -> tuple[Times, Times, Floats, Floats, Floats]:
        """The slots of some series that end after `since` (Unix seconds), of all levels.

        Slots from `until` on may be left out, but not all. Maintenance windows are not counted.

        Returns:
            When each slot begins and ends (Unix seconds), oldest first; and its bad and all
            events, and the known share of it: series x slots.
        """
        chosen = np.asarray(series_indices, dtype=np.intp)
        starts: list[Times] = []
        ends: list[Times] = []
        counts = []
        for level in reversed(range(len(self.levels))):
            ring = self._rings[level]
            low, high = self.cover(level)
            low = max(low, since - since % ring.slot)
            if low >= high or (low >= until and ends):
                continue
            if until < high:
                high = max(low + ring.slot, -int(-until // ring.slot) * ring.slot)
            ends.append(np.arange(low + ring.slot, high + 1, ring.slot, dtype=np.int64))
            starts.append(ends[-1] - ring.slot)
            counts.append(ring.net(chosen, low, high))
        bad, total, known = (np.concatenate(parts, axis=1) for parts in zip(*counts, strict=True))
        return np.concatenate(starts), np.concatenate(ends), bad, total, known
