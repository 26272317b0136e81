"""The data of the API's answers: what is serialised, and what the OpenAPI document is made from.

A field is a key of the JSON, so none can be missing from either. Most have no slots: without them
orjson writes a thousand SLOs three times as fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from exporter.slo.change_costs import ChangeCost
from exporter.slo.records import (
    Change,
    ChangeSource,
    Incident,
    Override,
)
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
