"""The span of time that a report is of: a month, a quarter, the last days, or an SLO's period."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from exporter.errors import RequestError
from exporter.slo.durations import format_duration, parse_duration
from exporter.slo.figures import minute
from exporter.slo.period import CalendarPeriod, Period
from exporter.slo.types import DAY, HOUR

CURRENT = "current"

WEEK = 7 * DAY
LONGEST = 400 * DAY

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-?[Qq]([1-4])", re.ASCII)


class ReportError(RequestError):
    """There is nothing to report: no such SLO or incident, or nothing is known of the time."""


class SpanError(RequestError):
    """A span of time or a time zone is not written as it should be."""


@dataclass(frozen=True, slots=True)
class Span:
    """(start, end], Unix seconds, and what it is called: `October 2026`, `the last 30d`.

    `unit` is `month`, `quarter` or, if it is none of the calendar's, empty.
    """

    name: str
    start: int
    end: int
    unit: str = ""


def time_zone(name: str) -> tzinfo:
    """An IANA time zone.

    Raises:
        SpanError: there is none of this name.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SpanError(
            f"{name!r} is not a time zone: write one as in Europe/Berlin, or UTC"
        ) from error


def zone_of(period: Period) -> str:
    """The time zone of a period, UTC where it has none."""
    return period.zone if isinstance(period, CalendarPeriod) else "UTC"


def month(text: str, zone: tzinfo, at: int) -> Span:
    """A month, `2026-10`, or the current one.

    Raises:
        SpanError: it is not a month.
        ReportError: it is in the future as of `at` (Unix seconds).
    """
    if text == CURRENT:
        today = _day(at, zone)
        return _month(today.year, today.month, zone)
    found = _MONTH.fullmatch(text)
    if not found:
        raise SpanError(f"{text!r} is not a month: write one as in 2026-10")
    return _past(_month(int(found[1]), int(found[2]), zone), text, zone, at)


def quarter(text: str, zone: tzinfo, at: int) -> Span:
    """A quarter, `2026-Q4`, or the current one.

    Raises:
        SpanError: it is not a quarter.
        ReportError: it is in the future as of `at` (Unix seconds).
    """
    if text == CURRENT:
        today = _day(at, zone)
        return _quarter(today.year, (today.month + 2) // 3, zone)
    found = _QUARTER.fullmatch(text)
    if not found:
        raise SpanError(f"{text!r} is not a quarter: write one as in 2026-Q4")
    return _past(_quarter(int(found[1]), int(found[2]), zone), text, zone, at)


def last(text: str, at: int) -> Span:
    """The time up to `at`: `30d`.

    Raises:
        SpanError: it is no duration, or not from an hour to 400 days.
    """
    try:
        length = int(parse_duration(text))
    except ValueError as error:
        raise SpanError(str(error)) from error
    if not HOUR <= length <= LONGEST:
        raise SpanError(f"{text} must be from 1h to {format_duration(LONGEST)}")
    return Span(f"the last {format_duration(length)}", at - length, at)


def of_period(period: Period, at: int) -> Span:
    """The period of an SLO as it stands at `at`."""
    bounds = period.span(at)
    if not isinstance(period, CalendarPeriod):
        return Span(f"the last {period.label}", bounds.start, bounds.end)
    zone = time_zone(period.zone)
    if period.unit in ("month", "quarter"):
        make = month if period.unit == "month" else quarter
        return make(CURRENT, zone, at)
    first = _day(bounds.start + 1, zone)
    name = str(first.year) if period.unit == "year" else f"the week from {first}"
    return Span(name, bounds.start, bounds.end)


def before(span: Span, zone: tzinfo, count: int) -> list[Span]:
    """The months before a span, the newest first; before a quarter, quarters."""
    day = _day(span.start + 1, zone) if span.unit else _day(span.end, zone)
    found = []
    for _ in range(count):
        if span.unit == "quarter":
            day = day.replace(month=day.month - (day.month - 1) % 3, day=1) - timedelta(days=1)
            found.append(_quarter(day.year, (day.month + 2) // 3, zone))
        else:
            day = day.replace(day=1) - timedelta(days=1)
            found.append(_month(day.year, day.month, zone))
    return found


def weeks(span: Span, zone: tzinfo) -> list[Span]:
    """A span in parts of seven days of the zone's, from its start on; the last may be shorter."""
    parts: list[Span] = []
    start = span.start
    local = datetime.fromtimestamp(start, zone).replace(tzinfo=None)
    while start < span.end:
        local += timedelta(days=7)
        end = min(span.end, int(local.replace(tzinfo=zone).timestamp()))
        parts.append(Span(f"Week {len(parts) + 1}", start, end))
        start = end
    return parts


def _past(span: Span, text: str, zone: tzinfo, at: int) -> Span:
    if span.start >= at:
        raise ReportError(f"{text} is in the future: figures reach up to {minute(at, zone)}")
    return span


def _day(at: int, zone: tzinfo) -> date:
    # The slot that ends as a day begins is of the day before.
    return datetime.fromtimestamp(at - 1, zone).date()


def _month(year: int, number: int, zone: tzinfo) -> Span:
    first = date(year, number, 1)
    after = date(year + number // 12, number % 12 + 1, 1)
    return Span(f"{first:%B} {year}", _begin(first, zone), _begin(after, zone), "month")


def _quarter(year: int, number: int, zone: tzinfo) -> Span:
    first = date(year, 3 * number - 2, 1)
    after = date(year + number // 4, 3 * (number % 4) + 1, 1)
    return Span(f"Q{number} {year}", _begin(first, zone), _begin(after, zone), "quarter")


def _begin(day: date, zone: tzinfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
