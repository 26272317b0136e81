"""The rebuild of one SLO: what is read again, what was answered, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from exporter.collection.pending import HISTORY_CHUNK
from exporter.collection.slot_range import SlotRange
from exporter.slo.types import SloIndex
from exporter.state.right_slots import DeferredAnswer

RETRY_FIRST, RETRY_MOST = 30, 1_800
"""Seconds until a question is asked again that was refused, at first and at the most."""

LevelSpan = tuple[int, SlotRange]
"""A level of the ledger, and slots of it."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """What the lengths of spans come from, in seconds; all but the last of each SLO.

    - `units`: what its spans are made of.
    - `lookbacks`: how far its counters are looked for; they may change.
    - `longest`: how far back its slots are needed.
    - `settle`: when a slot settles whose samples come in time.
    """

    units: Sequence[int]
    lookbacks: Sequence[int]
    longest: Sequence[int]
    settle: float


@dataclass(slots=True)
class Rebuild:
    """What is at work for one SLO. Times are Unix seconds.

    - `since`, `until`: slots in (since, until] are read again.
    - `requested`: whether a request for it is in the store.
    - `answers`: those that are put aside.
    - `problem`: why it does not get on, None if it does; it is tried again at `retry_at`.
    """

    since: int
    until: int
    requested: bool = False
    answers: list[DeferredAnswer] = field(default_factory=list)
    problem: str | None = None
    retry_at: int = 0
    pause: int = RETRY_FIRST

    def left(self, spans: Sequence[LevelSpan], slots: Sequence[int]) -> LevelSpan | None:
        """What to ask for next; None if all was answered.

        Args:
            spans: all that is read again, in order.
            slots: the length of each level's slots, in seconds.
        """
        for level, span in spans:
            left = self._left_of(level, span)
            if left is not None:
                # Cut where longer slots begin: time slices do not reach over that.
                coarser = slots[min(level + 1, len(slots) - 1)]
                most = max(1, HISTORY_CHUNK * span.slot // coarser) * coarser
                first = max(left[0], (left[1] - 1) // coarser * coarser + coarser - most)
                return level, SlotRange(first, left[1], span.slot)
        return None

    def share(self, spans: Sequence[LevelSpan]) -> float:
        """Which share of it was answered."""
        wanted = sum(span.count for _, span in spans)
        answered = sum(
            _overlap(each.span, span)
            for level, span in spans
            for each in self.answers
            if each.level == level
        )
        return min(1.0, answered / wanted) if wanted else 1.0

    def _left_of(self, level: int, span: SlotRange) -> tuple[int, int] | None:
        """The newest part of a level's span that nothing was answered for; None if all was."""
        end = span.end
        own = [each.span for each in self.answers if each.level == level]
        for each in sorted(own, key=lambda one: one.end, reverse=True):
            if each.end < end:
                break
            end = min(end, each.start)
        if end <= span.start:
            return None
        before = (each.end for each in own if each.end < end)
        return max(span.start, max(before, default=span.start)), end


@dataclass(frozen=True, slots=True)
class RebuildStatus:
    """How far the rebuild of an SLO is: `progress` is the share that was answered."""

    slo_index: SloIndex
    since: int
    progress: float
    problem: str | None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of an SLO's slots in (since, until], Unix seconds.

    `bad` and `total` are how many more events they have than before; `replayed_from` is from when
    on tiers, firings and incidents are replayed, None if nothing has changed.
    """

    slo_index: SloIndex
    since: int
    until: int
    bad: float
    total: float
    replayed_from: int | None


def _overlap(one: SlotRange, other: SlotRange) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start)) // other.slot
