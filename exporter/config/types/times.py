"""Moments and time zones in the file: from text to what the program works with."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, PlainValidator, ValidationInfo

from exporter.config.errors import quoted
from exporter.config.types.fields import Kind

_MOMENT = re.compile(
    r"(\d{4})-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(Z|z|[+-]\d\d:\d\d)?",
    re.ASCII,
)

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@cache
def _zones() -> frozenset[str]:
    # "localtime" is whatever this machine is set to: it means something else on the next.
    return frozenset(zoneinfo.available_timezones() - {"localtime"})


def _time_zone(name: str) -> str:
    if name in _zones():
        return name
    by_last_part = {zone.rpartition("/")[2].lower(): zone for zone in sorted(_zones())}
    by_lower_case = {zone.lower(): zone for zone in _zones()}
    wanted = name.strip().lower().replace(" ", "_")
    candidates = by_last_part | by_lower_case
    close = get_close_matches(wanted, candidates, n=1, cutoff=0.7)
    if close:
        hint = f"did you mean {candidates[close[0]]}?"
    else:
        hint = "write an IANA name such as Europe/Berlin"
    raise ValueError(f"{quoted(name)} is not a time zone: {hint}")


def moment(text: str, zone: str) -> datetime:
    """Read an RFC 3339 time in whole seconds; without an offset it is wall-clock time in `zone`.

    Returns:
        An aware time: with the offset that was written, or else in the zone.

    Raises:
        ValueError: it is not such a time, or the zone's clocks skip it or show it twice.
    """
    match = _MOMENT.fullmatch(text)
    if not match:
        raise ValueError(
            f"must be a time in whole seconds such as 2026-11-20T22:00:00Z, not {quoted(text)}"
        )
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise ValueError(f"{quoted(text)} is not a time: {error}") from error
    if not 1970 <= at.year < 2200:
        raise ValueError(f"must lie between the years 1970 and 2199, not {text}")
    if at.tzinfo is not None:
        return at
    early, late = (at.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        return early
    if datetime.fromtimestamp(early.timestamp(), ZoneInfo(zone)).replace(tzinfo=None) != at:
        raise ValueError(f"does not exist in {zone}: its clocks are put forward over {text}")
    raise ValueError(
        f"happens twice in {zone}: write {early.isoformat()} or {late.isoformat()}, not {text}"
    )


def _moment(value: object, info: ValidationInfo) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a time such as 2026-11-20T22:00:00Z")
    # A wrong zone is reported as such; UTC has every time once.
    return moment(value, info.data.get("time_zone", "UTC"))


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        given = f", not {quoted(value)}" if isinstance(value, str) else ""
        raise ValueError(f"must be a day such as 2026-11-20{given}")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"{quoted(value)} is not a day: {error}") from error


def utc_text(seconds: float) -> str:
    """Write Unix seconds as users write moments: 2026-11-20T22:00:00Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


TimeZone = Annotated[str, AfterValidator(_time_zone), Kind("time zone")]
Moment = Annotated[datetime, PlainValidator(_moment), Kind("time")]
Day = Annotated[date, PlainValidator(_day), Kind("day")]
