"""The `metrics` section of the configuration file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator, field_validator

from exporter.config.types.fields import Kind, duration, one_of
from exporter.config.types.section import Section
from exporter.exposition.selection import NAMES, OPTIONAL, PERIOD, Selection
from exporter.slo.durations import format_duration


def _window(value: object) -> str:
    if value == PERIOD:
        return PERIOD
    return format_duration(duration("1s", "366d")(value))


Window = Annotated[str, PlainValidator(_window), Kind("duration, or `period`")]
Family = Annotated[str, PlainValidator(one_of(dict.fromkeys(NAMES))), Kind("name of a metric")]
Optional = Annotated[
    str,
    PlainValidator(one_of(dict.fromkeys(sorted(OPTIONAL)))),
    Kind("name of a metric that is left out by default"),
]


class MetricsSection(Section):
    """Which series of SLOs `/metrics` has. By default those that the rules and dashboards use."""

    windows: list[Window] | None = Field(
        default=None,
        description="The windows of `slo_error_ratio` and `slo_burn_rate`; `period` is the SLO's "
        "own period. Without it all of them.",
        examples=["[5m, 1h, 6h, period]"],
    )
    leave_out: list[Family] = Field(
        default=[],
        description="Metrics of SLOs that are not needed. `check` says what of the rules and "
        "dashboards needs them, and so do these commands with `--config.file`.",
        examples=["[slo_error_budget_remaining_events]"],
    )
    also: list[Optional] = Field(
        default=[],
        description="Metrics that neither rules nor dashboards use, left out by default: "
        f"{', '.join(f'`{name}`' for name in sorted(OPTIONAL))}.",
        examples=["[slo_burn_rate_alert_held]"],
    )

    @field_validator("windows")
    @classmethod
    def _some(cls, windows: list[str] | None) -> list[str] | None:
        if windows == []:
            raise ValueError("must name a window; leave it out for all of them")
        return windows

    def selection(self) -> Selection:
        """What the page is made by."""
        left_out = (OPTIONAL - set(self.also)) | set(self.leave_out)
        return Selection(left_out, None if self.windows is None else frozenset(self.windows))
