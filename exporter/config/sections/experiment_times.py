"""The file of a chaos experiment: when it may run."""

from __future__ import annotations

import re
from calendar import day_name
from datetime import date, time
from typing import Annotated

from pydantic import Field, PlainValidator

from exporter.config.errors import quoted
from exporter.config.types.fields import Kind
from exporter.config.types.section import Section
from exporter.config.types.times import Day, TimeZone
from exporter.experiment.allowed import ANY_TIME, DAYS, Allowed

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)


def _day(value: object) -> int:
    for number, name in enumerate(DAYS):
        if isinstance(value, str) and value.lower() in (name, day_name[number].lower()):
            return number
    raise ValueError(f"must be one of {', '.join(DAYS)}, not {quoted(str(value))}")


def _hours(value: object) -> tuple[time, time | None]:
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"must be hours such as 09:00-17:00, not {quoted(str(value))}")
    numbers = [None if each is None else int(each) for each in found.groups()]
    start = time(numbers[0] or 0, numbers[1] or 0)
    end = None if numbers[2] is None else time(numbers[2], numbers[3] or 0)
    if end is not None and end <= start:
        raise ValueError(f"must end later on the same day than it begins, not {value}")
    return start, end


class AllowedSection(Section):
    """When the experiment may run: all of it, from the first step to the end of the watch."""

    time_zone: TimeZone = Field(
        default="UTC", description="IANA time zone of the others.", examples=["Europe/Berlin"]
    )
    days: list[Annotated[int, PlainValidator(_day), Kind("weekday")]] = Field(
        default=[], description="Days of the week; all without it.", examples=["[mon, tue, wed]"]
    )
    hours: Annotated[tuple[time, time | None] | None, PlainValidator(_hours), Kind("hours")] = (
        Field(default=None, description="From when to when.", examples=["09:00-16:00"])
    )
    never: list[Day] = Field(
        default=[], description="Days on which it never runs.", examples=["[2026-12-24]"]
    )

    def allowed(self) -> Allowed:
        """The times."""
        start, end = self.hours or (time.min, None)
        days = tuple(sorted(set(self.days))) or ANY_TIME.days
        never: tuple[date, ...] = tuple(self.never)
        return Allowed(self.time_zone, days, start, end, never)
