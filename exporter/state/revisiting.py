"""Slots that have settled and whose samples came after that: found, counted again, replayed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from exporter.collection.looks import Looks
from exporter.collection.pending import Requests
from exporter.collection.slot_range import SlotRange
from exporter.ledger.checksums import UNSURE
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import FINE_HORIZON
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.types import Bools, Floats, SeriesIndex, SloIndex
from exporter.state.past_days import PastDays
from exporter.state.past_samples import PastSamples
from exporter.state.policy_records import PolicyRecords
from exporter.state.rebuild_work import Lengths
from exporter.state.series_table import SeriesTable
from exporter.state.settling import Settling

LEAST_RECOUNTED = 300
"""Seconds behind the last slot with new samples that are counted again, at the least: what comes
after a hole is counted from what was before it."""

AT_A_TIME = 100
"""SLOs whose slots are counted again after a start, at each interval."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Slots of an SLO that were counted again since samples had come: (start, end], Unix seconds.

    `bad` and `total` are how many more events they have than before; `replayed_from` is from when
    on tiers, firings and incidents are replayed, None if they stand as they are.
    """

    slo_index: SloIndex
    start: int
    end: int
    bad: float
    total: float
    replayed_from: int | None


@dataclass(frozen=True, slots=True)
class _Recount:
    """Slots that are being counted again, and how many events they had.

    `stored` are the slots themselves where another process has counted them: without a sign that
    samples have come, fewer events than there were are not believed.
    """

    span: SlotRange
    bad: float
    total: float
    checksums: Floats
    stored: tuple[Slots, Slots | None] | None = None


class Revisiting:
    """What of the finest slots is looked at again, and what becomes of it.

    `past` and `past_samples` are of older ones.

    Args:
        ledger: where the slots are; `series` tells whose each series is.
        series: the series of each SLO.
        settling: tells how much later than others SLOs settle.
        policy_records: what is replayed.
        lengths: by which it is told what is counted again.
        horizon: how old slots get that are looked at, in seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        series: SeriesTable,
        settling: Settling,
        policy_records: PolicyRecords,
        *,
        lengths: Lengths,
        horizon: int,
    ) -> None:
        self._ledger = ledger
        self._series = series
        self._settling = settling
        self._policy_records = policy_records
        self._units, self._lookbacks = lengths.units, lengths.lookbacks
        settle = lengths.settle
        horizon = min(horizon, FINE_HORIZON, ledger.levels[0].horizon)
        self._settle = settle
        self._looks = Looks(len(lengths.units), ledger.interval, settle, horizon)
        self._recounts: dict[SloIndex, _Recount] = {}
        self._stored: set[SloIndex] = set()
        self.past = PastDays(ledger, series, lengths.longest)
        self.past_samples = PastSamples(ledger, lengths.longest)

    def due(self, slo_indices: Collection[SloIndex]) -> Requests:
        """The spans of slots whose samples are to be looked at, of some SLOs."""
        low, end = self._ledger.cover(0)
        self._looks.step_back(end)
        new = [slo_index for slo_index in slo_indices if not self._looks.begun(slo_index)]
        if new:
            self._looks.begin(new, end - end % self._ledger.interval)
            for slo_index in new:
                if self._holes(slo_index).any():
                    self._looks.look_at_all(slo_index, end)
            for number, slo_index in enumerate(sorted(self._stored.intersection(new))):
                turn = 1 + number // AT_A_TIME
                self._looks.look_at_all(slo_index, end + turn * self._ledger.interval)
        return self._looks.due(slo_indices, low, end, self._settling.later())

    def counted_elsewhere(self, slo_index: SloIndex) -> None:
        """Note that slots of an SLO were counted by another process: nobody knows from what."""
        self._stored.add(slo_index)

    def follow(self, slo_index: SloIndex, old: Revisiting, before: SloIndex) -> None:
        """Go on with what another state knew of the samples of an SLO, which was `before` there."""
        ledger, other = self._ledger, old._ledger
        if old._looks.begun(before) and before not in old._stored:
            self._stored.discard(slo_index)
        if ledger.interval != other.interval:
            return
        self.past_samples.follow(slo_index, old.past_samples, before)
        ledger.checksums.follow(slo_index, other.checksums, before)
        self._looks.follow(slo_index, old._looks, before)
        self.past.follow(slo_index, old.past, before)

    def _holes(self, slo_index: SloIndex) -> Bools:
        """Of which settled slots nothing is known, though it is of some before and behind them."""
        known, asked = self._known(slo_index), self._ledger.asked(0, of=slo_index)
        places = np.flatnonzero(known)
        found = ~known & (asked == SlotStatus.SETTLED)
        if places.size:
            found[: int(places[0])] = found[int(places[-1]) :] = False
        else:
            found[:] = False
        return np.asarray(found)

    def _known(self, slo_index: SloIndex, span: SlotRange | None = None) -> Bools:
        low, end = self._ledger.cover(0) if span is None else (span.start, span.end)
        count = (end - low) // self._ledger.interval
        held = self._ledger.held(0, self._series.indices(slo_index), low, count)
        return np.asarray(held.any(axis=0))

    def compare(self, span: SlotRange, found: Mapping[SloIndex, Floats | None]) -> Requests:
        """Compare the samples behind a span with those that were counted.

        Args:
            span: slots that have settled.
            found: the checksums of their samples now, one for each slot; NaN where it is not told.
                None for SLOs without samples to tell by: of them holes are counted again.

        Returns:
            What is to be counted again, as there are more samples. Fewer are no reason: Prometheus
            forgets, and answers in part.
        """
        ledger, end = self._ledger, self._ledger.end
        work: Requests = defaultdict(list)
        low = ledger.cover(0)[0]
        if span.start < low or span.end > end:
            return {}  # time went on meanwhile, or back: the next look is at what is left
        first = (span.start - low) // ledger.interval
        for slo_index, checksums in found.items():
            if checksums is None:
                changed = self._holes(slo_index)[first : first + span.count]
                self._looks.looked(slo_index, span, end, changed=False)
            else:
                told = np.isfinite(checksums)
                if not told.any():
                    self._looks.untold(slo_index, end)
                    continue
                asked = ledger.asked(0, of=slo_index)[first : first + span.count]
                settled = asked == SlotStatus.SETTLED
                known = self._known(slo_index, span)
                index = np.array([slo_index])
                noted = ledger.checksums.of(index, span.start, span.end)[0]
                more = np.where(np.isnan(noted), ~known & (checksums > 0), checksums > noted)
                changed = told & settled & more
                begins = told & np.isnan(noted) & ~changed
                if slo_index in self._stored:
                    # From which samples it was counted, nobody knows.
                    changed |= begins & settled & self._still_there(slo_index, span, checksums)
                    begins &= ~changed
                ledger.checksums.note(index, span.start, np.where(begins, checksums, noted)[None])
                self._looks.looked(slo_index, span, end, changed=bool(changed.any()))
            if changed.any():
                again = self._again(slo_index, span, changed)
                if again.count > 0:
                    self._recounts[slo_index] = self._before(slo_index, again)
                    work[again].append(slo_index)
        return work

    def _again(self, slo_index: SloIndex, span: SlotRange, changed: Bools) -> SlotRange:
        """What is counted again: the slots that changed, and those that began from them."""
        interval, unit = self._ledger.interval, self._units[slo_index]
        places = np.flatnonzero(changed)
        start = span.start + int(places[0]) * interval
        after = max(LEAST_RECOUNTED, self._lookbacks[slo_index])
        end = span.start + (int(places[-1]) + 1) * interval + after
        settled = self._ledger.end - self._settle - float(self._settling.later()[slo_index])
        end = min(-(-end // unit) * unit, int(settled // unit) * unit)
        low = -(-self._ledger.cover(0)[0] // unit) * unit
        return SlotRange(max(low, start - start % unit), end, interval)

    def _still_there(self, slo_index: SloIndex, span: SlotRange, checksums: Floats) -> Bools:
        """Which slots have samples, and had them: none that follow what Prometheus has lost.

        There a counter that goes on looks like one that begins.
        """
        known = self._known(slo_index, span)
        there = known & (checksums > 0)
        lost = np.flatnonzero(known & (checksums == 0))
        if lost.size:
            margin = max(LEAST_RECOUNTED, self._lookbacks[slo_index]) // self._ledger.interval
            there[: int(lost[-1]) + 2 + margin] = False
        return np.asarray(there)

    def _before(self, slo_index: SloIndex, span: SlotRange) -> _Recount:
        stored = None
        if slo_index in self._stored:
            self._stored.discard(slo_index)
            stored = self._read(self._series.indices(slo_index), span)
        events = self._events(slo_index, span)
        return _Recount(span, *events, checksums=np.zeros(0), stored=stored)

    def _read(
        self, series_indices: Sequence[SeriesIndex], span: SlotRange
    ) -> tuple[Slots, Slots | None]:
        first = (span.start - self._ledger.cover(0)[0]) // self._ledger.interval
        those = slice(max(0, first), first + span.count)
        slots, excluded = self._ledger.read_series(0, series_indices)
        return slots.part(those), None if excluded is None else excluded.part(those)

    def _events(self, slo_index: SloIndex, span: SlotRange) -> tuple[float, float]:
        series = np.array(self._series.indices(slo_index), dtype=np.intp)
        sums = self._ledger.between(span.start, span.end, series_indices=series)
        return float(sums.bad.sum()), float(sums.total.sum())

    def note_before(self, span: SlotRange, found: Mapping[SloIndex, Floats]) -> None:
        """Note the checksums of a span that is about to be counted again."""
        for slo_index, checksums in found.items():
            held = self._recounts.get(slo_index)
            if held is not None and held.span == span:
                self._recounts[slo_index] = replace(held, checksums=checksums)

    def take_over(
        self, span: SlotRange, slo_indices: Collection[SloIndex], found: Mapping[SloIndex, Floats]
    ) -> list[TakenOver]:
        """Have tiers replayed from slots that were counted again.

        Args:
            span: the slots.
            slo_indices: their SLOs.
            found: the checksums of their samples after they were counted. Where these are others
                than before, or nothing is known though there are samples, it is not sure what was
                counted: it is looked at again, the latter as long as patience grows.
        """
        taken = []
        for slo_index in slo_indices:
            held = self._recounts.pop(slo_index, None)
            if held is None:
                continue
            before, after = held.checksums, found.get(slo_index, np.zeros(0))
            sure = np.zeros(span.count, dtype=np.bool_)
            if before.shape == after.shape == sure.shape:
                sure = before == after
                if self._looks.patient(slo_index):
                    # Samples that were there, and an answer that had none of them.
                    sure &= self._known(slo_index, span) | (before <= 0)
            noted = np.where(sure, before if before.size else 0.0, UNSURE)
            self._ledger.checksums.note(np.array([slo_index]), span.start, noted[None])
            oldest = self._ledger.cover(0)[0]
            bad, total = self._events(slo_index, span)
            if held.stored is not None:
                series = self._series.indices(slo_index)[: len(held.stored[0].bad)]
                if total < held.total:
                    self._ledger.write(0, series, span.start, *held.stored)
                if total < held.total or _same(held.stored[0], self._read(series, span)[0]):
                    continue
            replayed = self._policy_records.go_back(slo_index, span.start, oldest)
            difference = bad - held.bad, total - held.total
            taken.append(TakenOver(slo_index, span.start, span.end, *difference, replayed))
        return taken


def _same(one: Slots, other: Slots) -> bool:
    pairs = zip(one.arrays(), other.arrays(), strict=True)
    return all(np.array_equal(ours, theirs) for ours, theirs in pairs)
