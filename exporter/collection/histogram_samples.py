"""The raw samples of histograms in and around a slot, classic and native series put together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from exporter.collection.raw_questions import SELECTOR, RawQuestion
from exporter.collection.raw_samples import CounterSamples
from exporter.collection.surroundings import PAUSE_LOOKBACK
from exporter.collection.together import Together
from exporter.prometheus.histogram_promql import HistogramSelectors
from exporter.prometheus.histogram_readings import Reading, as_counters, merged, native_reading
from exporter.prometheus.matrix import Series
from exporter.prometheus.native_histograms import NativeHistogram
from exporter.prometheus.raw import Sample, SeriesKey, series_key
from exporter.slo.durations import format_duration

_Labels = dict[SeriesKey, Mapping[str, str]]


async def read_histograms(
    ask: Together, of: HistogramSelectors, *, end: int, slot: int, lookback: int
) -> tuple[list[CounterSamples], list[CounterSamples]]:
    """Read histograms as counters of all observations, and of those within the bound.

    Raises:
        PrometheusError: a query was not answered.
    """
    start, back = end - slot, slot + lookback
    labels: _Labels = {}
    count, bucket, native = [
        _by_key(each, labels)
        for each in await ask.all_series(
            [
                RawQuestion(SELECTOR, selector, end, slot, back)
                for selector in (of.count, of.bucket, of.native)
            ]
        )
    ]
    readings = {
        key: merged(
            _floats(count.get(key, ())),
            _floats(bucket.get(key, ())),
            _histograms(native.get(key, ())),
            of.bound,
        )
        for key in labels
    }
    readings = {key: found for key, found in readings.items() if found}
    new = {key: found[0][1] for key, found in readings.items() if found[0][0] > start}
    before = await _before(ask, of, new, end=end, slot=slot) if new else {}
    totals, withins = [], []
    for key, found in readings.items():
        if key in before:
            found.insert(0, (start, before[key]))
        total, within = as_counters(found)
        names = _names(of, found[0][1])
        totals.append(CounterSamples({**labels[key], **names[0]}, total))
        withins.append(CounterSamples({**labels[key], **names[1]}, within))
    return totals, withins


def having_bucket(
    counts: Sequence[CounterSamples], buckets: Sequence[CounterSamples]
) -> list[CounterSamples]:
    """The counts of classic histograms whose bucket there is as well."""
    known = {series_key(_own(bucket.labels)) for bucket in buckets}
    return [count for count in counts if series_key(_own(count.labels)) in known]


def _own(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that counts, buckets and native series share."""
    return {name: value for name, value in labels.items() if name not in {"__name__", "le"}}


def _names(of: HistogramSelectors, first: Reading) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The labels that the first samples of both counters of a histogram are stored under."""
    if first.native is not None:
        name = {"__name__": str(of.native.name)}
        return name, name
    bucket = {"__name__": str(of.bucket.name), "le": repr(of.bound)}
    return {"__name__": str(of.count.name)}, bucket


async def _before(
    ask: Together,
    of: HistogramSelectors,
    first: Mapping[SeriesKey, Reading],
    *,
    end: int,
    slot: int,
) -> dict[SeriesKey, Reading]:
    """The last reading of series in the hours before the slot, of those that have one.

    `first` holds each one's first reading in it. Where both kinds were there before, it is the kind
    of the first reading that went on.
    """
    pause, offset = format_duration(PAUSE_LOOKBACK), format_duration(slot)
    last = f"last_over_time({SELECTOR}[{pause}] offset {offset})"
    count, bucket, native = [
        _by_key(each)
        for each in await ask.all_series(
            [
                RawQuestion(last, selector, end, slot)
                for selector in (of.count, of.bucket, of.native)
            ]
        )
    ]
    found = {}
    for key, reading in first.items():
        kinds = []
        for total, within in zip(
            _floats(count.get(key, ()))[-1:], _floats(bucket.get(key, ()))[-1:], strict=False
        ):
            kinds.append(Reading(total[1], within[1]))
        for _, histogram in _histograms(native.get(key, ()))[-1:]:
            kinds.append(native_reading(histogram, of.bound))
        same = [kind for kind in kinds if (kind.native is None) == (reading.native is None)]
        for kind in (same or kinds)[:1]:
            found[key] = kind
    return found


def _by_key(
    answer: Sequence[Series], labels: _Labels | None = None
) -> dict[SeriesKey, list[Series]]:
    """An answer's series by the labels that the two kinds, counts and buckets share."""
    found: dict[SeriesKey, list[Series]] = defaultdict(list)
    for series in answer:
        own = _own(series.labels)
        key = series_key(own)
        found[key].append(series)
        if labels is not None:
            labels[key] = own
    return found


def _floats(series: Sequence[Series]) -> list[Sample]:
    return sorted(sample for each in series for sample in each.samples if math.isfinite(sample[1]))


def _histograms(series: Sequence[Series]) -> list[tuple[float, NativeHistogram]]:
    return [
        histogram
        for each in series
        for histogram in each.histograms
        if math.isfinite(histogram[1].count)
    ]
