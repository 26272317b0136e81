"""Everything that is shown at one moment: an immutable picture of all SLOs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.slo.budget import Budget, Window
from exporter.slo.model import Slo
from exporter.slo.period import PeriodBounds
from exporter.slo.policy import Policy, Tier
from exporter.slo.records import Change, Firing, Incident, Override, TierChange
from exporter.slo.windows import BurnRateCondition


class DataState(StrEnum):
    """How good the data of an SLO is."""

    OK = "ok"
    NO_TRAFFIC = "no_traffic"
    """Measured, zero events."""
    NO_DATA = "no_data"
    """Prometheus answers, but the series do not exist."""
    STALE = "stale"
    """Prometheus has not answered for this SLO lately."""
    INVALID = "invalid"
    """The figures cannot be, such as more bad events than events; `SloStatus.problem` tells why."""


UNMEASURED = frozenset({DataState.NO_DATA, DataState.STALE, DataState.INVALID})
"""States in which an SLO is not measured as it should be."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A burn-rate condition of one SLO. `firing` is None while a window of it is not known.

    `held` tells that both windows are above the threshold, but the long one holds too few
    events for it to fire.
    """

    condition: BurnRateCondition
    threshold: float
    firing: bool | None
    held: bool


@dataclass(frozen=True, slots=True)
class TierStatus:
    """How an SLO came to its tier, and when it may leave it.

    - `since`: since when it is in the tier, Unix seconds; None while history is still being read,
      and the tier is that of the figures so far.
    - `held`: why the tier is not moved, in words; None if it is.
    - `changes`: the changes of the last year, oldest first.
    - `recovery`: when the tier gets better if nothing more fails, Unix seconds; None if it is the
      best, or if that is not known.
    """

    since: int | None = None
    held: str | None = None
    changes: tuple[TierChange, ...] = ()
    recovery: float | None = None


@dataclass(frozen=True, slots=True)
class SloStatus:
    """One SLO (with `group_by`: one group of it) at one moment.

    `windows` are keyed by their name (`5m`, ..., and the period's). What is not known is None
    or absent: burn rates while the data are stale, the budget and the tier until anything of
    the period is known. `raw_budget` is the budget as if there were no maintenance windows.
    `maintenance` are the reasons of those that are on. `last_slot` is the end of the newest
    known slot. `events_total` and `bad_events_total` are those since midnight UTC. `incidents` and
    `firings` are those of the period, oldest first, with older incidents that await a postmortem,
    and the firings since the oldest of these.
    `override` is the one in force. `lag` is how many seconds the data are late: windows but the
    period end as much earlier. `scrape_interval` is how often its series are scraped, in seconds;
    windows shorter than two of them are absent. So are windows whose counts cannot be; while the
    data are invalid tier and gate stay as they were.
    """

    slo: Slo
    groups: Mapping[str, str]
    state: DataState
    problem: str | None
    coverage: float
    period: PeriodBounds
    windows: Mapping[str, Window]
    budget: Budget | None
    raw_budget: Budget | None
    exhaustion_seconds: float | None
    alerts: tuple[Alert, ...]
    tier: Tier | None
    maintenance: tuple[str, ...]
    last_slot: float | None
    events_total: float | None
    bad_events_total: float | None
    tier_status: TierStatus = TierStatus()
    incidents: tuple[Incident, ...] = ()
    firings: tuple[Firing, ...] = ()
    override: Override | None = None
    lag: float = 0.0
    scrape_interval: float = 0.0


@dataclass(frozen=True, slots=True)
class ServiceTier:
    """The worst tier among a service's SLOs, and the policy that it belongs to."""

    service: str
    policy: Policy
    tier: Tier


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All SLOs, and their services, as of the slot boundary `at` (Unix seconds).

    `overrides` tells how many each service has had in this calendar quarter. `changes` are those of
    the last year by service, oldest first.
    """

    at: int
    slos: Sequence[SloStatus]
    services: tuple[ServiceTier, ...]
    overrides: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[str, Sequence[Change]] = field(default_factory=dict)
