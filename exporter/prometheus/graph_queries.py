"""What a person asks Prometheus of an SLO: rates of events, and their ratio.

They are for graphs, and extrapolate as `rate` does; what is counted is asked by `indicators`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from exporter.prometheus.bucket_bounds import any_spelling, bound_spellings
from exporter.prometheus.histogram_promql import HistogramSelectors
from exporter.prometheus.indicators import VIOLATES, Counters, Histogram, Indicator
from exporter.prometheus.metric_names import by_metric
from exporter.prometheus.promql import PART_LABEL
from exporter.prometheus.selectors import Matcher, Selector, label_list, parse_selector
from exporter.slo.durations import format_duration
from exporter.slo.model import (
    EventsSli,
    LatencySli,
    ProbeSli,
    QuerySli,
    RatioSli,
    Slo,
    ThresholdSli,
)
from exporter.slo.types import MINUTE, Group

LEAST_WINDOW = 5 * MINUTE
"""What rates are taken over, unless series are scraped too rarely for that; in seconds."""

SCRAPES_PER_WINDOW = 4
"""With fewer scrapes, one that fails leaves a hole in a rate."""

RATIO, BAD, GOOD, ALL = "error ratio", "bad events", "good events", "all events"
VALUE, VIOLATED = "value", "1 while it is bad"


def graph_queries(slo: Slo, group: Group, way: Indicator, scrape_interval: float) -> dict[str, str]:
    """PromQL by what it shows, what tells most first.

    Args:
        slo: what is measured.
        group: the values of its `group_by` labels; empty for all of them together.
        way: how it is measured now.
        scrape_interval: how often its series are scraped, in seconds; 0 if that is not known.
    """
    minutes = math.ceil(SCRAPES_PER_WINDOW * scrape_interval / MINUTE)
    window = max(LEAST_WINDOW, minutes * MINUTE)
    asked = _Asked(slo.group_by, dict(zip(slo.group_by, group, strict=False)), window)
    match slo.sli:
        case EventsSli(total=total, bad=bad, good=good):
            part = asked.rates(bad or good or "")
            return _shares(part, asked.rates(total), part_is_good=bad is None)
        case LatencySli() if isinstance(way, Histogram):
            return asked.native(way.of)
        case LatencySli() if isinstance(way, Counters) and way.histogram:
            return asked.classic(way.histogram)
        case ProbeSli(selector=selector):
            return asked.probes(parse_selector(selector))
        case QuerySli(total=total, bad=bad, good=good):
            own = _Asked(slo.group_by, asked.values, max(window, slo.sli.window))
            part = own.free(bad or good or "")
            return own.of_group(_shares(part, own.free(total), part_is_good=bad is None))
        case RatioSli(error=error, success=success):
            return asked.of_group({RATIO: f"({error})" if error else f"1 - ({success})"})
        case ThresholdSli(query=query, op=op, bound=bound):
            violated = f"({query}) {VIOLATES[op]} bool {bound!r}"
            return asked.of_group({VALUE: f"({query})", VIOLATED: f"({violated})"})
    return {}


def _shares(part: str, total: str, *, part_is_good: bool) -> dict[str, str]:
    if part_is_good:
        return {RATIO: f"1 - {part} / {total}", GOOD: part, ALL: total}
    return {RATIO: f"{part} / {total}", BAD: part, ALL: total}


class _Asked:
    """Asks for one group of an SLO, over a window in seconds."""

    def __init__(self, group_by: Sequence[str], values: Mapping[str, str], window: int) -> None:
        self.values = values
        self._by = f" by ({label_list(group_by)})" if group_by else ""
        self._window = format_duration(window)

    def rates(self, text: str) -> str:
        """The rate of a counter's events; of several metrics, if its name is a pattern."""
        counters = [any_spelling(self._narrowed(each)) for each in by_metric(parse_selector(text))]
        if len(counters) == 1:
            return self._summed(f"rate({counters[0]}[{self._window}])")
        # Without their names, series of two metrics may be alike.
        rates = ((each.name, f"rate({each}[{self._window}])") for each in counters)
        apart = (f'label_replace({rate}, "{PART_LABEL}", "{name}", "", "")' for name, rate in rates)
        return self._summed(" or ".join(apart))

    def classic(self, of: HistogramSelectors) -> dict[str, str]:
        """A classic histogram's buckets."""
        spellings = bound_spellings(of.bound)
        bucket = of.bucket
        if len(spellings) == 1:
            bucket = bucket.without("le").where(Matcher("le", "=", spellings[0].replace("\\", "")))
        within, total = (
            self._summed(f"rate({self._narrowed(each)}[{self._window}])")
            for each in (bucket, of.count)
        )
        return _shares(within, total, part_is_good=True)

    def native(self, of: HistogramSelectors) -> dict[str, str]:
        """A native histogram."""
        summed = self._summed(f"rate({self._narrowed(of.native)}[{self._window}])")
        share = f"histogram_fraction(-Inf, {of.bound!r}, {summed})"
        total = f"histogram_count({summed})"
        return {RATIO: f"1 - {share}", GOOD: f"{share} * {total}", ALL: total}

    def probes(self, selector: Selector) -> dict[str, str]:
        """A gauge of 1 and 0, each sample of which is an event."""
        samples = f"{self._narrowed(selector)}[{self._window}]"
        good, total = (self._summed(f"{of}_over_time({samples})") for of in ("sum", "count"))
        return _shares(good, total, part_is_good=True)

    def free(self, text: str) -> str:
        """PromQL of the user's own."""
        return f"({text.replace('$window', self._window)})"

    def of_group(self, asked: Mapping[str, str]) -> dict[str, str]:
        """Free expressions for one group: of all that come out, those with its labels."""
        if not self.values:
            return dict(asked)
        one = "vector(1)"
        for name, value in self.values.items():
            # In what takes the place of a match, $ stands for its parts.
            text = json.dumps(value.replace("$", "$$"), ensure_ascii=False)
            one = f'label_replace({one}, {json.dumps(name)}, {text}, "", "")'
        those = f"on ({label_list(self.values)}) {one}"
        return {what: f"{text} and {those}" for what, text in asked.items()}

    def _summed(self, text: str) -> str:
        return f"sum{self._by} ({text})" if self._by else f"sum({text})"

    def _narrowed(self, selector: Selector) -> Selector:
        return selector.where(*(Matcher(name, "=", value) for name, value in self.values.items()))
