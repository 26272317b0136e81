"""The configuration files as a whole, and when Prometheus is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, field_validator

from exporter.collection.settings import EvaluationSettings
from exporter.config.sections.alerting_section import AlertingSection
from exporter.config.sections.changes_section import ChangesSection
from exporter.config.sections.grafana_section import GrafanaSection
from exporter.config.sections.maintenance_section import MaintenanceSection
from exporter.config.sections.metrics_section import MetricsSection
from exporter.config.sections.overrides_section import OverridesSection
from exporter.config.sections.policies_section import PoliciesSection
from exporter.config.sections.prometheus_section import PrometheusSection
from exporter.config.sections.reports_section import ReportsSection
from exporter.config.sections.slo_section import SloSection
from exporter.config.sections.specs_section import SpecsSection
from exporter.config.sections.storage_section import StorageSection
from exporter.config.types.fields import (
    DURATION,
    AnyPercent,
    DatasourceName,
    Glob,
    Interval,
    Kind,
    duration,
    one_of,
)
from exporter.config.types.section import Section
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.durations import format_duration
from exporter.slo.model import DEFAULT_DATASOURCE
from exporter.slo.policy import DEFAULT_POLICY, Gate, Policy

_DEFAULTS = EvaluationSettings()


class EvaluationSection(Section):
    """When Prometheus is queried, and how much at a time."""

    interval: Interval = Field(
        default=_DEFAULTS.interval,
        description=(
            "Slot length and cadence. Divides an hour evenly, at least 1s and at most 5m, the "
            "shortest burn-rate window."
        ),
        examples=["1m"],
    )
    delay: Annotated[float, BeforeValidator(duration("0s", "1h", whole=False)), DURATION] = Field(
        default=_DEFAULTS.delay,
        description="How long after its end a slot is first queried; scrapes arrive late.",
        examples=["10s"],
    )
    settle: Annotated[int, BeforeValidator(duration("1s", "1h")), DURATION] = Field(
        default=_DEFAULTS.settle,
        validate_default=True,
        description=(
            "How long after its end a slot is queried again, so that late samples count. "
            "Longer than `delay`, at most 1h."
        ),
        examples=["10m"],
    )
    revisit: Annotated[int, BeforeValidator(duration("0s", "400d")), DURATION] = Field(
        default=_DEFAULTS.revisit,
        description=(
            "How far back slots that have settled are counted again when samples come for them: of "
            "a source that answered in part for a while, was written late, or was backfilled. What "
            "is older is told of, and left to `ledger rebuild`. At most 400d, which is as far as "
            "periods reach; 0s for never to look."
        ),
        examples=["7d"],
    )
    stale_after: Annotated[int, BeforeValidator(duration("2s", "1d")), DURATION] = Field(
        default=_DEFAULTS.stale_after,
        validate_default=True,
        description=(
            "How long Prometheus may be silent before burn rates are withdrawn. "
            "At least two intervals, at most 1d."
        ),
        examples=["10m"],
    )
    concurrency: Annotated[int, Field(ge=1, le=100)] = Field(
        default=_DEFAULTS.concurrency,
        description="The most concurrent queries at each datasource, 1 to 100.",
        examples=["8"],
    )

    @field_validator("settle")
    @classmethod
    def _after_delay(cls, settle: int, info: ValidationInfo) -> int:
        delay = info.data.get("delay", 0)
        if settle <= delay:
            raise ValueError(
                f"must be longer than delay ({format_duration(delay)}), "
                f"not {format_duration(settle)}"
            )
        return settle

    @field_validator("stale_after")
    @classmethod
    def _two_intervals(cls, stale_after: int, info: ValidationInfo) -> int:
        needed = 2 * info.data.get("interval", 0)
        if stale_after < needed:
            raise ValueError(
                f"must be at least two intervals ({format_duration(needed)}), "
                f"not {format_duration(stale_after)}"
            )
        return stale_after

    def settings(self) -> EvaluationSettings:
        """What the loop is given."""
        return EvaluationSettings(**dict(self))


GateChoice = Annotated[Gate, PlainValidator(one_of(dict.fromkeys(Gate))), Kind("gate")]


class PolicySection(Section):
    """How policies are applied; for every policy."""

    min_coverage: AnyPercent = Field(
        default=Decimal(5),
        description=(
            "How much of a period must be known before its SLO leaves the first tier, in "
            "percent; 0 to let it leave at once."
        ),
        examples=["10"],
    )
    recover_margin: AnyPercent = Field(
        default=Decimal(2),
        description=(
            "How many percentage points of budget above a tier's end must be left "
            "before a better tier is entered, so that the tier does not flap at "
            "the edge."
        ),
        examples=["5"],
    )
    min_stay: Annotated[int, BeforeValidator(duration("0s", "30d")), DURATION] = Field(
        default=DEFAULT_POLICY.min_stay,
        description="How long a tier stays before a better one is entered. A worse one is "
        "entered at once.",
        examples=["6h"],
    )
    postmortem_above: AnyPercent = Field(
        default=Decimal(20),
        description=(
            "An incident that uses more of a period's budget than this, in percent, "
            "requires a postmortem."
        ),
        examples=["10"],
    )
    while_paging: Annotated[Gate, PlainValidator(one_of(dict.fromkeys(Gate))), Kind("gate")] = (
        Field(
            default=DEFAULT_POLICY.while_paging,
            description=(
                "The gate's decision while a condition that pages holds, where the tier's is "
                "milder."
            ),
            examples=["block"],
        )
    )
    overrides: OverridesSection = Field(
        default=OverridesSection(),
        description="Limits of overrides, by which people deploy although the gate blocks.",
    )

    def apply(self, policy: Policy) -> Policy:
        """A policy with these settings."""
        return replace(
            policy,
            min_coverage=float(self.min_coverage / 100),
            recover_margin=float(self.recover_margin / 100),
            min_stay=self.min_stay,
            postmortem_above=float(self.postmortem_above / 100),
            while_paging=self.while_paging,
        )


class SloFile(Section):
    """A file that `slo_files` names: `slos`, and `maintenance` of these."""

    maintenance: list[MaintenanceSection] = Field(
        default=[], description="Maintenance windows of the SLOs of this file."
    )
    slos: list[SloSection] = Field(description="The SLOs of this file.")


class MainFile(Section):
    """The file that `--config.file` names. At least one SLO is needed, here or in `slo_files`."""

    prometheus: PrometheusSection = Field(
        default=PrometheusSection(),
        description="Where Prometheus is: the datasource of the SLOs that name none.",
    )
    datasources: dict[DatasourceName, PrometheusSection] = Field(
        default={},
        description=(
            "Further Prometheus servers by name, each with the keys of `prometheus`. An SLO picks "
            "one by `datasource`; those that no SLO picks are not queried."
        ),
        examples=["{mimir: {url: https://mimir.example.com/prometheus}}"],
    )
    evaluation: EvaluationSection = Field(
        default=EvaluationSection(),
        description="When Prometheus is queried, and how much at a time.",
    )
    storage: StorageSection = Field(
        default=StorageSection(), description="Where the ledger is kept."
    )
    grafana: GrafanaSection = Field(
        default=GrafanaSection(), description="Where the pages link to."
    )
    reports: ReportsSection = Field(
        default=ReportsSection(), description="How reports are written."
    )
    metrics: MetricsSection = Field(
        default=MetricsSection(), description="Which series of SLOs are exposed."
    )
    policy: PolicySection = Field(default=PolicySection(), description="How policies are applied.")
    policies: list[PoliciesSection] = Field(
        default=[], description="Error budget policies of your own, beside `default`."
    )
    alerting: AlertingSection = Field(
        default=AlertingSection(),
        description="How SLOs alert, unless they have settings of their own.",
    )
    changes: ChangesSection | None = Field(
        default=None, description="Changes of services that are seen in Prometheus."
    )
    maintenance: list[MaintenanceSection] = Field(
        default=[], description="Maintenance windows: time that does not count."
    )
    slos: list[SloSection] = Field(default=[], description="The SLOs.")
    slo_files: list[Glob] = Field(
        default=[],
        description=(
            "Further files with `slos`, and `maintenance` for these, or with specs of Sloth, Pyrra "
            "and OpenSLO, as globs relative to this file's folder. `**` matches all folders below. "
            "A pattern with a wildcard may match nothing."
        ),
        examples=["[teams/**/*.yaml]"],
    )
    specs: SpecsSection = Field(
        default=SpecsSection(), description="What specs of other tools do not say themselves."
    )

    def policies_in_use(self) -> Callable[[SloSection], Policy]:
        """Gives the policy of an SLO: the one that it names, else its service's, else the default.

        SLOs that have the same one share it.
        """
        default = self.policy.apply(DEFAULT_POLICY)
        named: dict[str, Policy] = {}
        of_services: dict[str, Policy] = {}
        for own in self.policies:
            policy = named.setdefault(own.name, self.policy.apply(own.policy()))
            for service in own.services:
                of_services.setdefault(service, policy)

        def policy_of(slo: SloSection) -> Policy:
            if slo.policy is not None:
                return named.get(slo.policy, default)
            return of_services.get(slo.service, default)

        return policy_of

    def used_datasources(self, used: Collection[str]) -> dict[str, PrometheusSettings]:
        """The datasources among `used`, by name."""
        every = {DEFAULT_DATASOURCE: self.prometheus, **self.datasources}
        return {name: section.settings() for name, section in every.items() if name in used}
