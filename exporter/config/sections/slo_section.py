"""One entry of `slos` in the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import Field, ValidationInfo, field_validator

from exporter.config.sections.alerting_section import AlertingSection, SloAlerting
from exporter.config.sections.budgeting import BudgetingSection, CalendarSection, Period
from exporter.config.sections.composite_section import CompositeSection
from exporter.config.sections.sli_section import SliSection
from exporter.config.types.fields import (
    GroupLabel,
    GroupLabels,
    InfoLabel,
    ObjectivePercent,
    Prose,
    Text,
)
from exporter.config.types.section import Section, exactly_one
from exporter.config.types.times import Day
from exporter.slo.maintenance import MaintenanceWindow
from exporter.slo.model import (
    DEFAULT_DATASOURCE,
    NO_DATASOURCE,
    THIRTY_DAYS,
    CompositeSli,
    Slo,
)
from exporter.slo.period import CalendarPeriod, RollingPeriod
from exporter.slo.policy import Policy
from exporter.slo.windows import cannot_hold


class SloSection(Section):
    """One SLO, or one per value of its `group_by` labels.

    `service` and `name` together must be unique over all files.
    """

    service: Text = Field(description="The service that the SLO is for.", examples=["auth"])
    name: Text = Field(
        description="Name of the SLO, the `slo` label of its metrics.", examples=["availability"]
    )
    objective: ObjectivePercent = Field(
        description=(
            "Share of events that must be good, in percent, at most ten decimals. "
            "A value below 1 looks like a ratio (0.999) and is refused."
        ),
        examples=["99.9"],
    )
    period: Period = Field(
        default=THIRTY_DAYS.seconds,
        description=(
            "What the error budget is for. A duration is rolling: a multiple of "
            "`evaluation.interval`, at least 1h (the alerts' base) and at most 400d (a year and "
            "a month: what the ledger keeps). A section is a period of the calendar."
        ),
        examples=["28d"],
    )
    sli: SliSection | None = Field(
        default=None, description="What is measured. Either this or `composite` is required."
    )
    composite: CompositeSection | None = Field(
        default=None,
        validate_default=True,
        description="Other SLOs that it is made of, instead of `sli`.",
    )
    description: Prose | None = Field(
        default=None,
        description="What the SLO promises, in words for people; it may have several lines.",
        examples=["Pages answer before people give up"],
    )
    criticality: Text | None = Field(
        default=None,
        description="How much depends on it, in your own words.",
        examples=["tier 1"],
    )
    reviewed: Day | None = Field(
        default=None,
        description="When people last looked at whether it is right.",
        examples=["2026-11-01"],
    )
    datasource: Text = Field(
        default=DEFAULT_DATASOURCE,
        description="Which Prometheus is asked: `prometheus`, or a name among `datasources`.",
        examples=["mimir"],
    )
    budgeting: BudgetingSection = Field(
        default=BudgetingSection(), description="How the error budget is counted."
    )
    alerting: AlertingSection | None = Field(
        default=None,
        description="How this SLO alerts; keys that are left out are as in `alerting` above.",
    )
    policy: Text | None = Field(
        default=None,
        description=(
            "The error budget policy: `default`, or a name among `policies`. Without it, "
            "the one that names the service."
        ),
        examples=["payments"],
    )
    group_by: GroupLabels = Field(
        default=[],
        validate_default=True,
        description=(
            "Labels of the measured series; each combination of their values is a separate SLO. "
            "`{label: service, as: svc}` gives a label another name here."
        ),
        examples=["[region]"],
    )
    max_groups: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=100,
        description="How many SLOs `group_by` may create, 1 to 10000; a guard against label "
        "explosions.",
        examples=["500"],
    )
    labels: dict[InfoLabel, str] = Field(
        default={},
        description=(
            "Labels for `slo_info`, such as the owner. Values are text as written: 007 stays 007."
        ),
        examples=["{owner: team-identity}"],
    )

    @field_validator("composite")
    @classmethod
    def _or_an_sli(
        cls, composite: CompositeSection | None, info: ValidationInfo
    ) -> CompositeSection | None:
        exactly_one(composite, info, "sli")
        return composite

    @field_validator("datasource")
    @classmethod
    def _is_asked(cls, datasource: str, info: ValidationInfo) -> str:
        if info.data.get("composite") is not None:
            raise ValueError("must not be combined with composite: nothing is asked for it")
        return datasource

    @field_validator("group_by")
    @classmethod
    def _as_the_query_sums(cls, groups: list[GroupLabel], info: ValidationInfo) -> list[GroupLabel]:
        sli = info.data.get("sli")
        kept = sli.query.kept_labels() if sli is not None and sli.query is not None else None
        if kept and not groups:
            labels = ", ".join(sorted(kept))
            raise ValueError(
                f"is needed, as sli.query sums by {labels}: write group_by: [{labels}] for one SLO "
                "per value, or sum without it for one SLO of all"
            )
        return groups

    @field_validator("labels")
    @classmethod
    def _not_grouped_by(cls, labels: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for group in info.data.get("group_by", []):
            if group.shown in labels:
                raise ValueError(f"must not contain {group.shown}: it is a group_by label")
        return labels

    @field_validator("alerting")
    @classmethod
    def _can_hold(
        cls, alerting: AlertingSection | None, info: ValidationInfo
    ) -> AlertingSection | None:
        period, objective = info.data.get("period"), info.data.get("objective")
        if alerting is None or period is None or objective is None:
            return alerting
        period = _period(period)
        budgeting = info.data.get("budgeting")
        for index, window in enumerate(alerting.windows):
            why = cannot_hold(
                window.condition(),
                period,
                period.shortest,
                objective.error_budget,
                budgeting.slice if budgeting else None,
            )
            if why:
                raise ValueError(f"windows[{index}] ({window.condition()}) can never hold: {why}")
        return alerting

    @field_validator("group_by")
    @classmethod
    def _not_an_alerts_label(cls, groups: list[GroupLabel], info: ValidationInfo) -> object:
        alerting = info.data.get("alerting")
        for name in alerting.own_labels() if alerting else ():
            if name in [group.shown for group in groups]:
                raise ValueError(f"must not contain {name}: it is a label of the SLO's alerts")
        return groups

    def slo(
        self,
        policy: Policy,
        alerting: SloAlerting,
        maintenance: tuple[MaintenanceWindow, ...],
        others: Mapping[str, Slo],
    ) -> Slo:
        """The SLO, with what the rest of the files has for it.

        A composite is made of `others` (by `service/name`), whose maintenance is its own.
        """
        sli = self.composite.sli(others) if self.composite else cast(SliSection, self.sli).sli()
        parts = sli.parts if isinstance(sli, CompositeSli) else ()
        windows = [*maintenance, *(each for part in parts for each in part.slo.maintenance)]
        shown = tuple(group.shown for group in self.group_by)
        renamed = () if shown == tuple(group.label for group in self.group_by) else shown
        return Slo(
            service=self.service,
            name=self.name,
            objective=self.objective,
            sli=sli,
            period=_period(self.period),
            timeslices=self.budgeting.timeslices(),
            group_by=tuple(group.label for group in self.group_by),
            group_as=renamed,
            max_groups=self.max_groups,
            labels=self.labels,
            policy=policy,
            alerting=alerting.alerting,
            low_traffic=alerting.low_traffic,
            maintenance=tuple(each for i, each in enumerate(windows) if each not in windows[:i])
            if parts
            else maintenance,
            datasource=NO_DATASOURCE if parts else self.datasource,
            description=self.description or "",
            criticality=self.criticality or "",
            reviewed=self.reviewed,
        )


def _period(period: int | CalendarSection) -> RollingPeriod | CalendarPeriod:
    return RollingPeriod(period) if isinstance(period, int) else period.period()
