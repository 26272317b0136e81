"""The PromQL that counts a histogram's observations in a slot, be its series classic or native.

Both kinds may exist side by side: on other targets, one after the other, or on one target both.
Of a series that exists in both kinds the classic one is counted. A kind has ended where the two
stand at different counts; such slots are counted from raw samples, as is every odd one
(`exporter.prometheus.promql.growth`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exporter.prometheus.native_histograms import GRAIN
from exporter.prometheus.promql import QueryContext, growth
from exporter.prometheus.selectors import Selector
from exporter.slo.durations import format_duration


@dataclass(frozen=True, slots=True)
class HistogramSelectors:
    """A histogram's series: the classic count, its bucket up to a bound, and the native one."""

    count: Selector
    bucket: Selector
    native: Selector
    bound: float


def native_present(of: HistogramSelectors, context: QueryContext) -> str:
    """How many native series have samples in a slot; any server can be asked for it."""
    present = f"count_over_time({of.native}[{format_duration(context.slot)}])"
    return f"{context.aggregated('count')}({present})"


def classic_events(of: HistogramSelectors, context: QueryContext) -> str:
    """All observations in a slot, by classic series that have the bound."""
    return f"sum by ({context.by}) ({_classic_growth(of, context)})"


def _classic_growth(of: HistogramSelectors, context: QueryContext) -> str:
    """Series that lack the bound tell nothing: all of their observations would be slow."""
    reach = format_duration(max(context.slot, context.lookback))
    has_bound = f"max without (le) (last_over_time({of.bucket}[{reach}]))"
    return f"({growth(of.count, context)}) and {has_bound}"


def total_events(of: HistogramSelectors, context: QueryContext) -> str:
    """All observations in a slot, by series of both kinds."""
    b = format_duration(context.lookback)
    apart = f"{_count(f'last_over_time({of.native}[{b}])')} != last_over_time({of.count}[{b}])"
    return (
        f"sum by ({context.by}) (clamp_min({apart}, Inf)"
        f" or {_classic_growth(of, context)}"
        f" or {_native_growth(of, context, _count)})"
    )


def within_events(of: HistogramSelectors, context: QueryContext) -> str:
    """The observations within the bound in a slot, by series of both kinds."""

    def up_to_bound(histogram: str) -> str:
        # An empty histogram has no share within the bound, but a count: 0.
        share = f"histogram_fraction(-Inf, {of.bound!r}, {histogram})"
        return f"(round({share} * {_count(histogram)}, {GRAIN!r}) >= 0 or {_count(histogram)})"

    return (
        f"sum by ({context.by}) (sum without (le) ({growth(of.bucket, context)})"
        f" or {_native_growth(of, context, up_to_bound)})"
    )


def _count(histogram: str) -> str:
    return f"histogram_count({histogram})"


def _native_growth(
    of: HistogramSelectors, context: QueryContext, read: Callable[[str], str]
) -> str:
    """What a figure of each native series has gained in a slot; +Inf for what is odd.

    The figure is taken of each end's histogram. Histograms themselves are not subtracted:
    Prometheus refuses that where their buckets differ.
    """
    r, b = format_duration(context.slot), format_duration(context.lookback)
    now = read(f"last_over_time({of.native}[{b}])")
    before = read(f"last_over_time({of.native}[{b}] offset {r})")
    reset = f"resets({of.native}[{format_duration(context.slot + context.lookback)}]) > 0"
    present = _count(f"last_over_time({of.native}[{r}])")
    return f"(({now} - {before}) >= 0 unless ({reset}) or clamp_min({present}, Inf))"
