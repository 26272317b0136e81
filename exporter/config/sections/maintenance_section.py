"""One entry of `maintenance` in the configuration file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from exporter.config.types.fields import DURATION, Kind, Text, duration, no_doubles, wrong_parent
from exporter.config.types.recurrence import recurring
from exporter.config.types.recurrence_rules import parse_rule
from exporter.config.types.section import Section, given
from exporter.config.types.times import Moment, TimeZone
from exporter.slo.maintenance import MaintenanceWindow, one_off


def _not_empty(names: list[str]) -> list[str]:
    # A list that was emptied must not turn into "all SLOs" unnoticed.
    if not names:
        raise ValueError("must not be empty: leave the key out for all SLOs")
    return names


Length = Annotated[int, BeforeValidator(duration("1s", "400d")), DURATION]
Names = Annotated[list[Text], AfterValidator(_not_empty), AfterValidator(no_doubles)]


class MaintenanceSection(Section):
    """Time whose events count as neither good nor bad, now or in the past.

    It happens once, with exactly one of `end` and `duration`, or recurs by `rrule`, with
    `duration`. It applies to the SLOs that `services` or `slos` name, without either to all SLOs:
    those of all files if it stands in the main file, in one of `slo_files` those of that file.
    """

    reason: Text = Field(description="Why; shown with the window.", examples=["database upgrade"])
    time_zone: TimeZone = Field(
        default="UTC",
        description="IANA time zone of times without offset, and of `rrule`.",
        examples=["Europe/Berlin"],
    )
    start: Moment = Field(
        description=(
            "When it begins, as in RFC 3339; without `Z` or offset in `time_zone`. With `rrule` "
            "the first occurrence."
        ),
        examples=["2026-11-20T22:00:00Z"],
    )
    end: Moment | None = Field(
        default=None,
        description="When it ends, if it happens once.",
        examples=["2026-11-21T02:00:00Z"],
    )
    duration: Length | None = Field(
        default=None,
        description="How long it lasts, each time; in real time, even when clocks change.",
        examples=["2h"],
    )
    rrule: Annotated[str | None, Kind("recurrence rule")] = Field(
        default=None,
        validate_default=True,
        description=(
            "How it recurs (RFC 5545): 03:00 stays 03:00 in summer and in winter. `FREQ` "
            "is `YEARLY` to `HOURLY`; it occurs at most once in 5m, first "
            "at `start`. A time that clocks skip does not occur; one that they show twice "
            "occurs once, the first time. "
            "`UNTIL` needs a time of day."
        ),
        examples=["FREQ=WEEKLY;BYDAY=SU"],
    )
    services: Names | None = Field(
        default=None, description="The services whose SLOs it applies to.", examples=["[auth]"]
    )
    slos: Names | None = Field(
        default=None,
        description="The SLOs that it applies to: `service/name`.",
        examples=["[auth/latency]"],
    )

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: datetime, info: ValidationInfo) -> datetime:
        start = info.data.get("start")
        if start and end <= start:
            raise ValueError(f"must be after start ({start.isoformat()}), not {end.isoformat()}")
        return end

    @field_validator("rrule")
    @classmethod
    def _once_or_again(cls, rule: str | None, info: ValidationInfo) -> str | None:
        ends = [key for key in ("end", "duration") if given(info, key)]
        if rule is None:
            if len(ends) != 1:
                problem = "not both" if ends else "neither is there"
                wrong_parent(f"needs exactly one of end and duration: {problem}")
            return None
        if ends != ["duration"]:
            wrong_parent("needs duration and no end with rrule: every occurrence lasts as long")
        parse_rule(rule)
        if {"start", "duration", "time_zone"} <= info.data.keys():
            start, zone = info.data["start"], info.data["time_zone"]
            _check_offset(start, zone)
            recurring("", rule, start, zone, info.data["duration"])
        return rule

    def window(self) -> MaintenanceWindow:
        """The window."""
        begin = self.start.timestamp()
        if self.rrule is not None and self.duration is not None:
            return recurring(self.reason, self.rrule, self.start, self.time_zone, self.duration)
        end = self.end.timestamp() if self.end else begin + (self.duration or 0)
        return one_off(self.reason, begin, end)

    def reaches(self, service: str, name: str) -> bool:
        """Whether the window is one of this SLO's."""
        if self.services is None and self.slos is None:
            return True
        return service in (self.services or []) or f"{service}/{name}" in (self.slos or [])


def _check_offset(start: datetime, zone: str) -> None:
    local = start.astimezone(ZoneInfo(zone))
    if start.utcoffset() != local.utcoffset():
        raise ValueError(
            f"needs start in the time_zone {zone}: write {local.replace(tzinfo=None).isoformat()} "
            f"if {start.isoformat()} is meant"
        )
