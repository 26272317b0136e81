"""How SLOs alert: which burn rates fire, and what their alerts are called and carry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, NamedTuple

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
)

from exporter.config.errors import quoted
from exporter.config.types.fields import (
    DURATION,
    Kind,
    SomePercent,
    Text,
    duration,
    label_name,
    one_of,
    surroundings,
)
from exporter.config.types.section import Section
from exporter.slo.alerting import SEVERITIES, Alerting, SeverityAlerts
from exporter.slo.durations import format_duration
from exporter.slo.model import LowTraffic
from exporter.slo.windows import CONDITIONS, BurnRateCondition

_TAKEN = {
    "alert_name": "set alerting.name",
    "alertname": "set alerting.name",
    "severity": "it is page or ticket",
    "instance": "replicas would be told apart by it",
    "pod": "replicas would be told apart by it",
}
"""Labels that alerts have already, and what to do instead."""

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def _alert_label(name: str) -> str:
    if name in _TAKEN:
        raise ValueError(f"{name} is not possible: {_TAKEN[name]}")
    return label_name(name)


def _annotation_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{quoted(name)} is not the name of an annotation: use letters, digits and _, no "
            "digit first"
        )
    return name


def _label_value(text: str) -> str:
    if "{{" in text:
        raise ValueError("must not be a template: a label that changes makes another alert")
    return text


def _share(value: object) -> object:
    # Only here: half a percent of the budget is likely, and no ratio.
    if isinstance(value, str) and value.endswith("%"):
        number = value.removesuffix("%").rstrip()
        if re.fullmatch(r"\d{1,3}(\.\d{1,10})?", number, re.ASCII):
            return Decimal(number)
        raise ValueError(f"must be a percentage such as 2%, not {quoted(value)}")
    return value


def _whole_slots(length: object, info: ValidationInfo) -> object:
    interval = surroundings(info).interval
    if interval and isinstance(length, int) and length % interval:
        raise ValueError(
            f"must be a multiple of evaluation.interval ({format_duration(interval)}), "
            f"not {format_duration(length)}"
        )
    return length


WindowLength = Annotated[
    int, BeforeValidator(duration("1s", "400d")), AfterValidator(_whole_slots), DURATION
]
AlertLabels = dict[
    Annotated[str, AfterValidator(_alert_label), Kind("label name")],
    Annotated[str, AfterValidator(_label_value)],
]
Annotations = dict[Annotated[str, AfterValidator(_annotation_name), Kind("name")], str]


class SeverityAlertsSection(Section):
    """The alerts of one severity."""

    disabled: bool = Field(
        default=False,
        description="Whether there are none: no condition of this severity is judged, here or in "
        "any alert.",
        examples=["true"],
    )
    labels: AlertLabels = Field(
        default={},
        description="Labels that alerts carry. An SLO's come on top of those for all; an empty "
        "value takes one away.",
        examples=["{team: shop}"],
    )
    annotations: Annotations = Field(
        default={},
        description="Annotations that alerts carry, in place of those that `rules` writes or "
        "beside them; as labels.",
        examples=["{runbook_url: https://wiki.example.com/checkout}"],
    )

    def over(self, default: SeverityAlertsSection) -> SeverityAlerts:
        """What an SLO is given: the keys in the file, others as in `default`."""
        given = "disabled" in self.model_fields_set
        return SeverityAlerts(
            self.disabled if given else default.disabled,
            _merged(default.labels, self.labels),
            _merged(default.annotations, self.annotations),
        )


def _merged(default: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in (default | own).items() if value}


class WindowSection(Section):
    """A burn-rate condition: it holds while a share of the budget goes within the long window.

    While both windows burn faster than that, to be exact: the short one ends the alert soon after
    the burning does.
    """

    severity: Annotated[
        str, PlainValidator(one_of(dict.fromkeys(SEVERITIES))), Kind("severity")
    ] = Field(description="`page` or `ticket`.", examples=["page"])
    budget: Annotated[SomePercent, BeforeValidator(_share), Kind("percent")] = Field(
        description=(
            "The share of the period's budget, in percent, above 0 and at most 100; `2%` is `2`, "
            "and below 1 the sign is needed: `0.5%`."
        ),
        examples=["2%"],
    )
    long: WindowLength = Field(
        description=(
            "The long window: a multiple of `evaluation.interval`, and not longer than the period "
            "of the SLO (of a calendar month: 28d)."
        ),
        examples=["1h"],
    )
    short: WindowLength = Field(
        description=(
            "The short window: a multiple of `evaluation.interval`, shorter than `long`, and not "
            "shorter than a slice where the budget is counted in slices."
        ),
        examples=["5m"],
    )

    @field_validator("short")
    @classmethod
    def _shorter(cls, short: int, info: ValidationInfo) -> int:
        long = info.data.get("long")
        if long is not None and short >= long:
            raise ValueError(
                f"must be shorter than long ({format_duration(long)}), not {format_duration(short)}"
            )
        return short

    def condition(self) -> BurnRateCondition:
        """What the SLO is given."""
        return BurnRateCondition(self.severity, float(self.budget / 100), self.long, self.short)


class SloAlerting(NamedTuple):
    """How an SLO alerts, and from how many events on."""

    alerting: Alerting
    low_traffic: LowTraffic


def _distinct(windows: list[WindowSection]) -> list[WindowSection]:
    if not windows:
        raise ValueError(
            "must have at least one: to have no alerts, set page.disabled and ticket.disabled"
        )
    names = [str(window.condition()) for window in windows]
    doubles = [name for index, name in enumerate(names) if name in names[:index]]
    if doubles:
        raise ValueError(f"has {doubles[0]} twice")
    return windows


class AlertingSection(Section):
    """How SLOs alert: by which burn rates, from how many events on, and as what."""

    min_events: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=0,
        description="A condition fires only if its long window has this many events, at least 0.",
        examples=["100"],
    )
    min_bad_events: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=0, description="And this many bad events, at least 0.", examples=["5"]
    )
    name: Text | None = Field(
        default=None,
        description=(
            "What the burn-rate alerts are called: with `rules --per-slo` their `alertname`, else "
            "a label `alert_name`."
        ),
        examples=["CheckoutBurns"],
    )
    page: SeverityAlertsSection = Field(
        default=SeverityAlertsSection(), description="Alerts that page."
    )
    ticket: SeverityAlertsSection = Field(
        default=SeverityAlertsSection(), description="Alerts that open a ticket."
    )
    windows: Annotated[list[WindowSection], AfterValidator(_distinct)] = Field(
        default=[],
        description=(
            "Burn-rate conditions in place of the four usual ones: page 2% in 1h/5m and 5% in "
            "6h/30m, ticket 10% in 1d/2h and 10% in 3d/6h. Each pair of windows once per severity. "
            "One that an SLO can never meet is a mistake in the SLO's own list, and left out of "
            "that for all."
        ),
    )

    def conditions(self) -> tuple[BurnRateCondition, ...]:
        """The conditions written here; without any the usual ones."""
        return tuple(window.condition() for window in self.windows) or CONDITIONS

    def low_traffic(self, default: AlertingSection) -> LowTraffic:
        """What the SLO is given: the keys in the file, others as in `default`."""
        keys = self.model_fields_set
        return LowTraffic(
            self.min_events if "min_events" in keys else default.min_events,
            self.min_bad_events if "min_bad_events" in keys else default.min_bad_events,
        )

    def alerting(self, default: AlertingSection) -> Alerting:
        """What the SLO is given, merged key by key; `windows` are replaced as a whole."""
        return Alerting(
            name=self.name or default.name,
            page=self.page.over(default.page),
            ticket=self.ticket.over(default.ticket),
            conditions=(self if self.windows else default).conditions(),
        )

    def over(self, default: AlertingSection) -> SloAlerting:
        """How an SLO alerts that says this, where `default` is for all."""
        return SloAlerting(self.alerting(default), self.low_traffic(default))

    def own_labels(self) -> Iterator[str]:
        """The names of all labels written here."""
        yield from self.page.labels
        yield from self.ticket.labels
