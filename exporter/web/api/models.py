"""The data of the API's answers: what is serialised, and what the OpenAPI document is made from.

A field is a key of the JSON, so none can be missing from either. Most have no slots: without them
orjson writes a thousand SLOs three times as fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from exporter.slo.budget import Budget, Window
from exporter.slo.change_costs import ChangeCost
from exporter.slo.incident_details import IncidentState
from exporter.slo.policy import Gate
from exporter.slo.records import (
    Acknowledgement,
    Change,
    ChangeSource,
    Incident,
    Override,
    TierChange,
)
from exporter.slo.snapshot import DataState
from exporter.web.daemon import Status


@dataclass(frozen=True)
class Failure:
    """The answer to a request that fails: `errorType` is for programs, `error` for people."""

    status: Literal["error"]
    errorType: str  # noqa: N815  # the name that Prometheus's API has
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEntry(Status):
    """The daemon's state, with the number of SLOs in each data state."""

    slos: Mapping[str, int]


@dataclass(frozen=True)
class HistoryPoint:
    """The events of one span of time, which ends at `end` (Unix seconds).

    `known` is the share of it that is known; `error_ratio` is null where nothing is.
    """

    end: float
    bad: float
    total: float
    known: float
    error_ratio: float | None


@dataclass(frozen=True)
class HistorySeries:
    """The points of one group, oldest first, each as long as the others."""

    groups: Mapping[str, str]
    points: tuple[HistoryPoint, ...]


@dataclass(frozen=True)
class SloHistory:
    """An SLO's events over a range; `total` counts its groups, of which the first are listed."""

    service: str
    slo: str
    range: str
    total: int
    series: tuple[HistorySeries, ...]


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
    postmortem: bool
    acknowledged: Acknowledgement | None


@dataclass(frozen=True)
class SloEntry:
    """One SLO (with `group_by`: one group of it). What is unknown or infinite is null.

    `windows` are keyed by their length (`5m`, ..., and the period's). `budget` leaves maintenance
    windows out, `raw_budget` includes them. `maintenance` has the reasons of those that are active.
    `override` is the one in force. `reviewed` is a day, such as 2026-11-01.
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


@dataclass(frozen=True)
class SloPage:
    """A part of the list of SLOs, from `offset` on; `total` counts all of them.

    `at` is the slot boundary of the figures, Unix seconds; null before the first evaluation.
    """

    at: int | None
    total: int
    offset: int
    slos: tuple[SloEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideEntry(Override):
    """An override, and whether it is in force now."""

    in_force: bool


@dataclass(frozen=True)
class LimitsEntry:
    """How long an override may last, in seconds, and how many a service may have in a quarter."""

    longest_seconds: int
    per_quarter: int


@dataclass(frozen=True)
class OverrideList:
    """The overrides of the last year, newest first; `stored` tells whether all are on disk."""

    overrides: tuple[OverrideEntry, ...]
    stored: bool
    limits: LimitsEntry


@dataclass(frozen=True)
class RecordedOverride:
    """An override that was just made or ended; `stored` tells whether that is on disk."""

    override: OverrideEntry
    stored: bool


@dataclass(frozen=True)
class ChangeSpent:
    """What the budget of an SLO paid within the hour after a change."""

    slo: str
    groups: Mapping[str, str]
    cost: ChangeCost


@dataclass(frozen=True)
class ChangeEntry:
    """A change, and what came after it: `spent` is null unless one service is asked for."""

    service: str
    what: str
    at: int
    by: str | None
    link: str | None
    source: ChangeSource
    spent: tuple[ChangeSpent, ...] | None


@dataclass(frozen=True)
class ChangeList:
    """The changes asked for, newest first; `total` counts those that are not listed, too.

    `stored` tells whether all changes are on disk.
    """

    total: int
    changes: tuple[ChangeEntry, ...]
    stored: bool


@dataclass(frozen=True)
class RecordedChange:
    """A change that was just noted, or the one that says the same; `stored`: it is on disk."""

    change: Change
    stored: bool


@dataclass(frozen=True)
class AcknowledgedIncident:
    """The incident whose postmortem was just acknowledged; `stored`: whether that is on disk."""

    incident: Incident
    stored: bool
