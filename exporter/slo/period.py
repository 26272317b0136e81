"""Periods: what span of time an objective holds for, rolling or by the calendar."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from exporter.slo.durations import format_duration
from exporter.slo.types import DAY, HOUR

UNITS = ("week", "month", "quarter", "year")
"""The calendar's periods; a week begins on Monday (ISO 8601)."""

_LONGEST = {"week": 7, "month": 31, "quarter": 92, "year": 366}
_SHORTEST = {"week": 7, "month": 28, "quarter": 90, "year": 365}


@cache
def _zone(name: str) -> ZoneInfo:
    """A time zone, which is read once: without file descriptors left it could not be."""
    return ZoneInfo(name)


_zone("UTC")


@cache
def _midnights(zone: str) -> int:
    """What midnight in a time zone is always a multiple of, since 2000, in seconds."""
    step = HOUR
    for year in range(2000, 2041):
        for month in range(1, 13):
            step = math.gcd(step, int(datetime(year, month, 1, tzinfo=_zone(zone)).timestamp()))
    return step


@dataclass(frozen=True, slots=True)
class PeriodBounds:
    """One period as it stands at a moment: (start, end], Unix seconds.

    A rolling one ends now. A calendar one ends when its unit does; `elapsed` is what of it
    lies behind.
    """

    start: int
    end: int
    elapsed: int

    @property
    def length(self) -> int:
        """The whole period in seconds, which thresholds scale with."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class RollingPeriod:
    """The last so many seconds."""

    seconds: int

    @property
    def label(self) -> str:
        """How the period is called in metrics: `30d`."""
        return format_duration(self.seconds)

    @property
    def longest(self) -> int:
        """How far back slots are needed, in seconds."""
        return self.seconds

    @property
    def shortest(self) -> int:
        """How long the period is at least, in seconds."""
        return self.seconds

    def span(self, at: int) -> PeriodBounds:
        """The period at a slot boundary."""
        return PeriodBounds(at - self.seconds, at, self.seconds)


@dataclass(frozen=True, slots=True)
class CalendarPeriod:
    """The week, month, quarter or year of the calendar, in an IANA time zone."""

    unit: str
    zone: str = "UTC"

    @property
    def label(self) -> str:
        """How the period is called in metrics: `month`."""
        return self.unit

    @property
    def longest(self) -> int:
        """How far back slots are needed, in seconds; clocks shift by two hours at the most."""
        return _LONGEST[self.unit] * DAY + 2 * HOUR

    @property
    def shortest(self) -> int:
        """How long the period is at least, in seconds, but for the hour that clocks shift by."""
        return _SHORTEST[self.unit] * DAY

    @property
    def boundary(self) -> int:
        """What every start of the period is a multiple of, in seconds since the epoch."""
        return _midnights(self.zone)

    def span(self, at: int) -> PeriodBounds:
        """The period that the slot which ends at `at` lies in.

        The slot that ends as a month begins still belongs to the month before.
        """
        zone = _zone(self.zone)
        day = datetime.fromtimestamp(at - 1, UTC).astimezone(zone).date()
        first = self._first(day)
        after = self._first(first + timedelta(days=_LONGEST[self.unit] + 3))
        start, end = (
            int(datetime(each.year, each.month, each.day, tzinfo=zone).timestamp())
            for each in (first, after)
        )
        return PeriodBounds(start, end, at - start)

    def _first(self, day: date) -> date:
        if self.unit == "week":
            return day - timedelta(days=day.weekday())
        if self.unit == "year":
            return day.replace(month=1, day=1)
        if self.unit == "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        return day.replace(day=1)


Period = RollingPeriod | CalendarPeriod


def spans(period: Period, ends: Iterable[int]) -> list[PeriodBounds]:
    """The period at each of some boundaries (Unix seconds), ascending."""
    found: list[PeriodBounds] = []
    for end in map(int, ends):
        # The calendar is slow to ask: what lies in the same unit as the one before is known.
        last = found[-1] if found and isinstance(period, CalendarPeriod) else None
        if last is not None and last.start < end <= last.end:
            found.append(PeriodBounds(last.start, last.end, end - last.start))
        else:
            found.append(period.span(end))
    return found
