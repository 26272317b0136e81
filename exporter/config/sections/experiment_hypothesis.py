"""The file of a chaos experiment: what it is to show."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    field_validator,
)

from exporter.config.types.expressions import Expression
from exporter.config.types.fields import (
    DURATION,
    Kind,
    Text,
    duration,
    one_of,
    wrong_parent,
)
from exporter.config.types.ratios import Ratio
from exporter.config.types.section import Section, exactly_one, not_with
from exporter.experiment.hypothesis import (
    Detection,
    Hypothesis,
    Impact,
    QueryBound,
    Recovery,
    Since,
    SliBound,
    SteadyLine,
    Target,
)
from exporter.slo.alerting import SEVERITIES
from exporter.slo.model import DEFAULT_DATASOURCE

Length = Annotated[int, BeforeValidator(duration("1s", "1d")), DURATION]


class SteadySection(Section):
    """A bound that holds before the experiment, and after it.

    It is about an SLO, with `error_ratio`, or about a `query`, with `at_least`, `at_most` or both.
    Without `hypothesis.recovery` it has to hold all the time.
    """

    name: Text | None = Field(
        default=None, description="What a `query` is called.", examples=["two workers run"]
    )
    slo: Text | None = Field(
        default=None, description="An SLO: `service/name`.", examples=["checkout/availability"]
    )
    groups: dict[Text, str] = Field(
        default={},
        description="Values of the SLO's `group_by` labels; without them every group is judged.",
        examples=["{region: eu}"],
    )
    error_ratio: Ratio | None = Field(
        default=None,
        description="At most this part of the events is bad in every window.",
        examples=["1%"],
    )
    window: Annotated[int, BeforeValidator(duration("1s", "1h")), DURATION] = Field(
        default=60,
        description="How long the windows are: one ends with every slot.",
        examples=["30s"],
    )
    query: Expression | None = Field(
        default=None,
        description="PromQL, each of whose values is within the bounds.",
        examples=['sum(up{job="shop"})'],
    )
    datasource: Text = Field(
        default=DEFAULT_DATASOURCE, description="Which datasource a `query` is of."
    )
    at_least: float | None = Field(default=None, description="The lowest value of the `query`.")
    at_most: float | None = Field(
        default=None,
        validate_default=True,
        description="The highest value of the `query`.",
        examples=["2"],
    )

    @field_validator("query")
    @classmethod
    def _one_kind(cls, query: str | None, info: ValidationInfo) -> str | None:
        return not_with(query, info, "slo", "error_ratio")

    @field_validator("at_most")
    @classmethod
    def _has_a_bound(cls, at_most: float | None, info: ValidationInfo) -> float | None:
        data = info.data
        of_query = data.get("at_least") is not None or at_most is not None
        if not {"slo", "query", "error_ratio", "at_least"} <= data.keys():
            return at_most  # something else is wrong with it
        if data["query"] is None and (data["slo"] is None or of_query):
            wrong_parent("needs slo and error_ratio, or query with at_least or at_most")
        if data["query"] is None and data["error_ratio"] is None:
            wrong_parent("needs error_ratio: the part of the events that may be bad, such as 1%")
        if data["query"] is not None and not of_query:
            wrong_parent("needs at_least or at_most: the bound of the query")
        return at_most

    def line(self) -> SteadyLine:
        """The bound."""
        if self.query is not None:
            return QueryBound(self.query, self.datasource, self.at_least, self.at_most, self.name)
        target = Target(self.slo or "", self.groups)
        return SliBound(target, float(self.error_ratio or 0) / 100, self.window)


class ImpactSection(Section):
    """What the whole experiment may cost an SLO, from the first step to the end of the watch."""

    slo: Text = Field(description="An SLO: `service/name`.", examples=["checkout/availability"])
    groups: dict[Text, str] = Field(
        default={},
        description="Values of the SLO's `group_by` labels; without them every group is judged.",
    )
    budget: Ratio | None = Field(
        default=None,
        description="At most this share of a period's error budget. It must be there.",
        examples=["5%"],
    )
    events: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="At most so many bad events.", examples=["100"]
    )
    error_ratio: Ratio | None = Field(
        default=None,
        validate_default=True,
        description="In no slot, a part of the events larger than this is bad.",
        examples=["30%"],
    )

    @field_validator("error_ratio")
    @classmethod
    def _one_of_them(cls, ratio: object, info: ValidationInfo) -> object:
        exactly_one(ratio, info, "budget", "events")
        return ratio

    def impact(self) -> Impact:
        """The bound."""
        budget, ratio = (
            None if each is None else float(each) / 100 for each in (self.budget, self.error_ratio)
        )
        return Impact(Target(self.slo, self.groups), budget, self.events, ratio)


class RecoverySection(Section):
    """How soon all steady lines hold again, and go on holding."""

    within: Length = Field(description="The longest that it may take.", examples=["2m"])
    of: Annotated[Since, PlainValidator(one_of(dict.fromkeys(Since))), Kind("moment")] = Field(
        default=Since.ONSET,
        description=(
            "What it is counted from: the `onset`, when the first steady line was left, or the end "
            "of the `rollback`, for faults that last until then."
        ),
        examples=["rollback"],
    )

    def recovery(self) -> Recovery:
        """The bound."""
        return Recovery(self.within, Since(self.of))


class DetectionSection(Section):
    """How soon a burn-rate condition of an SLO holds: whether somebody would have been told."""

    slo: Text = Field(description="An SLO: `service/name`.", examples=["checkout/availability"])
    groups: dict[Text, str] = Field(
        default={}, description="Values of the SLO's `group_by` labels; without them any group."
    )
    within: Length = Field(
        description="The longest that it may take, from the onset.", examples=["5m"]
    )
    severity: Annotated[
        str, PlainValidator(one_of(dict.fromkeys(SEVERITIES))), Kind("severity")
    ] = Field(default="page", description="`page` or `ticket`.")

    def detection(self) -> Detection:
        """The bound."""
        return Detection(Target(self.slo, self.groups), self.within, self.severity)


def _some(lines: list[SteadySection]) -> list[SteadySection]:
    if not lines:
        raise ValueError("must have at least one: without it nothing tells what is steady")
    return lines


class HypothesisSection(Section):
    """What is to be shown. Each line of it gets a verdict of its own."""

    steady: Annotated[list[SteadySection], AfterValidator(_some)] = Field(
        description="What holds before the experiment, or else it does not begin, and after it."
    )
    impact: list[ImpactSection] = Field(default=[], description="What it may cost.")
    recovery: RecoverySection | None = Field(
        default=None,
        description="How soon all is steady again. Without it, it must be steady all the time.",
    )
    detection: list[DetectionSection] = Field(
        default=[], description="Which alerts must have been given."
    )

    def hypothesis(self) -> Hypothesis:
        """The lines."""
        return Hypothesis(
            steady=tuple(each.line() for each in self.steady),
            impact=tuple(each.impact() for each in self.impact),
            recovery=self.recovery.recovery() if self.recovery else None,
            detection=tuple(each.detection() for each in self.detection),
        )
