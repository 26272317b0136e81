"""An SLO in the API's answers: what is serialised, and what the OpenAPI document is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.slo.budget import Budget, Window
from exporter.slo.combining import Method, OnUnknown
from exporter.slo.incident_details import IncidentState
from exporter.slo.policy import Gate
from exporter.slo.records import Acknowledgement, Change, Override, TierChange
from exporter.slo.snapshot import DataState


@dataclass(frozen=True)
class PeriodEntry:
    """The period of an SLO as it stands: from `start` to `end`, Unix seconds."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class TierEntry:
    """The tier in force.

    `since` is when it was entered, null while history is still being read; `held` tells why it does
    not change; `recovery` is when it gets better if nothing more fails. Times are Unix seconds.
    """

    name: str
    gate: Gate
    guidance: str
    link: str | None
    exemptions: tuple[str, ...]
    since: int | None
    held: str | None
    recovery: float | None


@dataclass(frozen=True)
class AlertEntry:
    """A burn-rate condition.

    `firing` is null while one of its windows is unknown. `held` tells that it would fire, but that
    its long window has too few events.
    """

    severity: str
    long: str
    short: str
    threshold: float
    firing: bool | None
    held: bool


@dataclass(frozen=True)
class FiringEntry:
    """When a burn-rate condition held: from `start` to `end`, Unix seconds.

    While it is `open` it still does, and `end` is the newest boundary.
    """

    severity: str
    long: str
    short: str
    start: int
    end: int
    open: bool


@dataclass(frozen=True)
class IncidentEntry:
    """A spell of burning, from its first to its last bad slot. Times are Unix seconds.

    `id` is what it is called by. A `start_about` other than 0 tells that it comes from a slot of so
    many seconds, so that the incident may have begun that much later; `end_about`, that it may have
    ended that much earlier. `state` is `burning`, `quiet` (it has ended, and goes on if something
    fails before `over_at`), `unknown` (the data stopped) or `ended`; it is `open` until it is
    `ended`. `peak_error_ratio` is the highest of a slot; null if it is not known. `firings` are the
    conditions that held because of it; they are not `followed` if it is older than the first
    evaluation. `time_to_detect` is in seconds from its start to the first page; null without one.
    `change` is the last one of the service within the hour before it began; null without one.
    `planned` is the experiment during which it began; null if it began during none.
    """

    id: str
    start: int
    start_about: int
    end: int
    end_about: int
    state: IncidentState
    open: bool
    over_at: int | None
    bad: float
    share: float
    peak_error_ratio: float | None
    firings: tuple[FiringEntry, ...]
    followed: bool
    time_to_detect: int | None
    change: Change | None
    planned: Change | None
    postmortem: bool
    acknowledged: Acknowledgement | None


@dataclass(frozen=True)
class PartEntry:
    """A part of a composite, as it is now; for the group, if both are grouped.

    `error_ratio` is its own over the composite's `window`. `share` is how much of what burns is
    its, null while nothing fails or a part is not known. `weight` is null where weights do not
    count, all but the name while nothing is known of the part.
    """

    slo: str
    weight: float | None
    state: DataState | None
    tier: str | None
    budget_remaining: float | None
    error_ratio: float | None
    share: float | None


@dataclass(frozen=True)
class CompositeEntry:
    """What a composite is made of, in the order of the configuration."""

    method: Method
    on_unknown: OnUnknown
    window: str
    parts: tuple[PartEntry, ...]


@dataclass(frozen=True)
class SloEntry:
    """One SLO (with `group_by`: one group of it). What is unknown or infinite is null.

    `windows` are keyed by their length (`5m`, ..., and the period's). `budget` leaves maintenance
    windows out, `raw_budget` includes them. `maintenance` has the reasons of those that are active.
    `override` is the one in force. `reviewed` is a day, such as 2026-11-01. `composite` is null of
    SLOs that are counted themselves.
    """

    service: str
    slo: str
    groups: Mapping[str, str]
    labels: Mapping[str, str]
    description: str | None
    criticality: str | None
    reviewed: str | None
    objective: float
    period: PeriodEntry
    state: DataState
    problem: str | None
    coverage: float
    windows: Mapping[str, Window]
    budget: Budget | None
    raw_budget: Budget | None
    exhaustion_seconds: float | None
    policy: str
    tier: TierEntry | None
    tier_changes: tuple[TierChange, ...]
    incidents: tuple[IncidentEntry, ...]
    firings: tuple[FiringEntry, ...]
    alerts: tuple[AlertEntry, ...]
    maintenance: tuple[str, ...]
    override: Override | None
    last_slot: float | None
    lag_seconds: float
    scrape_interval_seconds: float | None
    composite: CompositeEntry | None


@dataclass(frozen=True)
class SloPage:
    """A part of the list of SLOs, from `offset` on; `total` counts all of them.

    `at` is the slot boundary of the figures, Unix seconds; null before the first evaluation.
    """

    at: int | None
    total: int
    offset: int
    slos: tuple[SloEntry, ...]
