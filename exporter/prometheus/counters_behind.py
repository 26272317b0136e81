"""What of Prometheus's stored samples a way to measure goes by."""

from __future__ import annotations

from collections.abc import Sequence

from exporter.prometheus.indicators import Counters, Histogram, Indicator, Probe
from exporter.prometheus.over_intervals import FreeQuery
from exporter.prometheus.selectors import Selector


def read_together(way: Indicator) -> bool:
    """Whether bad and total are always of the same scrapes, being series of one metric."""
    if isinstance(way, FreeQuery):
        return False
    if isinstance(way, Counters) and way.histogram is None:
        total, part = ({term.selector.name for term in terms} for terms in (way.total, way.part))
        return total == part and None not in total
    return True


def stored_selectors(way: Indicator) -> Sequence[Selector]:
    """The counters and histograms whose stored samples a way to measure goes by; not gauges."""
    if isinstance(way, Histogram):
        return way.of.count, way.of.bucket, way.of.native
    return [selector for selector in way.selectors if selector is not None]


def native_selectors(way: Indicator) -> Sequence[Selector]:
    """Those of them that are native histograms."""
    return (way.of.native,) if isinstance(way, Histogram) else ()


def counted_selectors(way: Indicator) -> Sequence[Selector]:
    """Those whose samples are told from others by their number: native histograms, and probes."""
    return (way.selector,) if isinstance(way, Probe) else native_selectors(way)
