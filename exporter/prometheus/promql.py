"""The PromQL that counts the events of a slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.prometheus.selectors import Selector, label_list
from exporter.slo.durations import format_duration

PART_LABEL = "slo_query_part"
"""Tells the parts of a batch apart in its answer."""


@dataclass(frozen=True, slots=True)
class QueryContext:
    """How a slot is asked for. Durations are in seconds.

    - `slot`: the slot's length; it ends at evaluation time.
    - `interval`: the evaluation interval, the length of the finest slots.
    - `lookback`: how far a counter is looked for; at least two scrape intervals.
    - `closed`: whether this server's ranges include their own start, as Prometheus 2's do.
    - `blind_to_resets`: whether `resets()` is always 0 on this server, as on Thanos.
    """

    group_by: tuple[str, ...]
    slot: int
    interval: int
    lookback: int
    closed: bool = False
    blind_to_resets: bool = False

    @property
    def by(self) -> str:
        """The labels to group by, as PromQL writes them."""
        return label_list(self.group_by)

    def aggregated(self, function: str) -> str:
        """An aggregation by these labels, up to its parenthesis."""
        return f"{function} by ({self.by}) " if self.group_by else function

    def range(self, seconds: int) -> str:
        """The range of what lies within `seconds`, without its very start."""
        return format_duration(seconds - 0.001 if self.closed else seconds)


def events(selector: Selector, context: QueryContext) -> str:
    """Count a counter's events in a slot; one in which the series do not exist has no value."""
    return f"sum by ({context.by}) ({growth(selector, context)})"


def growth(selector: Selector, context: QueryContext) -> str:
    """The events of each series of a counter in a slot.

    A series that was there before and after, and did not reset, has the difference of its
    last values: consecutive slots telescope to the counter's own difference. A range selector
    looks past staleness marks, so a failed scrape loses nothing within the lookback. Every
    other series with samples in the slot (born, reset, gone, or back after a pause) has +Inf:
    only the raw samples tell its events, and `exporter.prometheus.raw` counts them. One that
    has fallen does so whatever `resets()` says of it.
    """
    r, b = format_duration(context.slot), format_duration(context.lookback)
    before = f"last_over_time({selector}[{b}] offset {r})"
    reset = _reset(selector, context)
    return (
        f"(last_over_time({selector}[{b}]) - {before}) >= 0 unless ({reset})"
        f" or clamp_min(last_over_time({selector}[{r}]), Inf)"
    )


def _reset(selector: Selector, context: QueryContext) -> str:
    """The series that were reset in a slot or shortly before.

    Where `resets()` tells nothing, `increase()` still does: it adds what was lost at a reset, and
    extrapolates by the same factor as `delta()`, unless its extrapolation ends at zero. That takes
    a first value below 1.1 times the increase (Prometheus's extrapolatedRate), and a series
    with such a value is taken for one that was reset: few are, and their count stays exact.
    """
    range_ = f"[{format_duration(context.slot + context.lookback)}]"
    if not context.blind_to_resets:
        return f"resets({selector}{range_}) > 0"
    increase = f"increase({selector}{range_})"
    return (
        f"{increase} != delta({selector}{range_})"
        f" or min_over_time({selector}{range_}) < 1.1 * {increase}"
    )


def over_slices(function: str, expression: str, context: QueryContext) -> str:
    """Apply a `_over_time` function to an expression's values at every interval of the slot."""
    step = format_duration(context.interval)
    return f"{function}(({expression})[{context.range(context.slot)}:{step}])"


def batch(expressions: Sequence[str]) -> str:
    """One query that answers several, each series marked with the number of its expression.

    The number stands in `PART_LABEL`.
    """
    return _either(
        [
            f'label_replace({expression}, "{PART_LABEL}", "{number}", "", "")'
            for number, expression in enumerate(expressions)
        ]
    )


def _either(vectors: Sequence[str]) -> str:
    """All of them, in a tree: each `or` looks at every series on its left, so that a chain of
    sixty-four would look at those of the first sixty-three times."""
    if len(vectors) <= 2:
        return " or ".join(vectors)
    half = len(vectors) // 2
    return f"({_either(vectors[:half])}) or ({_either(vectors[half:])})"
