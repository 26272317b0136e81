"""Rebuilds: SLOs of which slots that are known are asked for again, all or some of them.

Everything stays as it is until the last answer is there; then what Prometheus still has replaces
what is held, and what it no longer has stays. Slots that have not settled are none of it: they are
asked for again anyway.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from exporter.collection.reading_order import Step
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.slo.types import SloIndex
from exporter.state.rebuild_work import (
    RETRY_FIRST,
    RETRY_MOST,
    Lengths,
    LevelSpan,
    Rebuild,
    RebuildStatus,
    Rebuilt,
)
from exporter.state.rebuild_writing import RebuildWriting
from exporter.state.right_slots import DeferredAnswer
from exporter.state.settling import Settling

MOST_AT_ONCE = 500
"""SLOs whose answers are put aside at the same time: 30 days of one take some 50 KB."""

LEAST_BEHIND = 300
"""Seconds behind what is read again that are read as well, at the least: what comes after a hole
is counted from what was before it."""


class Rebuilds:
    """The rebuilds that are under way.

    Args:
        ledger: where the slots are.
        settling: tells how much later than others SLOs settle.
        writing: what becomes of their answers.
        lengths: by which it is told what is read.
    """

    def __init__(
        self,
        ledger: Ledger,
        settling: Settling,
        writing: RebuildWriting,
        lengths: Lengths,
    ) -> None:
        self._ledger = ledger
        self._settling = settling
        self._writing = writing
        self._lengths = lengths
        self._slots = [level.slot for level in ledger.levels]
        self._under_way: dict[SloIndex, Rebuild] = {}
        self._done: set[SloIndex] = set()

    def begin(
        self,
        slo_index: SloIndex,
        since: int = 0,
        until: int | None = None,
        *,
        requested: bool = False,
    ) -> bool:
        """Have slots of an SLO asked for again, all or those in (since, until], Unix seconds.

        One that is under way is widened.

        Returns:
            Whether there is more to ask for than before.
        """
        end = int(
            self._ledger.end - self._lengths.settle - float(self._settling.later()[slo_index])
        )
        if until is not None:
            end = min(end, until + max(LEAST_BEHIND, self._lengths.lookbacks[slo_index]))
        held = self._under_way.get(slo_index)
        if held is not None:
            held.requested |= requested
            if held.since <= since and (until is None or end <= held.until):
                return False
            since, end, requested = min(since, held.since), max(end, held.until), held.requested
        self._under_way[slo_index] = Rebuild(since, end, requested)
        self._done.discard(slo_index)
        return True

    def leave_to_parts(self, slo_index: SloIndex) -> None:
        """Note that nothing is to be asked for an SLO that is made of others."""
        self._done.add(slo_index)

    def cancel(self, slo_index: SloIndex) -> bool:
        """Ask for no more of an SLO, which stays as it is; whether anything was under way."""
        return self._under_way.pop(slo_index, None) is not None

    def end(self, slo_index: SloIndex) -> None:
        """Note that it is stored that an SLO was rebuilt."""
        self._done.discard(slo_index)

    def follow(self, slo_index: SloIndex, old: Rebuilds, before: SloIndex) -> None:
        """Go on with what another state was at with an SLO, which was `before` there."""
        if before in old._done:
            self._done.add(slo_index)
        held = old._under_way.get(before)
        if held is not None:
            answers = held.answers if old._slots == self._slots else []
            self._under_way[slo_index] = replace(held, answers=answers, retry_at=0)

    @property
    def under_way(self) -> Collection[SloIndex]:
        """The SLOs that are being read again, until that is stored."""
        return self._under_way.keys() | self._done

    @property
    def at_work(self) -> Collection[SloIndex]:
        """Those of which not everything is answered yet."""
        return self._under_way.keys()

    @property
    def requested(self) -> Collection[SloIndex]:
        """Those for which there is a request in the store, and that are not done."""
        return [s for s, rebuild in self._under_way.items() if rebuild.requested]

    @property
    def done(self) -> Collection[SloIndex]:
        """The SLOs that are rebuilt, which is yet to be stored."""
        return tuple(self._done)

    @property
    def count(self) -> int:
        """How many SLOs are being read again."""
        return len(self._under_way)

    def statuses(self) -> list[RebuildStatus]:
        """How far each is."""
        return [
            RebuildStatus(s, each.since, each.share(self._spans(s, each)), each.problem)
            for s, each in self._under_way.items()
        ]

    def problems(self) -> dict[SloIndex, str]:
        """Why those do not get on that do not, in words for the SLO's owner."""
        return {
            slo_index: f"reading it again waits, and is tried again: {rebuild.problem}"
            for slo_index, rebuild in self._under_way.items()
            if rebuild.problem is not None
        }

    def next(self, slo_indices: Collection[SloIndex]) -> Step | None:
        """What to ask for next, of some SLOs; None if there is nothing, or not yet."""
        step: LevelSpan | None = None
        those: list[SloIndex] = []
        # Some at a time, in the order in which they came; one that waits keeps no other waiting.
        for slo_index, rebuild in self._under_way.items():
            if slo_index not in slo_indices or rebuild.retry_at > self._ledger.end:
                continue
            left = self._left(slo_index, rebuild)
            if left is not None and step in (None, left):
                step = left
                those.append(slo_index)
            if len(those) >= MOST_AT_ONCE:
                break
        return None if step is None else Step(step[0], {step[1]: those}, urgent=False)

    def _left(self, slo_index: SloIndex, rebuild: Rebuild) -> LevelSpan | None:
        return rebuild.left(self._spans(slo_index, rebuild), self._slots)

    def _spans(self, slo_index: SloIndex, rebuild: Rebuild) -> list[LevelSpan]:
        """What of each level is read again; slots move on to the next level meanwhile."""
        oldest = max(rebuild.since, self._ledger.end - self._lengths.longest[slo_index])
        found = []
        for level in (*range(1, len(self._slots)), 0):
            unit = self._slots[level] if level else self._lengths.units[slo_index]
            low, high = self._ledger.cover(level)
            # Of the first slot nobody knows what was before it: so it is one that may stay.
            start = oldest - oldest % unit - (unit if rebuild.since else 0)
            start = max(-(-low // unit) * unit, start)
            end = min(high, -(-rebuild.until // unit) * unit if level else rebuild.until)
            end -= end % unit
            if start < end:
                found.append((level, SlotRange(start, end, self._slots[level])))
        return found

    def defer(self, slo_index: SloIndex, answer: DeferredAnswer) -> None:
        """Put an answer aside, unless its rebuild was cancelled meanwhile."""
        rebuild = self._under_way.get(slo_index)
        if rebuild is not None:
            rebuild.answers.append(answer)
            rebuild.problem, rebuild.pause, rebuild.retry_at = None, RETRY_FIRST, 0

    def failed(self, slo_indices: Collection[SloIndex], why: str) -> None:
        """Note that nobody answers; when to ask again is the caller's business."""
        for slo_index in slo_indices:
            rebuild = self._under_way.get(slo_index)
            # The first reason will do: some servers give another one each time.
            if rebuild is not None and rebuild.problem is None:
                rebuild.problem = why

    def refused(self, slo_index: SloIndex, why: str) -> None:
        """Note that a question is refused: it is asked again later, each time after longer."""
        rebuild = self._under_way.get(slo_index)
        if rebuild is not None:
            self.failed([slo_index], why)
            rebuild.retry_at = self._ledger.end + rebuild.pause
            rebuild.pause = min(2 * rebuild.pause, RETRY_MOST)

    def finish_all(self) -> list[Rebuilt]:
        """Write down those of which everything is answered."""
        ready = [s for s, rebuild in self._under_way.items() if self._left(s, rebuild) is None]
        found = [self._writing.write(s, self._under_way.pop(s)) for s in ready]
        self._done.update(ready)
        return found
