"""The time ranges of an SLO's charts: what a URL asks for, and what is shown if it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from exporter.reports.subjects import page_path
from exporter.slo.burning import worst_alert
from exporter.slo.durations import format_duration
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR

PARAMETER = "range"

PERIOD = "period"
LENGTHS = {"1h": HOUR, "6h": 6 * HOUR, "1d": DAY, "7d": 7 * DAY}
"""The ranges besides the period, shortest first, in seconds."""

NAMES = (*LENGTHS, PERIOD)

SHORTEST_BY_ITSELF = 6 * HOUR
"""While something fires, the charts show at least this much, in seconds."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A span (start, end] that charts show, Unix seconds, and what it is called."""

    name: str
    start: float
    end: float

    @property
    def length(self) -> int:
        """In seconds."""
        return round(self.end - self.start)


@dataclass(frozen=True, slots=True)
class RangeLink:
    """A range that can be chosen; `current` is the one that is shown."""

    name: str
    url: str
    current: bool


def chosen_range(status: SloStatus, name: str | None) -> TimeRange:
    """The range of a name, one of `NAMES`; without a name the one that tells most now."""
    name = name or _by_itself(status)
    end = status.period.start + status.period.elapsed
    start = status.period.start if name == PERIOD else end - LENGTHS[name]
    return TimeRange(name, float(start), float(end))


def _by_itself(status: SloStatus) -> str:
    """The shortest range that shows how what fires began; the period while nothing does."""
    alert = worst_alert(status)
    if alert is not None:
        least = max(alert.condition.long + 1, SHORTEST_BY_ITSELF)
        return next((name for name, length in LENGTHS.items() if length >= least), PERIOD)
    if status.incidents and status.incidents[-1].open:
        return format_duration(SHORTEST_BY_ITSELF)
    return PERIOD


def range_links(status: SloStatus, shown: TimeRange) -> list[RangeLink]:
    """All ranges, each with the page that shows it."""
    return [RangeLink(name, range_url(status, name), name == shown.name) for name in NAMES]


def range_url(status: SloStatus, name: str) -> str:
    """The page of an SLO with a range of time, at its charts."""
    path = page_path(status).partition("?")[0]
    return f"{path}?{urlencode([*status.groups.items(), (PARAMETER, name)])}#charts"


def without_range(query: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, str]], str | None]:
    """The pairs of a URL's query without the range, and the range; None if there is none."""
    return without(query, PARAMETER)


def without(
    query: Sequence[tuple[str, str]], parameter: str
) -> tuple[list[tuple[str, str]], str | None]:
    """The pairs of a URL's query without a parameter, and its value; None if there is none.

    It is the last of its name: an SLO may be grouped by a label that is called so as well.
    """
    found = [place for place, (name, _) in enumerate(query) if name == parameter]
    if not found:
        return list(query), None
    return [*query[: found[-1]], *query[found[-1] + 1 :]], query[found[-1]][1]
