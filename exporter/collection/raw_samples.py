"""The exact count of one slot from Prometheus's raw samples."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.collection.births import Birth, bases
from exporter.collection.raw_questions import SELECTOR, RawQuestion
from exporter.collection.surroundings import (
    COUNTER_SUFFIX,
    PAUSE_LOOKBACK,
    Surroundings,
    Target,
)
from exporter.collection.together import Together
from exporter.collection.unknown_slots import Reason
from exporter.prometheus.births import Doubt, continued
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.raw import (
    Sample,
    SeriesKey,
    count_events,
    impossible_fall,
    series_key,
    target,
)
from exporter.prometheus.selectors import Matcher, Selector
from exporter.slo.durations import format_duration
from exporter.slo.types import Group


@dataclass(frozen=True, slots=True)
class CounterSamples:
    """What is stored of one counter in and around a slot.

    `samples` are in order; those up to the slot's start tell where the counter stood. Where there
    is none so early, `before` is its last value of the hours before, if it had one.
    """

    labels: Mapping[str, str]
    samples: Sequence[Sample]
    before: float | None = None


Fall = tuple[Sample, Sample]
"""The samples before and after a fall."""

Read = Callable[[int, int], Awaitable[Sequence[Sequence[CounterSamples]]]]
"""Reads the counters, kind by kind, behind the slot that has this end and this length."""


@dataclass(frozen=True, slots=True)
class SlotEvents:
    """The events of one kind of counter in a slot, per group of label values.

    `born` is the part of them that are first values. Groups in `doubts` are not known, and why.
    """

    counts: dict[Group, float]
    born: dict[Group, float]
    doubts: dict[Group, Reason]

    def add(self, other: SlotEvents) -> None:
        """Add those of another part of the slot."""
        for own, more in ((self.counts, other.counts), (self.born, other.born)):
            for group, count in more.items():
                own[group] = own.get(group, 0.0) + count
        self.doubts.update(other.doubts)


Around = Callable[[int, int], Surroundings]
"""Gives the surroundings of the slot that has this end and this length."""


async def count_slot(
    read: Read, around: Around, group_by: Sequence[str], *, end: int, slot: int, lookback: int
) -> list[SlotEvents]:
    """Count the events in (end - slot, end] of each kind of counter.

    A slot with more samples than Prometheus gives at once is counted in halves.

    Raises:
        PrometheusError: a query was not answered.
    """
    try:
        return [
            await _count(counters, around(end, slot), group_by, start=end - slot, end=end)
            for counters in await read(end, slot)
        ]
    except QueryRefusedError:
        if slot <= lookback:  # most of what is read lies before the slot: halving would not help
            raise
    newer = slot // 2
    found = await count_slot(
        read, around, group_by, end=end - newer, slot=slot - newer, lookback=lookback
    )
    for events, half in zip(
        found,
        await count_slot(read, around, group_by, end=end, slot=newer, lookback=lookback),
        strict=True,
    ):
        events.add(half)
    return found


async def read_counters(
    ask: Together, selector: Selector, *, end: int, slot: int, lookback: int
) -> list[CounterSamples]:
    """Read the samples of a selector's counters in and around a slot.

    Raises:
        PrometheusError: a query was not answered.
    """
    start = end - slot
    labels: dict[SeriesKey, dict[str, str]] = {}
    samples: dict[SeriesKey, list[Sample]] = defaultdict(list)
    # Not every server keeps the name where functions are applied.
    named = {"__name__": selector.name} if selector.name else {}
    of_slot = RawQuestion(SELECTOR, selector, end, slot, back=slot + lookback)
    for series in await ask.series(of_slot):
        key = series_key({**named, **series.labels})
        labels[key] = {**named, **series.labels}
        # VictoriaMetrics answers with the staleness marks, too, which are NaN.
        samples[key] += [sample for sample in series.samples if math.isfinite(sample[1])]
    for values in samples.values():
        values.sort()
    before: dict[SeriesKey, float] = {}
    if any(values and values[0][0] > start for values in samples.values()):
        pause = format_duration(PAUSE_LOOKBACK)
        earlier = f"last_over_time({SELECTOR}[{pause}] offset {format_duration(slot)})"
        for series in await ask.series(RawQuestion(earlier, selector, end, slot)):
            key = series_key({**named, **series.labels})
            # Two spellings of one bucket bound may both be found: the counter went on from the
            # one that stood higher.
            for _, value in series.samples[-1:]:
                if math.isfinite(value):
                    before[key] = max(value, before.get(key, value))
    return [
        CounterSamples(labels[key], values, before.get(key) if values[0][0] > start else None)
        # In an order of their own: sums do not depend on what else was asked for.
        for key, values in sorted(samples.items())
        if values
    ]


async def _count(
    counters: Sequence[CounterSamples],
    around: Surroundings,
    group_by: Sequence[str],
    *,
    start: float,
    end: float,
) -> SlotEvents:
    new = [
        counter
        for counter in counters
        if counter.before is None and counter.samples[0][0] > start and counter.samples[0][1] > 0
    ]
    births = [Birth(counter.labels, *counter.samples[0]) for counter in new]
    begun = dict(zip(map(id, new), await bases(births, around) if new else (), strict=True))
    found = SlotEvents(defaultdict(float), defaultdict(float), {})
    falls = await _impossible_falls(counters, around, start, end)
    doubted: dict[Group, CounterSamples] = {}
    fell: dict[Group, Reason] = {}
    for counter in counters:
        if counter.samples[-1][0] <= end - max(end - start, around.lookback):
            continue  # it has gone; PromQL would know nothing of it either
        group = tuple(counter.labels.get(name, "") for name in group_by)
        base = begun.get(id(counter))
        if id(counter) in falls:
            fell[group] = _fell(counter, falls[id(counter)])
            continue
        if isinstance(base, Doubt):
            if group not in doubted or counter.samples[0][1] > doubted[group].samples[0][1]:
                doubted[group] = counter
                found.doubts[group] = _told(counter, base)
            continue
        if base is not None:
            found.born[group] += counter.samples[0][1] - base
        before = _resumed(counter, counters, around.lookback) if base is None else base
        found.counts[group] += count_events(counter.samples, start, end, before=before)
    found.doubts.update(fell)
    return found


async def _impossible_falls(
    counters: Sequence[CounterSamples], around: Surroundings, start: float, end: float
) -> dict[int, Fall]:
    """The falls that no restart explains, by the counters' `id`.

    A process tells when it was started, as most client libraries have it. Where it does not, the
    name of a counter on a scraped target is believed: a process may crash at every scrape.
    """
    found: dict[int, Fall] = {}
    of_targets: dict[int, Target] = {}
    for counter in counters:
        fall = impossible_fall(counter.samples, start, end)
        if fall is not None:
            found[id(counter)] = fall
            origin = target(counter.labels)
            if origin is not None:
                of_targets[id(counter)] = origin
    if not of_targets:
        return found
    starts: dict[Target | None, list[Sample]] = defaultdict(list)
    for process in await around.process_starts(set(of_targets.values())):
        starts[target(process.labels)] += process.samples.items()
    for counter in counters:
        told = starts.get(of_targets.get(id(counter)), [])
        if id(counter) in of_targets and _restarted(counter, found[id(counter)], told):
            del found[id(counter)]
    return found


def _restarted(of: CounterSamples, fall: Fall, starts: Sequence[Sample]) -> bool:
    """Whether a process was started between the samples of a fall, by what it and others tell."""
    (before, _), (at, _) = fall
    told = [start for seen, start in starts if seen >= at]
    if told:
        return any(before - 1 <= start <= at for start in told)
    return COUNTER_SUFFIX.search(of.labels.get("__name__", "")) is not None


def _resumed(of: CounterSamples, counters: Sequence[CounterSamples], near: float) -> float | None:
    """What a counter that is back after a pause goes on from."""
    if of.before is None:
        return None
    at, first = of.samples[0]
    ended = {
        series_key(other.labels): other.samples[-1][1]
        for other in counters
        if target(other.labels) == target(of.labels) and at - near <= other.samples[-1][0] < at
    }
    return continued(of.before, first, series_key(of.labels), ended)


def _told(of: CounterSamples, doubt: Doubt) -> Reason:
    """Why a slot is not known in which a counter begins."""
    at, value = of.samples[0]
    return Reason(f"not known at {utc(at)}: {_series(of)} began at {value:,.0f}, {doubt.value}")


def _fell(of: CounterSamples, fall: Fall) -> Reason:
    """Why a slot is not known in which something falls that should be a counter."""
    (_, before), (at, value) = fall
    return Reason(
        f"not known at {utc(at)}: {_series(of)} fell from {before:,.0f} to {value:,.0f}, more than "
        "it can have counted since a restart: a gauge, or a sum of counters, is not a counter",
        proof=1 / 3,
        holds=PAUSE_LOOKBACK,
    )


def _series(of: CounterSamples) -> Selector:
    labels = {name: text for name, text in sorted(of.labels.items()) if name != "__name__"}
    matchers = tuple(Matcher(name, "=", text) for name, text in labels.items())
    return Selector(of.labels.get("__name__"), matchers)


def utc(at: float) -> str:
    """A moment (Unix seconds) as people read it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
