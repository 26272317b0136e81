"""The exact count of one slot from Prometheus's raw samples."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from exporter.prometheus.client import PrometheusClient, Series
from exporter.prometheus.raw import Sample, SeriesKey, count_events, series_key, target
from exporter.prometheus.selectors import Matcher, Selector
from exporter.slo.durations import format_duration

PAUSE_LOOKBACK = 6 * 3600
"""A series that comes back within this time goes on from where it stood: a target that could
not be scraped, or a Prometheus that was down, loses no events. In seconds."""

Group = tuple[str, ...]


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

    Raises:
        PrometheusError: a query was not answered.
    """
    start = end - slot
    span = format_duration(slot + lookback)
    labels: dict[SeriesKey, dict[str, str]] = {}
    samples: dict[SeriesKey, list[Sample]] = defaultdict(list)
    for series in await client.instant_query(f"{selector}[{span}]", end):
        key = series_key(series.labels)
        labels[key] = series.labels
        samples[key] += series.samples
    for values in samples.values():
        values.sort()
    unknown = [key for key, values in samples.items() if values and values[0][0] > start]
    before: dict[SeriesKey, float] = {}
    scraped: dict[tuple[str, str], float] = {}
    pause = format_duration(PAUSE_LOOKBACK)
    if unknown:
        earlier = await client.instant_query(
            f"last_over_time({selector}[{pause}] offset {format_duration(slot)})", end
        )
        for series in earlier:
            key, value = series_key(series.labels), series.samples[-1][1]
            # Two spellings of one bucket bound may both be found: the counter went on from the
            # one that stood higher.
            before[key] = max(value, before.get(key, value))
        born = [labels[key] for key in unknown if key not in before]
        targets = {found for found in map(target, born) if found}
        if targets:
            scraped = _first_scrapes(await client.instant_query(f"{_up(targets)}[{span}]", end))
        if targets - {origin for origin, first in scraped.items() if first <= start}:
            # Not scraped just before; it may have failed for a while and be known all the same.
            earlier = await client.instant_query(
                f"max_over_time({_up(targets)}[{pause}] offset {format_duration(slot)}) == 1", end
            )
            for series in earlier:
                if origin := target(series.labels):
                    scraped[origin] = min(scraped.get(origin, start), start)
    counts: dict[Group, float] = defaultdict(float)
    for key, values in samples.items():
        first = values[0][0] if values else end
        origin = target(labels[key])
        counts[tuple(labels[key].get(name, "") for name in group_by)] += count_events(
            values,
            start,
            end,
            before=before.get(key) if first > start else None,
            from_zero=origin is not None and scraped.get(origin, first) < first,
        )
    return dict(counts)


def _up(targets: set[tuple[str, str]]) -> str:
    jobs = "|".join(sorted({re.escape(job) for job, _ in targets}))
    instances = "|".join(sorted({re.escape(instance) for _, instance in targets}))
    return str(Selector("up", (Matcher("job", "=~", jobs), Matcher("instance", "=~", instances))))


def _first_scrapes(up: Sequence[Series]) -> dict[tuple[str, str], float]:
    """When each target was first scraped with success, as far as the answer reaches back."""
    first: dict[tuple[str, str], float] = {}
    for series in up:
        origin = target(series.labels)
        times = [at for at, value in series.samples if value == 1]
        if origin and times:
            first[origin] = min(times[0], first.get(origin, times[0]))
    return first
