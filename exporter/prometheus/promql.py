"""The PromQL that counts events: which selectors an SLI stands for, and the query text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.prometheus.selectors import Matcher, Selector, parse_selector
from exporter.slo.durations import format_duration
from exporter.slo.model import EventsSli, Sli

PART_LABEL = "slo_query_part"
"""Tells the parts of a batch apart in its answer."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What an SLI counts: all events, and the part of them that is bad (or good)."""

    total: Selector
    part: Selector
    part_is_good: bool


def counters(sli: Sli) -> Counters:
    """The counters behind an SLI.

    Raises:
        ValueError: a selector is not one; configuration files are checked for that before.
    """
    if isinstance(sli, EventsSli):
        part = sli.good if sli.bad is None else sli.bad
        if part is None:
            raise ValueError("an events SLI needs bad or good events beside the total")
        return Counters(parse_selector(sli.total), parse_selector(part), sli.bad is None)
    histogram = parse_selector(sli.histogram)
    bound = Matcher("le", "=~", "|".join(bound_spellings(sli.threshold)))
    return Counters(
        total=histogram.renamed(f"{histogram.name}_count"),
        part=histogram.renamed(f"{histogram.name}_bucket").where(bound),
        part_is_good=True,
    )


def bound_spellings(bound: float) -> list[str]:
    """How a bucket bound may be written in `le`, as regular expressions.

    Prometheus 2 stores what the service wrote (`1` or `1.0`), Prometheus 3 always `1.0`, and
    Go writes large and small numbers with an exponent of two digits (`1e+06`).
    """
    spellings = {repr(bound), f"{bound:g}", f"{bound:.17g}"}
    if bound == math.floor(bound) and abs(bound) < 1e15:
        spellings |= {str(int(bound)), f"{int(bound)}.0"}
    spellings = {text for text in spellings if float(text) == bound}
    return sorted(text.replace(".", r"\.").replace("+", r"\+") for text in spellings)


def events(selector: Selector, group_by: Sequence[str], slot: int, lookback: int) -> str:
    """Count a counter's events in the slot of `slot` seconds that ends at evaluation time.

    A series that was there before and after, and did not reset, adds the difference of its
    last values: consecutive slots telescope to the counter's own difference. A range selector
    looks past staleness marks, so a failed scrape loses nothing within `lookback` seconds (at
    least two scrape intervals). Every other series with samples in the slot (born, reset, gone,
    or back after a pause) turns the sum into +Inf: only the raw samples tell its events, and
    `exporter.prometheus.raw` reads them. A slot in which the series do not exist has no value.
    """
    r, b = format_duration(slot), format_duration(lookback)
    before = f"last_over_time({selector}[{b}] offset {r})"
    reset = f"resets({selector}[{format_duration(slot + lookback)}]) > 0"
    return (
        f"sum by ({', '.join(group_by)}) ("
        f"(last_over_time({selector}[{b}]) - {before}) unless ({reset})"
        f" or clamp_min(last_over_time({selector}[{r}]), Inf))"
    )


def batch(expressions: Sequence[str]) -> str:
    """One query that answers several, each series marked with the number of its expression.

    The number stands in `PART_LABEL`.
    """
    return " or ".join(
        f'label_replace({expression}, "{PART_LABEL}", "{number}", "", "")'
        for number, expression in enumerate(expressions)
    )
