"""Documents about an incident: its postmortem, and the update to send while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from exporter.reports.spans import ReportError
from exporter.reports.subjects import Identity, Subject, page_path
from exporter.reports.tables import Cell
from exporter.reports.timeline import TimelineEntry, in_words, timeline
from exporter.slo.burning import sentence, what_fails
from exporter.slo.changes import Changes, before
from exporter.slo.event_history import EventHistory
from exporter.slo.figures import percent
from exporter.slo.gate import standing_gate
from exporter.slo.incident_details import IncidentDetails, IncidentState, incident_details
from exporter.slo.incidents import LEAST
from exporter.slo.outlook import outlook
from exporter.slo.records import Change, Override
from exporter.slo.snapshot import SloStatus

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class PostmortemReport:
    """What is known of an incident. Times are Unix seconds, parts are ratios.

    - `failed`: what failed, in the words of the SLI: `4.7% of events fail`, at the peak.
    - `total`: all events between its first and last bad slot, and `affected` the part of them that
      was bad; None where the ledger no longer has slots as short as that.
    - `remaining`: the budget left now, and `action` what the policy asks for.
    - `seconds`: from the first to the last bad slot.
    - `time_to_detect` is to the first page, None without one; `time_to_recover` is from the first
      page, or else from the first bad slot, to the last.
    - `change`: the last one of the service within the hour before it began.
    - `page`: the SLO's page.
    """

    at: int
    zone: str
    identity: Identity
    page: str
    details: IncidentDetails
    failed: str | None
    total: float | None
    affected: float | None
    remaining: float | None
    tier: str | None
    action: str | None
    seconds: int
    time_to_detect: int | None
    time_to_recover: int | None
    change: Change | None
    timeline: tuple[TimelineEntry, ...]
    runbook: str | None


@dataclass(frozen=True, slots=True)
class IncidentUpdate:
    """How an incident stands: of one SLO; `burning` says what fails, in a sentence, and `change`
    is the last one within the hour before it began."""

    identity: Identity
    page: str
    details: IncidentDetails
    burning: str | None
    change: Change | None
    error_ratio: float | None
    remaining: float | None
    outlook: str
    tier: str | None
    action: str | None
    gate: str | None
    runbook: str | None


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """The update to send: how the incidents of a service stand, the worst first.

    `next_update` is when the next one is due, Unix seconds.
    """

    at: int
    zone: str
    subject: str
    next_update: int
    incidents: tuple[IncidentUpdate, ...]


def postmortem_report(
    subjects: Sequence[Subject],
    at: int,
    zone: tuple[str, tzinfo],
    *,
    incident: str = LATEST,
    overrides: Sequence[Override] = (),
    changes: Sequence[Change] = (),
    base: str = "",
) -> PostmortemReport:
    """The postmortem of an incident, as far as records tell.

    Args:
        subjects: the groups of one SLO.
        at: as of when, Unix seconds.
        zone: the name of the time zone, and itself.
        incident: its id, or `latest`.
        overrides: those that are kept.
        changes: those of the service, oldest first.
        base: where the daemon's pages are, with a slash at its end.

    Raises:
        ReportError: there is no such incident.
    """
    of, details = _chosen(subjects, at, incident, zone[1], changes)
    status, one = of.status, details.incident
    total, affected = _affected(details, of.history)
    detected = details.time_to_detect
    peak = one.peak_error_ratio
    ended = details.state is not IncidentState.BURNING
    return PostmortemReport(
        at=at,
        zone=zone[0],
        identity=Identity.of(status),
        page=base + page_path(status).lstrip("/"),
        details=details,
        failed=None if peak is None else what_fails(status.slo.sli, peak),
        total=total,
        affected=affected,
        remaining=status.budget.remaining if status.budget else None,
        tier=status.tier.name if status.tier else None,
        action=status.tier.guidance if status.tier else None,
        seconds=one.end - one.start,
        time_to_detect=detected,
        time_to_recover=max(0, one.end - one.start - (detected or 0)) if ended else None,
        change=before(changes, one.start),
        timeline=timeline(
            status, details, of.history, overrides=overrides, changes=changes, zone=zone[1]
        ),
        runbook=runbook(status, "page", base),
    )


def runbook(status: SloStatus, severity: str, base: str) -> str | None:
    """The runbook of the SLO's alerts of a severity: its own, else the daemon's page."""
    own = status.slo.alert_annotations(severity).get("runbook_url")
    if own is not None:
        return own
    return f"{base}runbooks/ErrorBudgetBurn{severity.capitalize()}" if base else None


def _chosen(
    subjects: Sequence[Subject],
    at: int,
    wanted: str,
    zone: tzinfo,
    changes: Sequence[Change],
) -> tuple[Subject, IncidentDetails]:
    found = [(each, one) for each in subjects for one in incident_details(each.status, at, changes)]
    found.sort(key=lambda pair: pair[1].incident.start, reverse=True)
    slo = subjects[0].status.slo
    if not found:
        raise ReportError(
            f"{slo.service}/{slo.name} has no incident: within a year, none that is recorded took "
            f"{percent(LEAST)} of a period's budget"
        )
    if wanted == LATEST:
        return found[0]
    for pair in found:
        if pair[1].id == wanted:
            return pair
    listed = "; ".join(f"{one.id} ({in_words(one, zone)})" for _, one in found[:5])
    raise ReportError(f"{slo.service}/{slo.name} has no incident {wanted!r}: known are {listed}")


def _affected(
    of: IncidentDetails, history: EventHistory | None
) -> tuple[float | None, float | None]:
    """All events of the time of an incident, and the part of them that was bad."""
    incident = of.incident
    if history is None or incident.start_about or incident.end_about:
        return None, None
    if history.splits(incident.start) or history.splits(incident.end):
        return None, None
    sums = history.between([incident.start, incident.end])
    total = float(sums.total[0])
    if sums.known[0] <= 0 or total <= 0:
        return None, None
    # Counters that are read a scrape apart may show more bad events than events.
    whole = None if incident.bad > total else total
    return whole, min(1.0, max(0.0, float(sums.bad[0]) / total))


def incident_report(
    subjects: Sequence[Subject],
    at: int,
    zone: tuple[str, tzinfo],
    *,
    subject: str,
    every: int,
    changes: Changes | None = None,
    base: str = "",
) -> IncidentReport:
    """The update of the incidents that are not over.

    Args:
        subjects: the SLOs that are asked for.
        at: as of when, Unix seconds.
        zone: the name of the time zone, and itself.
        subject: whose SLOs they are, in words.
        every: in how many seconds the next update is due.
        changes: those of all services.
        base: where the daemon's pages are, with a slash at its end.

    Raises:
        ReportError: none is under way; with the latest that was.
    """
    found, over = [], []
    for each in subjects:
        of_service = (changes or {}).get(each.status.slo.service, ())
        for one in incident_details(each.status, at, of_service):
            if one.state is IncidentState.ENDED:
                over.append((each, one))
            else:
                found.append(_update(each.status, one, at, changes or {}, base))
    if not found:
        latest = max(over, key=lambda pair: pair[1].incident.end, default=None)
        if latest is None:
            raise ReportError(f"no incident is under way at {subject}, and none is recorded")
        of = latest[0].status.slo
        raise ReportError(
            f"no incident is under way at {subject}; the latest was of {of.service}/{of.name}: "
            f"{in_words(latest[1], zone[1])}"
        )
    order = list(IncidentState)
    found.sort(key=lambda each: (order.index(each.details.state), -each.details.incident.share))
    return IncidentReport(at, zone[0], subject, at + every, tuple(found))


def _update(
    status: SloStatus, of: IncidentDetails, at: int, changes: Changes, base: str
) -> IncidentUpdate:
    of_service = changes.get(status.slo.service, ())
    newest = status.windows.get("5m")
    gate = standing_gate(status)
    return IncidentUpdate(
        identity=Identity.of(status),
        page=base + page_path(status).lstrip("/"),
        details=of,
        burning=sentence(status, at),
        change=before(of_service, of.incident.start),
        error_ratio=newest.error_ratio if newest else None,
        remaining=status.budget.remaining if status.budget else None,
        outlook=outlook(status),
        tier=status.tier.name if status.tier else None,
        action=status.tier.guidance if status.tier else None,
        gate=None if gate is None else str(gate),
        runbook=runbook(status, "page", base),
    )


TIMELINE_COLUMNS = ("service", "slo", "incident", "at", "kind", "text")


def timeline_rows(report: PostmortemReport) -> list[dict[str, Cell]]:
    """The rows of the CSV: an entry of the timeline each."""
    identity = report.identity
    return [
        {
            "service": identity.service,
            "slo": identity.slo,
            "incident": report.details.id,
            "at": entry.at,
            "kind": entry.kind,
            "text": entry.text,
        }
        for entry in report.timeline
    ]
