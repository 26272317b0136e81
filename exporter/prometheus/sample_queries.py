"""What is asked about samples themselves; counting events is `exporter.prometheus.promql`'s."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.prometheus.promql import QueryContext
from exporter.prometheus.questions import Form
from exporter.prometheus.selectors import Selector


def widest(selectors: Iterable[Selector]) -> tuple[Selector, ...]:
    """The selectors without those whose series another one selects as well."""
    found: list[Selector] = []
    for selector in selectors:
        if not any(_contains(other, selector) for other in found):
            found = [other for other in found if not _contains(selector, other)] + [selector]
    return tuple(found)


def _contains(wide: Selector, narrow: Selector) -> bool:
    return wide.name == narrow.name and all(each in narrow.matchers for each in wide.matchers)


def checksum(selector: Selector, context: QueryContext) -> str:
    """A number that changes with the samples that a counter has in a slot.

    It is the sum of their values, and one for every series that has any: a sample that comes, goes
    or is replaced changes it. Whole numbers below 2^53 add up exactly, in whichever order.
    """
    range_ = context.range(context.slot)
    return f"{context.aggregated('sum')}(sum_over_time({selector}[{range_}]) + 1)"


def native_checksum(selector: Selector, context: QueryContext) -> str:
    """The same of a native histogram: its samples have no value to add up, and are only counted."""
    range_ = context.range(context.slot)
    return f"{context.aggregated('sum')}(count_over_time({selector}[{range_}]))"


@dataclass(frozen=True, slots=True)
class SummedUp:
    """The sum of what `form` tells of each slot of `interval` seconds within a longer one.

    Every sample is read once, as by asking about the slots one by one.
    """

    form: Form
    interval: int

    def __call__(self, selector: Selector, context: QueryContext) -> str:
        """The question about a selector's samples in the slot of the context."""
        of_each = self.form(selector, replace(context, slot=self.interval, interval=self.interval))
        return f"sum_over_time(({of_each})[{context.range(context.slot)}:{self.interval}s])"


def presence(selector: Selector, context: QueryContext) -> str:
    """How many series there are at a moment: one sample of each is touched, or none."""
    return f"{context.aggregated('count')}({selector})"


def newest_sample(selector: Selector, context: QueryContext) -> str:
    """When the newest sample was taken of that series whose newest is the oldest, Unix seconds.

    Series that have ended are not among them: their staleness marks say so.
    """
    return f"{context.aggregated('min')}(timestamp({selector}))"


def newest_sample_long_ago(selector: Selector, context: QueryContext) -> str:
    """When the newest sample of all was taken within the last 20 minutes, Unix seconds."""
    return f"{context.aggregated('max')}(max_over_time(timestamp({selector})[20m:30s]))"


def scrape_interval(selector: Selector, context: QueryContext) -> str:
    """The longest scrape interval of the series that are there, in seconds.

    It is an hour over the samples in it: in the better one of the last two hours, so that a pause
    does not count, and of series that were there in the one before. Series that are scraped so
    rarely that no instant shows them are found further back.
    """
    hour, longest = context.range(3600), context.aggregated("max")
    newest = f"count_over_time({selector}[{hour}])"
    before = f"count_over_time({selector}[{hour}] offset 1h)"
    samples = f"({newest} > {before} or {before})"
    return (
        f"({longest}(3600 / ({samples} and {selector}))"
        f" or {longest}(3600 / ({samples} and last_over_time({selector}[30m]))))"
    )


def newest_scrape_interval(selector: Selector, context: QueryContext) -> str:
    """The scrape interval (seconds) of the series that was scraped most often of late.

    Of the last ten minutes or of two, since it may have changed within the ten.
    """
    long, short = context.range(600), context.range(120)
    shortest = context.aggregated("min")
    return (
        f"{shortest}(600 / count_over_time({selector}[{long}])"
        f" < 120 / count_over_time({selector}[{short}])"
        f" or 120 / count_over_time({selector}[{short}]))"
    )
