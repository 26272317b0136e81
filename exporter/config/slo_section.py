"""One entry of `slos` in the configuration file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from exporter.config.fields import (
    DURATION,
    Histogram,
    LabelName,
    LabelNames,
    Percent,
    Period,
    Selector,
    Text,
    duration,
)
from exporter.config.section import Section, exactly_one
from exporter.slo.model import DAY, EventsSli, LatencySli, Sli, Slo


class EventsSection(Section):
    """Events counted by counters. Exactly one of `bad` and `good` is needed.

    The values are vector selectors and nothing more: no `rate()`, range, `offset` or operator,
    since the exporter counts by itself.
    """

    total: Selector = Field(
        description="Counters of all events.", examples=['http_requests_total{service="auth"}']
    )
    bad: Selector | None = Field(
        default=None,
        description="Counters of the bad events.",
        examples=['http_requests_total{service="auth", code=~"5.."}'],
    )
    good: Selector | None = Field(
        default=None,
        validate_default=True,
        description="Counters of the good events, where bad ones are not counted.",
        examples=['jobs_total{job="mailer", result="success"}'],
    )

    @field_validator("good")
    @classmethod
    def _bad_or_good(cls, value: object, info: ValidationInfo) -> object:
        exactly_one(value, info, "bad")
        return value

    def sli(self) -> EventsSli:
        """What is measured."""
        return EventsSli(total=self.total, bad=self.bad, good=self.good)


class LatencySection(Section):
    """Requests slower than a threshold are bad events; counted by a classic histogram."""

    histogram: Histogram = Field(
        description=(
            "Vector selector with the histogram's base name (no `_bucket`) and no matcher on `le`."
        ),
        examples=['http_request_duration_seconds{service="auth"}'],
    )
    threshold: Annotated[float, BeforeValidator(duration("1ms", "30d", whole=False)), DURATION] = (
        Field(
            description="Slowest good request; one of the histogram's bucket bounds, 1ms to 30d.",
            examples=["500ms"],
        )
    )

    def sli(self) -> LatencySli:
        """What is measured."""
        return LatencySli(histogram=self.histogram, threshold=self.threshold)


class SliSection(Section):
    """What is measured. Exactly one of `events` and `latency` is needed."""

    events: EventsSection | None = Field(default=None, description="Events counted by counters.")
    latency: LatencySection | None = Field(
        default=None, validate_default=True, description="Latency, by a histogram."
    )

    @field_validator("latency")
    @classmethod
    def _one_kind(cls, value: object, info: ValidationInfo) -> object:
        exactly_one(value, info, "events")
        return value

    def sli(self) -> Sli:
        """What is measured, whichever kind it is."""
        section = self.events or self.latency
        assert section is not None  # noqa: S101  (validated above; mypy cannot know)
        return section.sli()


class SloSection(Section):
    """One SLO, or one per value of its `group_by` labels.

    `service` and `name` together must be unique over all files.
    """

    service: Text = Field(description="The service that the SLO is for.", examples=["auth"])
    name: Text = Field(
        description="Name of the SLO, the `slo` label of its metrics.", examples=["availability"]
    )
    objective: Percent = Field(
        description=(
            "Share of events that must be good, in percent, at most ten decimals. "
            "Below 1 is taken for a ratio (0.999) and refused."
        ),
        examples=["99.9"],
    )
    period: Period = Field(
        default=30 * DAY,
        description=(
            "Rolling period that the error budget is for. A multiple of `evaluation.interval`, "
            "at least 1h (the alerts' base) and at most 400d (a year and a month: what the "
            "ledger keeps)."
        ),
        examples=["28d"],
    )
    sli: SliSection = Field(description="What is measured.")
    group_by: LabelNames = Field(
        default=[],
        description=(
            "Labels of the measured series; each combination of their values is an SLO of its own."
        ),
        examples=["[region]"],
    )
    max_groups: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=100,
        description="How many SLOs `group_by` may make, 1 to 10000; a guard against label floods.",
        examples=["500"],
    )
    labels: dict[LabelName, str] = Field(
        default={},
        description=(
            "Labels for `slo_info`, such as the owner. Values are text as written: 007 stays 007."
        ),
        examples=["{owner: team-identity}"],
    )

    @field_validator("labels")
    @classmethod
    def _not_grouped_by(cls, labels: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for name in info.data.get("group_by", []):
            if name in labels:
                raise ValueError(f"must not hold {name}: group_by gives it its values")
        return labels

    def slo(self) -> Slo:
        """The SLO, with the default policy."""
        return Slo(
            service=self.service,
            name=self.name,
            objective=self.objective,
            sli=self.sli.sli(),
            period=self.period,
            group_by=tuple(self.group_by),
            max_groups=self.max_groups,
            labels=self.labels,
        )
