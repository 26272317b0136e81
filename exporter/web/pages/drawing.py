"""What the charts of one SLO have in common: a range of time, cut into buckets."""

from __future__ import annotations

from exporter.slo.durations import format_duration
from exporter.slo.event_history import EventHistory
from exporter.slo.snapshot import DataState, SloStatus
from exporter.web.pages import charts, formatting
from exporter.web.pages.charts import TimeAxis
from exporter.web.pages.ranges import PERIOD, TimeRange


class Drawing:
    """What the charts of one SLO and one range have in common."""

    def __init__(self, status: SloStatus, history: EventHistory, shown: TimeRange) -> None:
        self.status = status
        self.history = history
        self.shown = shown
        self.allowed = status.slo.objective.error_budget
        # While figures cannot be, that counters are read a scrape apart explains nothing.
        strict = status.state is DataState.INVALID
        grain = charts.grain(shown.length, charts.MOST_BUCKETS)
        self.buckets = history.part(shown.start, shown.end, grain).possible(strict=strict)
        self.axis = TimeAxis(self.buckets)
        self.of = "the period" if shown.name == PERIOD else f"the last {shown.name}"

    @property
    def span(self) -> str:
        """The span of time, and the length of the buckets."""
        lengths = self.buckets.lengths
        inner = lengths[1:-1] or lengths
        shortest, longest = (format_duration(each) for each in (min(inner), max(inner)))
        buckets = f"buckets of {shortest}" + ("" if shortest == longest else f" to {longest}")
        start, end = formatting.minute(self.axis.start), formatting.minute(self.axis.end)
        return f"{start} to {end}, in {buckets}"
