"""The text of a recurrence rule (RFC 5545, section 3.3.10): checked, and taken apart.

dateutil expands rules, but accepts many mistakes, and never ends with some of them.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

from exporter.config.errors import quoted

FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY")
"""Windows that recur within the hour are given by BYMINUTE."""

MAX_OCCURRENCES = 100_000
"""A rule that ends is expanded to its end at once: this many take under a second."""

_LEAP_YEAR = 2000

_DAY = re.compile(r"([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,6}", re.ASCII)

_LISTS = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYSETPOS": (1, 366),
}
_FROM_THE_END = {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}
_SINGLE = {"INTERVAL": (1, 1000), "COUNT": (1, MAX_OCCURRENCES)}
_KNOWN = ("FREQ", "UNTIL", *_SINGLE, *_LISTS, "BYDAY", "WKST")

_NOT_WITH = {
    "BYWEEKNO": {"MONTHLY", "WEEKLY", "DAILY", "HOURLY"},
    "BYYEARDAY": {"MONTHLY", "WEEKLY", "DAILY", "HOURLY"},
    "BYMONTHDAY": {"WEEKLY"},
    "BYSETPOS": {"DAILY", "HOURLY"},
}
"""As the RFC has it, and stricter: dateutil looks for a short step that never occurs for long."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its `pattern` without an end, and the end, of which at most one part is set.

    `until` is aware if it was written in UTC, otherwise wall-clock time.
    """

    pattern: str
    count: int | None
    until: datetime | None


def parse_rule(text: str) -> Rule:
    """Take a rule apart.

    Raises:
        ValueError: it is not a rule; the message says what would be.
    """
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        key, equals, value = part.partition("=")
        if not equals or not value:
            raise ValueError(
                f"must be made of parts such as FREQ=WEEKLY;BYDAY=SU, not {quoted(part)}"
            )
        if key not in _KNOWN:
            close = get_close_matches(key, _KNOWN, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(_KNOWN)}"
            raise ValueError(f"has the unknown part {quoted(key)}: {hint}")
        if key in parts:
            raise ValueError(f"has {key} twice")
        parts[key] = value
    _check(parts)
    until = parts.pop("UNTIL", None)
    count = parts.pop("COUNT", None)
    return Rule(
        pattern=";".join(f"{key}={value}" for key, value in parts.items()),
        count=int(count) if count else None,
        until=_until(until) if until else None,
    )


def _check(parts: dict[str, str]) -> None:
    frequency = parts.get("FREQ")
    if frequency not in FREQUENCIES:
        given = f"not {quoted(frequency)}" if frequency else "as in FREQ=WEEKLY;BYDAY=SU"
        raise ValueError(f"must have a FREQ among {', '.join(FREQUENCIES)}, {given}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("must not have both COUNT and UNTIL: remove one of the two")
    for key, value in parts.items():
        if frequency in _NOT_WITH.get(key, ()):
            raise ValueError(f"must not have {key} with FREQ={frequency}")
        if key in _SINGLE:
            _check_number(key, value, *_SINGLE[key], signed=False)
        elif key in _LISTS:
            for number in value.split(","):
                _check_number(key, number, *_LISTS[key], signed=key in _FROM_THE_END)
        elif key in {"BYDAY", "WKST"}:
            for day in value.split(",") if key == "BYDAY" else [value]:
                _check_day(key, day, frequency)
    _check_days_of_months(parts)


def _check_days_of_months(parts: dict[str, str]) -> None:
    months = [int(month) for month in parts.get("BYMONTH", "1").split(",")]
    days = [abs(int(day)) for day in parts.get("BYMONTHDAY", "1").split(",")]
    if min(days) > max(monthrange(_LEAP_YEAR, month)[1] for month in months):
        raise ValueError("never occurs: no month of BYMONTH has a day of BYMONTHDAY")


def _check_number(key: str, text: str, low: int, high: int, *, signed: bool) -> None:
    number = int(text) if _NUMBER.fullmatch(text) else None
    if number is None or not low <= (abs(number) if signed else number) <= high:
        negative = f" or -{high} to -{low}" if signed else ""
        raise ValueError(f"must have {key} from {low} to {high}{negative}, not {quoted(text)}")


def _check_day(key: str, text: str, frequency: str) -> None:
    match = _DAY.fullmatch(text)
    if not match:
        raise ValueError(f"must have {key} among MO, TU, WE, TH, FR, SA, SU, not {quoted(text)}")
    if match[1] and (key == "WKST" or frequency not in {"MONTHLY", "YEARLY"}):
        raise ValueError(
            f"must have {key} without a number, not {text}: "
            "only BYDAY with FREQ=MONTHLY or YEARLY counts days"
        )


def _until(text: str) -> datetime:
    form = "%Y%m%dT%H%M%S"
    try:
        until = datetime.strptime(text.removesuffix("Z"), form)
    except ValueError:
        # A date alone would end at its midnight, and leave the last day out.
        raise ValueError(
            f"must have UNTIL with date and time, as in UNTIL=20261231T235959Z, not {quoted(text)}"
        ) from None
    return until.replace(tzinfo=UTC) if text.endswith("Z") else until
