"""Composites: their slots are put together from those of their parts, and nothing is asked.

A slot is put together once all of its parts' slots have been asked for, and has settled once all of
these have. From then on it is the composite's own, and merges with others as time goes on: what
would come of merged slots is something else. It is put together again if a part's slot changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import middle_slot
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.combining import OnUnknown
from exporter.slo.maintenance import excluded
from exporter.slo.model import CompositeSli, Slo
from exporter.slo.types import Bools, Floats, Group, SloIndex
from exporter.state.composite_slots import Made, PartSlots, asked, put_together
from exporter.state.part_times import PartTimes
from exporter.state.series_table import SeriesTable


@dataclass(frozen=True, slots=True)
class _Composite:
    """A composite, the SLOs that it is made of, and the length of its slices or slots."""

    slo_index: SloIndex
    slo: Slo
    sli: CompositeSli
    parts: tuple[SloIndex, ...]
    unit: int


@dataclass(frozen=True, slots=True)
class _Span:
    """Slots of a level that are looked at: (start, end], Unix seconds."""

    level: int
    slot: int
    start: int
    end: int

    @property
    def count(self) -> int:
        return (self.end - self.start) // self.slot


class Composing:
    """Puts the slots of composites together.

    Args:
        slos: all SLOs, parts included.
        ledger: where the slots are.
        series: the series of each SLO.
        times: which SLOs are parts of which, and how late their events may be counted.
        replay: has tiers of an SLO replayed from a moment on, but no earlier than from another.
        slack: how many seconds of events the counters of an SLO may be apart.
    """

    def __init__(
        self,
        slos: Sequence[Slo],
        ledger: Ledger,
        series: SeriesTable,
        times: PartTimes,
        *,
        replay: Callable[[SloIndex, int, int], object],
        slack: Callable[[SloIndex], float],
    ) -> None:
        self._slos = slos
        self._ledger = ledger
        self._series = series
        self._times = times
        self._replay = replay
        self._slack = slack
        self._middle = middle_slot(ledger.interval)
        self._composites = [
            _Composite(slo_index, slo, slo.sli, parts, _unit(slo, ledger.interval))
            for slo_index, parts in times.parts.items()
            if isinstance((slo := slos[slo_index]).sli, CompositeSli)
        ]
        self._all_parts = {part for each in self._composites for part in each.parts}

    def compose(self) -> dict[SloIndex, str]:
        """Put together what can be, and what has changed.

        Returns:
            What is wrong with composites of which groups are left out.
        """
        if not self._composites:
            return {}
        wrong = {}
        for each in self._composites:
            left_out = self._make_room(each)
            if left_out:
                wrong[each.slo_index] = left_out
            for level in range(len(self._ledger.levels)):
                self._compose(each, level)
        series = (i for part in self._all_parts for i in self._series.indices(part))
        self._ledger.cells.forget(watched=frozenset(series))
        self._times.note_answered()
        return wrong

    def with_composites(
        self, invalid: dict[SloIndex, dict[Group, str]]
    ) -> dict[SloIndex, dict[Group, str]]:
        """Why no figure of SLOs' groups can be right, and of composites: as none of a part's can.

        Composites that leave out what is not known leave out such a part as well.
        """
        for each in self._composites:
            words = self._invalid(each, invalid)
            if words and each.sli.on_unknown is not OnUnknown.LEAVE_OUT:
                invalid[each.slo_index] = words
        return invalid

    def _invalid(
        self, of: _Composite, of_parts: Mapping[SloIndex, Mapping[Group, str]]
    ) -> dict[Group, str]:
        found: dict[Group, str] = {}
        for part in of.parts:
            slo, words = self._slos[part], of_parts.get(part, {})
            matched = _matched(of.slo, slo, tuple(words))
            groups = matched or dict.fromkeys(self._series.groups(of.slo_index), 0)
            for group, place in groups.items() if words else ():
                found.setdefault(group, f"{slo.full_name}: {tuple(words.values())[place]}")
        return found

    def _make_room(self, of: _Composite) -> str | None:
        found = {
            group
            for part in of.parts
            for group in _matched(of.slo, self._slos[part], self._series.groups(part))
        }
        return self._series.make_room(of.slo_index, found) if found else None

    def _compose(self, of: _Composite, level: int) -> None:
        cells, slot = self._ledger.cells, self._ledger.levels[level].slot
        whole = _Span(level, slot, *self._ledger.cover(level))
        if not whole.count:
            return
        statuses = cells.statuses(level, of.parts, whole.start, whole.end)
        own = cells.statuses(level, [of.slo_index], whole.start, whole.end)[0]
        series = [i for part in of.parts for i in self._series.indices(part)]
        todo = asked(of.sli, statuses, finest=level == 0) & (own != SlotStatus.SETTLED)
        todo |= cells.changed(level, series)
        at = np.flatnonzero(todo)
        if not at.size:
            return
        span = self._in_blocks(of, whole, int(at[0]), int(at[-1]) + 1)
        first = (span.start - whole.start) // slot
        chosen = todo[first : first + span.count]
        # The finest may be put together at any time, longer ones come of what was known then.
        self._write(of, span, np.ones_like(chosen) if level == 0 else chosen)

    def _in_blocks(self, of: _Composite, whole: _Span, first: int, last: int) -> _Span:
        """A span of whole slices and middle slots, as far as they are there."""
        slot = whole.slot
        unit = math.lcm(*(max(each, slot) for each in (of.unit, self._middle)))
        start, end = whole.start + first * slot, whole.start + last * slot
        start, end = start - start % unit, end + -end % unit
        return _Span(whole.level, slot, max(whole.start, start), min(whole.end, end))

    def _write(self, of: _Composite, span: _Span, chosen: Bools) -> None:
        ledger = self._ledger
        series = self._series.indices(of.slo_index)
        groups: Sequence[Group | None] = self._series.groups(of.slo_index) or (None,)
        made = [self._made(of, span, group) for group in groups]
        chosen = chosen & ~np.any([each.waits for each in made], axis=0)
        settled = np.all([each.settled for each in made], axis=0)
        slots = Slots(
            np.array([each.bad for each in made]),
            np.array([each.total for each in made]),
            np.array([each.known for each in made], dtype=np.float32).astype(np.float64),
        )
        statuses = np.where(
            (slots.known > 0).any(axis=0), np.uint8(SlotStatus.PROVISIONAL), SlotStatus.EMPTY
        )
        if span.level > 0:  # there, slots have been asked for, or not
            statuses[:] = SlotStatus.NO
        statuses = np.where(settled, np.uint8(SlotStatus.SETTLED), statuses).astype(np.uint8)
        held = ledger.cells.slots(span.level, series, span.start, span.end)
        same = statuses == ledger.cells.statuses(
            span.level, [of.slo_index], span.start, span.end
        ).reshape(-1)
        for before, new in zip(held.arrays(), slots.arrays(), strict=True):
            same &= (before == new[: len(series)]).all(axis=0)
        gone = (held.known > 0) & (slots.known[: len(series)] <= 0) & chosen
        share = self._share(of, span)
        for first, last in _runs(chosen & ~same):
            at, start = slice(first, last), span.start + first * span.slot
            for row, series_index in enumerate(series):
                if span.level == 0 and gone[row, at].any():
                    end = start + (last - first) * span.slot
                    ledger.erase(of.slo_index, series_index, start, end)
            if series:
                part = slots.part(at)
                out = (
                    None if share is None else Slots(*(each * share[at] for each in part.arrays()))
                )
                ledger.write(span.level, series, start, part, out)
            ledger.mark(span.level, of.slo_index, start, statuses[at])
            if span.level == 0:
                self._replay(of.slo_index, start, ledger.cover(0)[0])

    def _made(self, of: _Composite, span: _Span, group: Group | None) -> Made:
        counts = [self._counts(of, part, span, group) for part in of.parts]
        bad, total, known = (np.array(each) for each in zip(*counts, strict=True))
        parts = PartSlots(
            span.slot,
            *(bad, total, known),
            self._ledger.cells.statuses(span.level, of.parts, span.start, span.end),
            reaches=[self._times.reach(part, span.slot) for part in of.parts],
            apart=[self._slack(part) > 0 for part in of.parts],
            block=max(1, self._middle // span.slot),
        )
        return put_together(of.sli, of.slo.timeslices, parts, finest=span.level == 0)

    def _counts(
        self, of: _Composite, part: SloIndex, span: _Span, group: Group | None
    ) -> tuple[Floats, Floats, Floats]:
        """Bad and all events of a part, and what is known of each slot; nothing without a group."""
        slo, series = self._slos[part], self._series.indices(part)
        place: int | None = 0
        if slo.group_by:
            matched = _matched(of.slo, slo, self._series.groups(part))
            place = None if group is None else matched.get(group)
        if place is None:
            none = np.zeros(span.count)
            return none, none, none
        slots = self._ledger.cells.slots(span.level, [series[place]], span.start, span.end)
        return slots.bad[0], slots.total[0], np.minimum(slots.known[0], 1.0)

    def _share(self, of: _Composite, span: _Span) -> Floats | None:
        """How much of each slot lies in a maintenance window; None where there is none."""
        if not of.slo.maintenance:
            return None
        unit = of.unit
        start, end = span.start - span.start % unit, span.end + -span.end % unit
        out = excluded(of.slo.maintenance, start, unit, (end - start) // unit) > 0
        if unit < span.slot:
            share: Floats = out.reshape(span.count, -1).mean(axis=1)
            return share
        first = (span.start - start) // span.slot
        return np.repeat(out, unit // span.slot)[first : first + span.count].astype(np.float64)


def _unit(slo: Slo, interval: int) -> int:
    return slo.timeslices.slice if slo.timeslices else interval


def _matched(of: Slo, part: Slo, groups: Sequence[Group]) -> dict[Group, int]:
    """The groups of a part as the composite has them, and the places of their series."""
    if not part.group_by:
        return {}
    order = [part.shown_groups.index(label) for label in of.shown_groups]
    return {tuple(group[i] for i in order): place for place, group in enumerate(groups)}


def _runs(chosen: Bools) -> list[tuple[int, int]]:
    """Where neighbours are chosen: from the first to after the last of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], chosen.astype(np.int8), [0]))))
    return list(pairwise(edges.tolist()))[::2]
