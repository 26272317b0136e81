"""The JSON of `/api/v1`: the snapshot and the daemon's state, in Prometheus's envelope.

What is not known, and every number that is not finite, is null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields

import orjson

from exporter.slo.durations import format_duration
from exporter.slo.incident_details import IncidentDetails, incident_details
from exporter.slo.model import CompositeSli
from exporter.slo.part_shares import WINDOW, ByName, PartShare, by_name, part_shares
from exporter.slo.records import Change, Firing, Override
from exporter.slo.snapshot import Alert, DataState, SloStatus, Snapshot
from exporter.slo.statuses import of_slos, states_of
from exporter.web.api.errors import InvalidRequestError
from exporter.web.api.models import (
    Failure,
    LimitsEntry,
    OverrideEntry,
    OverrideList,
    StatusEntry,
)
from exporter.web.api.slo_models import (
    AlertEntry,
    CompositeEntry,
    FiringEntry,
    IncidentEntry,
    PartEntry,
    PeriodEntry,
    SloEntry,
    SloPage,
    TierEntry,
)
from exporter.web.daemon import OverrideStatus, Status

MOST_SLOS = 1_000
"""SLOs (groups, with `group_by`) of one answer."""


def success(data: object) -> bytes:
    """An answer that holds data: one of the models, or a dataclass of the core."""
    return orjson.dumps({"status": "success", "data": data}, option=orjson.OPT_APPEND_NEWLINE)


def failure(kind: str, message: str) -> bytes:
    """The answer to a request that cannot be met; `bad_data` is one that is not understood."""
    return orjson.dumps(Failure("error", kind, message), option=orjson.OPT_APPEND_NEWLINE)


def status(daemon: Status, snapshot: Snapshot) -> bytes:
    """The daemon's state, with the number of SLOs in each data state."""
    counts = Counter(states_of(snapshot.slos))
    known = {field.name: getattr(daemon, field.name) for field in fields(Status)}
    return success(StatusEntry(**known, slos={state.value: counts[state] for state in DataState}))


def slos(snapshot: Snapshot, query: Mapping[str, str]) -> bytes:
    """One page of the snapshot's SLOs, those of one service if the query names one.

    Raises:
        InvalidRequestError: a number in the query is not a number, or is out of bounds.
    """
    offset = number(query, "offset", 0, at_least=0, at_most=None)
    limit = number(query, "limit", MOST_SLOS, at_least=1, at_most=MOST_SLOS)
    service = query.get("service")
    chosen = snapshot.slos
    if service is not None:
        chosen = of_slos(chosen, lambda each: each.service == service)
    page = chosen[offset : offset + limit]
    made = any(isinstance(slo.slo.sli, CompositeSli) for slo in page)
    known = by_name(snapshot.slos) if made else {}
    return success(
        SloPage(
            at=snapshot.at or None,
            total=len(chosen),
            offset=offset,
            slos=tuple(
                _slo(slo, snapshot.at, snapshot.changes.get(slo.slo.service, ()), known)
                for slo in page
            ),
        )
    )


def overrides(known: OverrideStatus, service: str | None, now: float) -> bytes:
    """All overrides, newest first, those of one service if one is given; `now` is Unix seconds."""
    return success(
        OverrideList(
            overrides=tuple(
                override_entry(override, now)
                for override in reversed(known.overrides)
                if service in (None, override.service)
            ),
            stored=known.stored,
            limits=LimitsEntry(known.limits.longest, known.limits.per_quarter),
        )
    )


def override_entry(override: Override, now: float) -> OverrideEntry:
    """An override as it is at `now`, Unix seconds."""
    known = {field.name: getattr(override, field.name) for field in fields(Override)}
    return OverrideEntry(**known, in_force=override.start <= now < override.until)


def number(
    query: Mapping[str, str], name: str, default: int, *, at_least: int, at_most: int | None
) -> int:
    """A whole number of the query, or the default.

    Raises:
        InvalidRequestError: it is none, or out of bounds.
    """
    text = query.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    if number is None or number < at_least or (at_most is not None and number > at_most):
        bounds = f"at least {at_least}" + ("" if at_most is None else f" and at most {at_most}")
        raise InvalidRequestError(f"{name} must be a whole number, {bounds}")
    return number


def _slo(status: SloStatus, at: int, changes: Sequence[Change], known: ByName) -> SloEntry:
    slo = status.slo
    return SloEntry(
        service=slo.service,
        slo=slo.name,
        groups=status.groups,
        labels=slo.labels,
        description=slo.description or None,
        criticality=slo.criticality or None,
        reviewed=slo.reviewed.isoformat() if slo.reviewed else None,
        objective=slo.objective.ratio,
        period=PeriodEntry(slo.period.label, status.period.start, status.period.end),
        state=status.state,
        problem=status.problem,
        coverage=status.coverage,
        windows=status.windows,
        budget=status.budget,
        raw_budget=status.raw_budget,
        exhaustion_seconds=status.exhaustion_seconds,
        policy=slo.policy.name,
        tier=_tier(status),
        tier_changes=status.tier_status.changes,
        incidents=tuple(map(_incident, incident_details(status, at, changes))),
        firings=tuple(map(_firing, status.firings)),
        alerts=tuple(map(_alert, status.alerts)),
        maintenance=status.maintenance,
        override=status.override,
        last_slot=status.last_slot,
        lag_seconds=status.lag,
        scrape_interval_seconds=status.scrape_interval or None,
        composite=_composite(status, known),
    )


def _composite(status: SloStatus, known: ByName) -> CompositeEntry | None:
    sli = status.slo.sli
    if not isinstance(sli, CompositeSli):
        return None
    return CompositeEntry(
        method=sli.method,
        on_unknown=sli.on_unknown,
        window=WINDOW,
        parts=tuple(map(_part, part_shares(status, known))),
    )


def _part(of: PartShare) -> PartEntry:
    status = of.status
    return PartEntry(
        slo=of.name,
        weight=of.weight,
        state=status.state if status else None,
        tier=status.tier.name if status and status.tier else None,
        budget_remaining=status.budget.remaining if status and status.budget else None,
        error_ratio=of.error_ratio,
        share=of.share,
    )


def _tier(status: SloStatus) -> TierEntry | None:
    tier, how = status.tier, status.tier_status
    if tier is None:
        return None
    return TierEntry(
        name=tier.name,
        gate=tier.gate,
        guidance=tier.guidance,
        link=tier.link,
        exemptions=tier.exemptions,
        since=how.since,
        held=how.held,
        recovery=how.recovery,
    )


def _incident(of: IncidentDetails) -> IncidentEntry:
    incident = of.incident
    return IncidentEntry(
        id=of.id,
        start=incident.start,
        start_about=incident.start_about,
        end=incident.end,
        end_about=incident.end_about,
        state=of.state,
        open=incident.open,
        over_at=of.over_at,
        bad=incident.bad,
        share=incident.share,
        peak_error_ratio=incident.peak_error_ratio,
        firings=tuple(map(_firing, of.firings)),
        followed=of.followed,
        time_to_detect=of.time_to_detect,
        change=of.change,
        planned=of.planned,
        postmortem=incident.postmortem,
        acknowledged=incident.acknowledged,
    )


def _firing(firing: Firing) -> FiringEntry:
    return FiringEntry(
        severity=firing.severity,
        long=format_duration(firing.long),
        short=format_duration(firing.short),
        start=firing.start,
        end=firing.end,
        open=firing.open,
    )


def _alert(alert: Alert) -> AlertEntry:
    return AlertEntry(
        severity=alert.condition.severity,
        long=format_duration(alert.condition.long),
        short=format_duration(alert.condition.short),
        threshold=alert.threshold,
        firing=alert.firing,
        held=alert.held,
    )
