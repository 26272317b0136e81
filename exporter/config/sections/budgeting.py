"""How an SLO's budget is counted: over which period, in what, and when alerts may fire."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, field_validator

from exporter.config.types.fields import (
    DURATION,
    Kind,
    SomePercent,
    duration,
    one_of,
    surroundings,
)
from exporter.config.types.section import Section
from exporter.config.types.times import TimeZone
from exporter.ledger.levels import fitting_intervals, middle_slot
from exporter.slo.durations import format_duration
from exporter.slo.model import Timeslices
from exporter.slo.period import UNITS, CalendarPeriod
from exporter.slo.windows import WINDOWS

_METHODS = {
    "occurrences": "occurrences",
    "timeslices": "timeslices",
    "ratio_timeslices": "ratio_timeslices",
    "Occurrences": "occurrences",
    "Timeslices": "timeslices",
    "RatioTimeslices": "ratio_timeslices",
}
"""The methods as written here, and as OpenSLO writes them."""


class CalendarSection(Section):
    """A calendar period instead of a duration; the budget is full again when it begins.

    A week begins on Monday.
    """

    calendar: Annotated[
        str, PlainValidator(one_of(dict.fromkeys(UNITS))), Kind("unit of the calendar")
    ] = Field(description="`week`, `month`, `quarter` or `year`.", examples=["month"])
    time_zone: TimeZone = Field(
        default="UTC",
        validate_default=True,
        description="IANA time zone in whose midnight the period begins.",
        examples=["Europe/Berlin"],
    )

    @field_validator("time_zone")
    @classmethod
    def _begins_between_slots(cls, zone: str, info: ValidationInfo) -> str:
        interval = surroundings(info).interval
        boundary = CalendarPeriod("day", zone).boundary
        if interval and boundary % interval:
            raise ValueError(
                f"needs an evaluation.interval that divides {format_duration(boundary)}, since "
                f"midnight in {zone} is at multiples of that: "
                f"{format_duration(interval)} does not"
            )
        if interval and boundary % (middle := middle_slot(interval)):
            fitting = map(format_duration, fitting_intervals(interval, boundary, WINDOWS[0]))
            raise ValueError(
                f"needs another evaluation.interval: midnight in {zone} is at multiples of "
                f"{format_duration(boundary)}, which the ledger's slots of "
                f"{format_duration(middle)} do not divide, as they are with an interval of "
                f"{format_duration(interval)}; {' or '.join(fitting)} would do"
            )
        return zone

    def period(self) -> CalendarPeriod:
        """What the SLO is given."""
        return CalendarPeriod(self.calendar, self.time_zone)


def _period(value: object, info: ValidationInfo) -> object:
    if isinstance(value, dict):
        return CalendarSection.model_validate(value, context=info.context)
    if not isinstance(value, int | str):
        raise ValueError("must be a duration such as 30d, or {calendar: month}")
    if value in UNITS:
        raise ValueError(f"must be a duration such as 30d, or {{calendar: {value}}}")
    return _rolling(value, info)


def _rolling(value: object, info: ValidationInfo) -> object:
    return _fits_interval(duration("1h", "400d")(value), info)


def _fits_interval(period: object, info: ValidationInfo) -> object:
    interval = surroundings(info).interval
    if interval and isinstance(period, int) and period % interval:
        raise ValueError(
            f"must be a multiple of evaluation.interval ({format_duration(interval)}), "
            f"not {format_duration(period)}"
        )
    return period


Period = Annotated[
    int | CalendarSection, PlainValidator(_period), DURATION, Kind("duration or section")
]


RollingPeriod = Annotated[int, PlainValidator(_rolling), DURATION]


class BudgetingSection(Section):
    """How the error budget is counted, after OpenSLO.

    `occurrences` counts events. `timeslices` counts slices of time, each good or bad as a
    whole. `ratio_timeslices` counts each slice by its ratio of good events, whatever its
    traffic. OpenSLO's own spellings (`Occurrences`, ...) are understood.
    """

    method: Annotated[str, PlainValidator(one_of(_METHODS)), Kind("method")] = Field(
        default="occurrences",
        description="`occurrences`, `timeslices` or `ratio_timeslices`.",
        examples=["timeslices"],
    )
    slice: Annotated[int, BeforeValidator(duration("1s", "1h")), DURATION] | None = Field(
        default=None,
        validate_default=True,
        description=(
            "Length of a slice; required with both methods that have slices. A multiple of "
            "`evaluation.interval` that divides the ledger's middle slots (5m for the usual "
            "intervals), so that slices stay whole as they age."
        ),
        examples=["1m"],
    )
    target: SomePercent | None = Field(
        default=None,
        validate_default=True,
        description=(
            "The share of a slice's events that must be good for it to be good, in percent, up "
            "to 100; required with `timeslices`, and only with it."
        ),
        examples=["95"],
    )

    @field_validator("slice")
    @classmethod
    def _fits_slots(cls, length: int | None, info: ValidationInfo) -> int | None:
        _goes_with(length, info, {"timeslices", "ratio_timeslices"})
        if length:
            _divides_middle_slots(length, surroundings(info).interval)
        return length

    @field_validator("target")
    @classmethod
    def _of_timeslices(cls, target: object, info: ValidationInfo) -> object:
        _goes_with(target, info, {"timeslices"})
        return target

    def timeslices(self) -> Timeslices | None:
        """What the SLO is given."""
        if self.slice is None:
            return None
        target = None if self.target is None else float(self.target / 100)
        return Timeslices(self.slice, target)


def _divides_middle_slots(length: int, interval: int | None) -> None:
    if not interval:
        return
    middle = middle_slot(interval)
    # Nor longer than the shortest window, which tells whether there are data at all.
    longest = min(middle, WINDOWS[0])
    fitting = [part for part in range(interval, longest + 1, interval) if not middle % part]
    if length not in fitting:
        raise ValueError(
            f"must be one of {', '.join(map(format_duration, fitting))} with an "
            f"evaluation.interval of {format_duration(interval)}, not {format_duration(length)}"
        )


def _goes_with(value: object, info: ValidationInfo, methods: set[str]) -> None:
    method = info.data.get("method")
    if value is None and method in methods:
        raise ValueError(f"is required with the method {method}")
    if value is not None and method and method not in methods:
        raise ValueError(
            f"must not be given with the method {method}: "
            f"it belongs to {' and '.join(sorted(methods))}"
        )
