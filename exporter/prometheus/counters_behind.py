"""What of Prometheus's stored samples a way to measure goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from exporter.prometheus.indicators import Counters, Histogram, Indicator, Probe
from exporter.prometheus.over_intervals import FreeQuery
from exporter.prometheus.sample_queries import widest
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


@dataclass(frozen=True, slots=True)
class Behind:
    """What a way to measure goes by.

    - `selectors`: its counters and histograms; those whose series another one selects are left out.
    - `native`: those of them that are native histograms.
    - `counted`: see `counted_selectors`; `together`: see `read_together`.
    """

    way: Indicator
    selectors: Sequence[Selector]
    native: Sequence[Selector]
    counted: Sequence[Selector]
    together: bool

    @classmethod
    def of(cls, way: Indicator) -> Self:
        """That of a way."""
        stored, native = widest(stored_selectors(way)), native_selectors(way)
        return cls(way, stored, native, counted_selectors(way), read_together(way))
