"""The exact count of one slot from Prometheus's raw samples."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.raw import Sample, SeriesKey, count_events, series_key, target
from exporter.prometheus.selectors import Matcher, Selector
from exporter.slo.durations import format_duration
from exporter.slo.types import Group

PAUSE_LOOKBACK = 6 * 3600
"""A series that comes back within this time goes on from where it stood: a target that could
not be scraped, or a Prometheus that was down, loses no events. In seconds."""


@dataclass(frozen=True, slots=True)
class CounterSamples:
    """What is stored of one counter in and around a slot.

    `samples` are in order; those up to the slot's start tell where the counter stood. Where there
    is none so early, `before` is its last value of the hours before, if it had one.
    """

    labels: Mapping[str, str]
    samples: Sequence[Sample]
    before: float | None = None


Read = Callable[[int, int], Awaitable[Sequence[Sequence[CounterSamples]]]]
"""Reads the counters, kind by kind, behind the slot that has this end and this length."""


async def count_slot(
    client: PrometheusClient,
    read: Read,
    group_by: Sequence[str],
    *,
    end: int,
    slot: int,
    lookback: int,
) -> list[dict[Group, float]]:
    """Count the events in (end - slot, end] of each kind of counter, per group of label values.

    A slot with more samples than Prometheus gives at once is counted in halves.

    Raises:
        PrometheusError: a query was not answered.
    """
    try:
        return [
            await _count(client, counters, group_by, end=end, slot=slot, lookback=lookback)
            for counters in await read(end, slot)
        ]
    except QueryRefusedError:
        if slot <= lookback:  # most of what is read lies before the slot: halving would not help
            raise
    newer = slot // 2
    older = await count_slot(
        client, read, group_by, end=end - newer, slot=slot - newer, lookback=lookback
    )
    for counts, half in zip(
        older,
        await count_slot(client, read, group_by, end=end, slot=newer, lookback=lookback),
        strict=True,
    ):
        for group, count in half.items():
            counts[group] = counts.get(group, 0.0) + count
    return older


async def read_counters(
    client: PrometheusClient, selector: Selector, *, end: int, slot: int, lookback: int
) -> list[CounterSamples]:
    """Read the samples of a selector's counters in and around a slot.

    Raises:
        PrometheusError: a query was not answered.
    """
    start = end - slot
    labels: dict[SeriesKey, dict[str, str]] = {}
    samples: dict[SeriesKey, list[Sample]] = defaultdict(list)
    for series in await client.instant_query(
        f"{selector}[{format_duration(slot + lookback)}]", end
    ):
        key = series_key(series.labels)
        labels[key] = series.labels
        # VictoriaMetrics answers with the staleness marks, too, which are NaN.
        samples[key] += [sample for sample in series.samples if math.isfinite(sample[1])]
    for values in samples.values():
        values.sort()
    before: dict[SeriesKey, float] = {}
    if any(values and values[0][0] > start for values in samples.values()):
        pause = format_duration(PAUSE_LOOKBACK)
        earlier = await client.instant_query(
            f"last_over_time({selector}[{pause}] offset {format_duration(slot)})", end
        )
        for series in earlier:
            key = series_key(series.labels)
            # Two spellings of one bucket bound may both be found: the counter went on from the
            # one that stood higher.
            for _, value in series.samples[-1:]:
                if math.isfinite(value):
                    before[key] = max(value, before.get(key, value))
    return [
        CounterSamples(labels[key], values, before.get(key) if values[0][0] > start else None)
        for key, values in samples.items()
        if values
    ]


async def _count(
    client: PrometheusClient,
    counters: Sequence[CounterSamples],
    group_by: Sequence[str],
    *,
    end: int,
    slot: int,
    lookback: int,
) -> dict[Group, float]:
    start = end - slot
    new = [of for of in counters if of.before is None and of.samples[0][0] > start]
    targets = {found for of in new if (found := target(of.labels))}
    up = await _scraped(client, targets, end=end, slot=slot, lookback=lookback) if targets else []
    counts: dict[Group, float] = defaultdict(float)
    for of in counters:
        counts[tuple(of.labels.get(name, "") for name in group_by)] += count_events(
            of.samples,
            start,
            end,
            before=of.before,
            from_zero=_scraped_before(of.labels, of.samples[0][0], up),
        )
    return dict(counts)


_Scraped = tuple[dict[str, str], float]
"""An `up` series, and when it was first 1, as far as that is looked for."""


async def _scraped(
    client: PrometheusClient,
    targets: set[tuple[str, str]],
    *,
    end: int,
    slot: int,
    lookback: int,
) -> list[_Scraped]:
    """When each target was first scraped with success, in the slot or before it."""
    up = _up(targets)
    found = []
    for series in await client.instant_query(f"{up}[{format_duration(slot + lookback)}]", end):
        times = [at for at, value in series.samples if value == 1]
        found.append((series.labels, times[0] if times else math.inf))
    # Not scraped just before, it may have failed for a while and be known all the same.
    pause, offset = format_duration(PAUSE_LOOKBACK), format_duration(slot)
    for series in await client.instant_query(
        f"max_over_time({up}[{pause}] offset {offset}) == 1", end
    ):
        found.append((series.labels, float(end - slot)))
    return found


def _scraped_before(labels: Mapping[str, str], first: float, up: Sequence[_Scraped]) -> bool:
    """Whether a series's target was scraped with success before the series's first sample."""
    origin = target(labels)
    own = [(of, at) for of, at in up if origin is not None and target(of) == origin]
    # Of several replicas that scrape one target only the series's own can tell; but a metric's
    # own labels may stand in the place of its target's, and then any can.
    agreeing = [
        (of, at)
        for of, at in own
        if all(labels.get(name, value) == value for name, value in of.items() if name != "__name__")
    ]
    return any(at < first for _, at in agreeing or own)


def _up(targets: set[tuple[str, str]]) -> str:
    jobs = "|".join(sorted({re.escape(job) for job, _ in targets}))
    instances = "|".join(sorted({re.escape(instance) for _, instance in targets}))
    return str(Selector("up", (Matcher("job", "=~", jobs), Matcher("instance", "=~", instances))))
