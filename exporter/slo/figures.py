"""Figures and times as people write them: never `1e+03`. Times are UTC, unless a zone is given."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from exporter.slo.durations import DAY, HOUR, MINUTE, format_duration

DIGITS = 3
"""Significant digits of a figure; whole numbers keep all that they have."""


def number(value: float) -> str:
    """A number with three significant digits: `0.0123`, `4.7`, `58,900`; whole from 100 on."""
    if value == 0:
        return "0"
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    text = f"{Decimal(f'{value:.{DIGITS}g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def written(value: float) -> str:
    """A number that people have chosen, such as a threshold, as they wrote it: `99.99`, `1,000`."""
    return f"{Decimal(f'{value:.12g}'):,f}"


def percent(ratio: float) -> str:
    """A ratio as a percentage: `4.7%`, `-58,900%`."""
    return f"{number(ratio * 100)}%"


def left(ratio: float) -> str:
    """A part of the budget as a percentage; all of it only if nothing is gone: `99.9%`.

    A budget that is not quite spent is no less than 0.1%.
    """
    if 0 < ratio < 0.001:
        return "less than 0.1%"
    if 0.9995 < ratio < 1:
        return "99.9%"
    return percent(round(ratio, 3) if abs(ratio) < 1 else ratio)


def rate(burn_rate: float) -> str:
    """A burn rate: `14.4x`, `1,000x`; `0` if nothing burns, `<0.01x` if next to nothing does."""
    if 0 < burn_rate < 0.01:
        return "<0.01x"
    return f"{number(burn_rate)}x" if burn_rate else "0"


def words(name: str) -> str:
    """A name that is a label's value, as people read it: `slow_down` is slow down."""
    return name.replace("_", " ")


def minute(at: float, zone: tzinfo = UTC) -> str:
    """A moment (Unix seconds), to the minute: `2023-11-14 22:15 UTC`."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M %Z")


def second(at: float, zone: tzinfo = UTC) -> str:
    """A moment (Unix seconds), to the second: `2023-11-14 22:15:00 UTC`."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def since(at: float, now: float) -> str:
    """A moment of the past in short, the day only if it is not today's: `22:15 UTC`."""
    moment, today = (datetime.fromtimestamp(each, UTC) for each in (at, now))
    if moment.date() == today.date():
        return moment.strftime("%H:%M UTC")
    return minute(at)


def lasting(seconds: float) -> str:
    """A length of time in its largest units: `20d`, `5h`, `10m`; `1m` at the least."""
    unit = MINUTE if seconds < HOUR else HOUR if seconds < 2 * DAY else DAY
    return format_duration(max(unit, round(seconds / unit) * unit))


def pace(share_per_second: float) -> str:
    """How fast a budget goes, in a time that people can picture: `2% goes every minute`."""
    for seconds, name in (
        (MINUTE, "minute"),
        (10 * MINUTE, "10 minutes"),
        (HOUR, "hour"),
        (DAY, "day"),
    ):
        share = share_per_second * seconds
        if share >= 0.01 or seconds == DAY:
            return f"{percent(share)} goes every {name}"
    raise AssertionError("a day is the longest")
