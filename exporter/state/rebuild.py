"""Rebuilding: which slots Prometheus is right about, and which the ledger.

Prometheus may have lost the oldest part, or any other. A counter that comes back after a hole
brings the events of the hole with it, or counts as born: its first slot says too much, and the one
in which it went away too little. So the answers are put aside until all of them are there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from exporter.collection import pending
from exporter.collection.resample import Resampled
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slots import Slots
from exporter.slo.types import Bools, Group, SloIndex, Times
from exporter.state.series_table import SeriesTable

Answer = Mapping[Group, Resampled]
"""Slots by group."""


@dataclass(frozen=True, slots=True)
class DeferredAnswer:
    """An answer that is put aside, and the level of the ledger that it is for."""

    level: int
    span: SlotRange
    answer: Answer


class Rebuilds:
    """SLOs of which everything is asked for again.

    Until all of it is there, everything stays as it is; then what Prometheus still has replaces
    what is held, and what it no longer has stays.

    `slots_of` makes slots of an answer to an SLO, and those of them that maintenance excludes.
    `lookbacks` are how far each SLO's counters are looked for, and `longest` how far back its
    slots are needed, in seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        series: SeriesTable,
        slots_of: Callable[[SloIndex, SlotRange, Answer], tuple[Slots, Slots | None]],
        *,
        lookbacks: Sequence[int],
        longest: Sequence[int],
    ) -> None:
        self._ledger = ledger
        self._series = series
        self._slots_of = slots_of
        self._lookbacks = lookbacks
        self._longest = longest
        self._deferred: dict[SloIndex, list[DeferredAnswer]] = {}
        self._done: set[SloIndex] = set()

    def begin(self, slo_index: SloIndex) -> None:
        """Have everything of an SLO asked for again."""
        self._deferred[slo_index] = []
        self._done.discard(slo_index)
        self._ledger.forget(slo_index)

    def end(self, slo_index: SloIndex) -> None:
        """Note that it is stored that an SLO was rebuilt."""
        self._done.discard(slo_index)

    def follow(self, slo_index: SloIndex, old: Rebuilds, before: SloIndex) -> None:
        """Go on with what another state was at with an SLO, which was `before` there."""
        if before in old._done:
            self._done.add(slo_index)
        elif before in old.under_way:
            self.begin(slo_index)

    @property
    def under_way(self) -> Collection[SloIndex]:
        """The SLOs that are being asked for again, until that is stored."""
        return self._deferred.keys() | self._done

    def defer(self, slo_index: SloIndex, answer: DeferredAnswer, slots: Slots) -> Slots:
        """Put an answer aside if its SLO is being rebuilt.

        Returns:
            What of its slots is to be written all the same: those that nothing is known of.
        """
        if slo_index not in self._deferred:
            return slots
        self._deferred[slo_index].append(answer)
        span, series = answer.span, self._series.indices(slo_index)
        held = self._ledger.held(answer.level, series, span.start, span.count)
        return replace(slots, known=np.where(held, 0, slots.known))

    def complete(self) -> list[SloIndex]:
        """The SLOs of which everything has been asked for by now; `finish` each."""
        if not self._deferred:
            return []
        everything = np.full(len(self._longest), self._ledger.end)
        missing = pending.unread(self._ledger, self._longest, everything)
        return [slo_index for slo_index in self._deferred if not missing[slo_index]]

    @property
    def done(self) -> Collection[SloIndex]:
        """The SLOs that are rebuilt, which is yet to be stored."""
        return tuple(self._done)

    def finish_all(self) -> Collection[SloIndex]:
        """Finish all that are complete; those that are rebuilt, which is yet to be stored."""
        for slo_index in self.complete():
            self.finish(slo_index)
        return self.done

    def finish(self, slo_index: SloIndex) -> None:
        """Write down what was answered for an SLO, but for what the ledger is right about."""
        deferred, ledger = self._deferred.pop(slo_index), self._ledger
        self._done.add(slo_index)
        series = self._series.indices(slo_index)
        if not series or not deferred:
            return
        answers = [self._slots_of(slo_index, each.span, each.answer) for each in deferred]
        held = [
            ledger.held(each.level, series, each.span.start, each.span.count) for each in deferred
        ]
        lookback = self._lookbacks[slo_index]
        right = right_slots(deferred, [slots for slots, _ in answers], held, lookback)
        for each, (slots, excluded), write in zip(deferred, answers, right, strict=True):
            chosen = replace(slots, known=np.where(write, slots.known, 0))
            ledger.write(each.level, series, each.span.start, chosen, excluded)
            ledger.note_change(each.level, each.span.start, each.span.end, slo_index)


def right_slots(
    deferred: Sequence[DeferredAnswer],
    slots: Sequence[Slots],
    held: Sequence[Bools],
    lookback: int,
) -> list[Bools]:
    """Which slots of each answer are to be written, and not kept as the ledger has them.

    Args:
        deferred: the answers to one SLO.
        slots: what each says: series x slots.
        held: whether the ledger knows anything of these slots: series x slots.
        lookback: how far a counter is looked for, in seconds.
    """
    spans = [each.span for each in deferred]
    starts = np.concatenate([np.arange(span.start, span.end, span.slot) for span in spans])
    # Where a slot was asked for twice, the later answer stands.
    order = np.argsort(starts, kind="stable")
    picked = order[np.append(np.diff(starts[order]) > 0, True)]
    answered = np.concatenate([slot.known > 0 for slot in slots], axis=1)
    holds = np.concatenate(held, axis=1)
    keep = np.ones_like(holds)
    for row in range(len(holds)):
        keep[row, picked] = kept_by_ledger(
            starts[picked], answered[row, picked], holds[row, picked], lookback
        )
    return np.split(~keep, np.cumsum([span.count for span in spans])[:-1], axis=1)


def kept_by_ledger(starts: Times, answered: Bools, held: Bools, lookback: int) -> Bools:
    """Which slots the ledger is right about: those that it is to keep.

    Those are what Prometheus knows nothing of, though the ledger does; the first slot behind each
    such hole, and behind the beginning of everything; and the last ones before a hole, as far as
    counters are looked for from it.

    Args:
        starts: where each slot begins (Unix seconds), in order of time.
        answered: whether Prometheus knows anything of it.
        held: whether the ledger does.
        lookback: how far a counter is looked for, in seconds.
    """
    keep = held & ~answered
    behind = True
    for i in range(len(starts)):
        if answered[i]:
            keep[i] |= behind and held[i]
            behind = False
        elif held[i]:
            behind = True
    hole_at = np.inf
    for i in range(len(starts) - 1, -1, -1):
        if held[i] and not answered[i]:
            hole_at = starts[i]
        else:
            end = starts[i + 1] if i + 1 < len(starts) else np.inf
            keep[i] |= held[i] and end > hole_at - lookback
    return keep
