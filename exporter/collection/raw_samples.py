"""The exact count of one slot from Prometheus's raw samples."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence

from exporter.collection.slot_range import Group
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.raw import Sample, SeriesKey, count_events, series_key, target
from exporter.prometheus.selectors import Matcher, Selector
from exporter.slo.durations import format_duration

PAUSE_LOOKBACK = 6 * 3600
"""A series that comes back within this time goes on from where it stood: a target that could
not be scraped, or a Prometheus that was down, loses no events. In seconds."""


async def count_slot(
    client: PrometheusClient,
    selector: Selector,
    group_by: Sequence[str],
    *,
    end: int,
    slot: int,
    lookback: int,
) -> dict[Group, float]:
    """Count a selector's events in (end - slot, end], per group of label values.

    A slot with more samples than Prometheus gives at once is counted in halves.

    Raises:
        PrometheusError: a query was not answered.
    """
    try:
        return await _count(client, selector, group_by, end=end, slot=slot, lookback=lookback)
    except QueryRefusedError:
        if slot <= lookback:  # most of what is read lies before the slot: halving would not help
            raise
    newer = slot // 2
    counts: dict[Group, float] = defaultdict(float)
    for until, length in ((end - newer, slot - newer), (end, newer)):
        half = await count_slot(
            client, selector, group_by, end=until, slot=length, lookback=lookback
        )
        for group, count in half.items():
            counts[group] += count
    return dict(counts)


async def _count(
    client: PrometheusClient,
    selector: Selector,
    group_by: Sequence[str],
    *,
    end: int,
    slot: int,
    lookback: int,
) -> dict[Group, float]:
    start = end - slot
    span = format_duration(slot + lookback)
    labels: dict[SeriesKey, dict[str, str]] = {}
    samples: dict[SeriesKey, list[Sample]] = defaultdict(list)
    for series in await client.instant_query(f"{selector}[{span}]", end):
        key = series_key(series.labels)
        labels[key] = series.labels
        # VictoriaMetrics answers with the staleness marks, too, which are NaN.
        samples[key] += [sample for sample in series.samples if math.isfinite(sample[1])]
    for values in samples.values():
        values.sort()
    unknown = [key for key, values in samples.items() if values and values[0][0] > start]
    before: dict[SeriesKey, float] = {}
    up: list[_Scraped] = []
    pause = format_duration(PAUSE_LOOKBACK)
    if unknown:
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
        targets = {found for key in unknown if key not in before if (found := target(labels[key]))}
        if targets:
            up = await _scraped(client, targets, end=end, slot=slot, span=span, pause=pause)
    counts: dict[Group, float] = defaultdict(float)
    for key, values in samples.items():
        if not values:
            continue
        first = values[0][0]
        counts[tuple(labels[key].get(name, "") for name in group_by)] += count_events(
            values,
            start,
            end,
            before=before.get(key) if first > start else None,
            from_zero=_scraped_before(labels[key], first, up),
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
    span: str,
    pause: str,
) -> list[_Scraped]:
    """When each target was first scraped with success, in the slot or before it."""
    up = _up(targets)
    found = []
    for series in await client.instant_query(f"{up}[{span}]", end):
        times = [at for at, value in series.samples if value == 1]
        found.append((series.labels, times[0] if times else math.inf))
    # Not scraped just before, it may have failed for a while and be known all the same.
    offset = format_duration(slot)
    for series in await client.instant_query(
        f"max_over_time({up}[{pause}] offset {offset}) == 1", end
    ):
        found.append((series.labels, float(end - slot)))
    return found


def _scraped_before(labels: dict[str, str], first: float, up: Sequence[_Scraped]) -> bool:
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
