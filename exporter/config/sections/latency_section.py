"""A latency, or another size, by a histogram: `sli.latency`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainValidator, ValidationInfo, field_validator

from exporter.config.types.fields import Histogram, Kind, duration, one_of
from exporter.config.types.section import Section
from exporter.slo.durations import parse_duration
from exporter.slo.model import NO_UNIT, TIME_UNITS, LatencySli

LATENCY_UNITS: dict[str, str | None] = dict.fromkeys((*TIME_UNITS, NO_UNIT))
UNITS_OF_NAMES = {
    **dict.fromkeys(("_milliseconds", "_millis", "_ms"), "ms"),
    **dict.fromkeys(("_microseconds", "_micros", "_us"), "us"),
    "_bytes": NO_UNIT,
}
"""What the end of a metric's name tells of its unit."""


def _threshold(value: object) -> Decimal | str:
    """A number in the histogram's unit, or a duration."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?([eE][+-]?\d+)?", value, re.ASCII):
        number = Decimal(value)
        if not 0 < number < Decimal("1e300"):
            raise ValueError(f"must be above 0, not {value}")
        return number
    duration("1ms", "30d", whole=False)(value)
    return str(value)


class LatencySection(Section):
    """Requests slower than a threshold are bad events; counted by a histogram.

    Bucket bounds are in seconds, unless `unit` or the metric's name (`..._milliseconds`,
    `..._microseconds`, `..._bytes`) says otherwise.
    """

    histogram: Histogram = Field(
        description=(
            "Vector selector with the histogram's base name (no `_bucket`) and no matcher on `le`."
        ),
        examples=['http_request_duration_seconds{service="auth"}'],
    )
    threshold: Annotated[Decimal | str, PlainValidator(_threshold), Kind("duration or number")] = (
        Field(
            description=(
                "Slowest good request; one of the histogram's bucket bounds. A duration (1ms to "
                "30d), or a number in `unit`."
            ),
            examples=["500ms"],
        )
    )
    unit: Annotated[str, PlainValidator(one_of(LATENCY_UNITS)), Kind("unit")] | None = Field(
        default=None,
        validate_default=True,
        description=(
            "Unit of the bucket bounds: `s`, `ms`, `us`, or `none` for what is no time, "
            "such as bytes."
        ),
        examples=["ms"],
    )

    @field_validator("unit")
    @classmethod
    def _of_the_name(cls, unit: str | None, info: ValidationInfo) -> str | None:
        name = info.data.get("histogram", "").partition("{")[0]
        of_name = next((u for end, u in UNITS_OF_NAMES.items() if name.endswith(end)), None)
        found = unit or of_name
        if found is None and isinstance(info.data.get("threshold"), Decimal):
            raise ValueError(
                f"is needed where the threshold is a number: {', '.join(LATENCY_UNITS)}"
            )
        if found == NO_UNIT and isinstance(info.data.get("threshold"), str):
            raise ValueError("is not a time: give the threshold as a number")
        return found

    def sli(self) -> LatencySli:
        """What is measured."""
        unit = self.unit or "s"
        if isinstance(self.threshold, str):
            bound = parse_duration(self.threshold) / TIME_UNITS[unit]
        else:
            bound = self.threshold
        return LatencySli(self.histogram, float(bound), None if unit == "s" else unit)
