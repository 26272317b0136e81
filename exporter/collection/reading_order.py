"""In which order history is read where SLOs are many: first what every figure needs. Pure.

1. The slots that a window begins in, or is about to, since only they tell its exact figure.
2. Long slots that stand in for all the others (`exporter.ledger.stand_ins`): of days and weeks
   first one, where that is possible, and else several; and the others where none can. From here on
   every window has its figure.
3. Several in place of one, before a window begins inside of it.
4. The others, coarse ones first, and newest first.

docs/design/levels.md gives the reasons.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from exporter.collection.pending import HISTORY_CHUNK, Requests, missing_fine, missing_history
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import Bools, SloIndex, Times, slos_where

EDGE_AHEAD = 300
"""Seconds by which the slots are read ahead that windows will begin in."""


LEAST_RUN = 12
"""Blocks that one slot stands in for at the least: it takes a query of its own."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the past is wanted.

    - `periods`: how far back each SLO goes, in seconds.
    - `begin`: which of the finest slots of each SLO are history: those up to then (Unix seconds).
      The others are polled.
    - `left_out`: SLOs that are not asked now.
    - `long`: of which SLOs longer slots may stand in for others. If there are none, coarse slots
      are read newest first, and the finest are all polled.
    - `edges`: when windows begin now, Unix seconds.
    """

    periods: Sequence[int]
    begin: Times
    left_out: Collection[SloIndex]
    long: Bools
    edges: Collection[int]


@dataclass(frozen=True, slots=True)
class Step:
    """What is asked for next, and the level it is for.

    `stands_in` tells whether the slots are long ones that stand in for those of the level, and
    `urgent` whether windows are without their figure until then.
    """

    level: int
    requests: Requests
    stands_in: bool = False
    urgent: bool = True


@dataclass(slots=True)
class OddBlocks:
    """The blocks and runs of slots for which no long slot can stand in, by SLO."""

    slo_count: int
    _odd: dict[tuple[int, int, int], Bools] = field(default_factory=dict)

    def note(
        self, level: int, start: int, length: int, odd: Bools, slo_indices: Sequence[SloIndex]
    ) -> None:
        """Note which of some SLOs have an odd block, which begins at `start` (Unix seconds)."""
        if odd.any():
            noted = self._odd.setdefault(
                (level, start, length), np.zeros(self.slo_count, dtype=np.bool_)
            )
            noted[np.asarray(slo_indices, dtype=np.intp)[odd]] = True

    def of(self, level: int, starts: Sequence[int], length: int) -> Bools:
        """Which blocks are odd: SLOs x blocks."""
        none = np.zeros(self.slo_count, dtype=np.bool_)
        return np.array(
            [self._odd.get((level, start, length), none) for start in starts]
        ).T.reshape(self.slo_count, len(starts))

    def forget_before(self, ledger: Ledger) -> None:
        """Forget those that have left their level."""
        for level, start, length in list(self._odd):
            if start < ledger.cover(level)[0]:
                del self._odd[level, start, length]


def next_step(ledger: Ledger, wanted: Wanted, odd: OddBlocks) -> Step | None:
    """What to ask for next; None when nothing is missing."""
    missing = all_missing(ledger, wanted)
    for each in missing:
        each[list(wanted.left_out)] = False
    if not wanted.long.any():
        for level in range(1, len(missing)):
            if missing[level].any():
                return Step(level, _chunk(ledger, level, missing[level]), urgent=True)
        return None
    grids = [_Blocks.of(ledger, level) for level in range(len(missing))]
    in_runs = [each & ledger.stand_ins.in_runs(level) for level, each in enumerate(missing)]
    return (
        _where_windows_begin(missing, in_runs, grids, wanted)
        or _without_figures(ledger, missing, grids, wanted, odd)
        or _in_detail(missing, in_runs, grids)
    )


def _where_windows_begin(
    missing: Sequence[Bools], in_runs: Sequence[Bools], grids: Sequence[_Blocks], wanted: Wanted
) -> Step | None:
    at_edges = [grid.holding(wanted.edges) for grid in grids]
    for level, grid in enumerate(grids):
        if (in_runs[level] & at_edges[level]).any():
            return _in_blocks(level, in_runs[level], grid)
    for level, grid in enumerate(grids):
        if (missing[level] & at_edges[level]).any():
            return Step(level, grid.newest(missing[level] & at_edges[level]))
    return None


def _without_figures(
    ledger: Ledger,
    missing: Sequence[Bools],
    grids: Sequence[_Blocks],
    wanted: Wanted,
    odd: OddBlocks,
) -> Step | None:
    """Long slots for what nothing is known of, and the slots themselves where there are none."""
    for level, grid in enumerate(grids):
        unasked = missing[level] & (ledger.asked(level) == SlotStatus.NO)
        whole = grid.wholly(unasked) & wanted.long[:, None]
        run = _run(level, whole, grid, grid.holding_none(wanted.edges), odd)
        if run is not None:
            return run
        blocks = whole & ~odd.of(level, grid.starts, grid.length)
        if blocks.any():
            return Step(level, grid.long(blocks), stands_in=True)
        if unasked.any():
            return Step(level, grid.newest(unasked))
    return None


def _in_detail(
    missing: Sequence[Bools], in_runs: Sequence[Bools], grids: Sequence[_Blocks]
) -> Step | None:
    """What only stands in for slots so far: first blocks in place of runs, then the slots."""
    for level, grid in enumerate(grids):
        if in_runs[level].any():
            return replace(_in_blocks(level, in_runs[level], grid), urgent=False)
    for level in (*range(1, len(grids)), 0):
        if missing[level].any():
            return Step(level, grids[level].newest(missing[level]), urgent=False)
    return None


def _in_blocks(level: int, in_runs: Bools, grid: _Blocks) -> Step:
    """Blocks in place of runs, or slots where a run is no longer whole."""
    blocks = grid.wholly(in_runs)
    if blocks.any():
        return Step(level, grid.long(blocks), stands_in=True)
    return Step(level, grid.newest(in_runs))


def _run(level: int, blocks: Bools, grid: _Blocks, between: Bools, odd: OddBlocks) -> Step | None:
    """One slot in place of many blocks that follow one another, if most SLOs can have it.

    `blocks` are those that can be had: SLOs x blocks. `between` tells where no window begins.
    """
    those = blocks.any(axis=1)
    if level == 0 or not those.any():
        return None
    common = (2 * blocks.sum(axis=0) >= those.sum()) & between
    bounds = np.flatnonzero(np.diff(np.concatenate(([0], common, [0])))).tolist()
    for first, last in zip(bounds[::2], bounds[1::2], strict=True):
        if last - first < LEAST_RUN:
            continue
        start, length = grid.starts[first], (last - first) * grid.length
        possible = blocks[:, first:last].all(axis=1) & ~odd.of(level, [start], length)[:, 0]
        if 2 * possible.sum() >= those.sum():
            span = SlotRange(start, start + length, length)
            return Step(level, {span: slos_where(possible)}, stands_in=True)
    return None


def all_missing(ledger: Ledger, wanted: Wanted) -> list[Bools]:
    """Which slots of each level are wanted and were not asked for themselves: SLOs x slots."""
    return [
        missing_fine(ledger, wanted.begin),
        *(missing_history(ledger, i, wanted.periods) for i in range(1, len(ledger.levels))),
    ]


def _chunk(ledger: Ledger, level: int, missing: Bools) -> Requests:
    """The newest chunk of missing slots, for all SLOs that miss any of it."""
    columns = np.flatnonzero(missing.any(axis=0))
    last = int(columns[-1]) + 1
    first = max(int(columns[0]), last - HISTORY_CHUNK)
    start, slot = ledger.cover(level)[0], ledger.levels[level].slot
    span = SlotRange(start + first * slot, start + last * slot, slot)
    return {span: slos_where(missing[:, first:last].any(axis=1))}


@dataclass(frozen=True, slots=True)
class _Blocks:
    """The slots of a level, cut into the blocks that a long slot can stand in for.

    `bounds` are the places of the slots at which blocks begin, and of the end; the first and the
    last block may be covered in part. `starts` are when blocks begin, Unix seconds.
    """

    start: int
    slot: int
    length: int
    bounds: list[int]
    starts: list[int]

    @classmethod
    def of(cls, ledger: Ledger, level: int) -> _Blocks:
        start, end = ledger.cover(level)
        slot, length = ledger.levels[level].slot, ledger.stand_ins.blocks[level]
        starts = list(range(start - start % length, end, length))
        bounds = [max(0, (at - start) // slot) for at in starts]
        return cls(start, slot, length, [*bounds, (end - start) // slot], starts)

    def holding(self, moments: Collection[int]) -> Bools:
        """Which slots are of blocks that hold one of some moments, which are moving on."""
        found = np.zeros(self.bounds[-1], dtype=np.bool_)
        for moment in moments:
            for at in (moment, moment + EDGE_AHEAD - 1):
                block = (at - self.starts[0]) // self.length if self.starts else -1
                if 0 <= block < len(self.starts):
                    found[self.bounds[block] : self.bounds[block + 1]] = True
        return found

    def holding_none(self, moments: Collection[int]) -> Bools:
        """Which blocks hold none of some moments, which are moving on."""
        slots = self.holding(moments)
        cut = zip(self.bounds, self.bounds[1:], strict=False)
        return np.array([not slots[first:last].any() for first, last in cut], dtype=np.bool_)

    def wholly(self, mask: Bools) -> Bools:
        """Of which whole blocks a mask of SLOs x slots has all slots: SLOs x blocks."""
        size = self.length // self.slot
        found = np.zeros((len(mask), len(self.starts)), dtype=np.bool_)
        for block, (first, last) in enumerate(zip(self.bounds, self.bounds[1:], strict=False)):
            if last - first == size:
                found[:, block] = mask[:, first:last].all(axis=1)
        return found

    def long(self, blocks: Bools) -> Requests:
        """Requests for blocks as one slot each: from the first to the last, for all SLOs."""
        columns = np.flatnonzero(blocks.any(axis=0))
        first, last = self.starts[columns[0]], self.starts[columns[-1]] + self.length
        return {SlotRange(first, last, self.length): slos_where(blocks.any(axis=1))}

    def newest(self, mask: Bools) -> Requests:
        """Requests for the newest blocks of which a mask has slots, for the SLOs that it has them
        of; blocks that are next to each other together, where they are the same SLOs'."""
        work: Requests = defaultdict(list)
        left, held = HISTORY_CHUNK, None
        any_of = np.asarray(mask.any(axis=0))
        for block in reversed(range(len(self.starts))):
            first, last = self.bounds[block], self.bounds[block + 1]
            columns = np.flatnonzero(any_of[first:last])
            if not columns.size:
                continue
            if left <= 0:
                break
            first, last = first + int(columns[0]), first + int(columns[-1]) + 1
            left -= last - first
            slo_indices = slos_where(mask[:, first:last].any(axis=1))
            start, end = self.start + first * self.slot, self.start + last * self.slot
            if held is not None and held.start == end and work[held] == slo_indices:
                end = held.end
                del work[held]
            held = SlotRange(start, end, self.slot)
            work[held] = slo_indices
        return dict(work)
