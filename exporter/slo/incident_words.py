"""An incident in words: on the page, in the log, in documents. What comes from coarse slots is
about."""

from __future__ import annotations

from datetime import UTC, tzinfo

from exporter.slo.durations import format_duration
from exporter.slo.figures import minute, percent, second
from exporter.slo.incident_details import IncidentDetails, IncidentState
from exporter.slo.records import Firing, Incident

NOT_KNOWN = "not known"


def when(at: float, about: int, zone: tzinfo = UTC) -> str:
    """A moment (Unix seconds) that may be off: `2023-11-14 22:15:30 UTC`, `about ... 22:00 UTC`."""
    return f"about {minute(at, zone)}" if about else second(at, zone)


def until(of: IncidentDetails, zone: tzinfo = UTC) -> str:
    """When it ended. It is ongoing only while the newest slot is bad."""
    incident = of.incident
    end = when(incident.end, incident.end_about, zone)
    match of.state:
        case IncidentState.BURNING:
            return "ongoing"
        case IncidentState.QUIET if of.over_at is not None:
            return f"{end}, unless something fails before {second(of.over_at, zone)}"
        case IncidentState.UNKNOWN:
            return f"{end} or later: nothing is known since"
        case _:
            return end


def lasted(incident: Incident) -> str:
    """How long, from the first to the last bad slot: `15m`, `about 2h`."""
    sure = not (incident.start_about or incident.end_about)
    return ("" if sure else "about ") + format_duration(incident.end - incident.start)


def peak(incident: Incident) -> str:
    """The highest error ratio of a slot: `47%`; `at least 3%` where coarse slots hide more."""
    ratio = incident.peak_error_ratio
    if ratio is None:
        return NOT_KNOWN
    sure = not (incident.start_about or incident.end_about)
    return ("" if sure else "at least ") + percent(ratio)


def time_to_detect(of: IncidentDetails) -> str:
    """From its first bad slot to its first page: `1m30s`; `no page` if none fired."""
    if of.time_to_detect is None:
        return "no page" if of.followed else NOT_KNOWN
    about = "about " if of.incident.start_about else ""
    return about + format_duration(of.time_to_detect)


def held(firing: Firing) -> str:
    """When a condition held: `page 1h/5m from 2023-11-14 22:16:30 UTC to ...`, or `... still`."""
    end = "still" if firing.open else f"to {second(firing.end)}"
    return f"{firing.name} from {second(firing.start)} {end}"


def after_change(of: IncidentDetails) -> str:
    """The change that it began after: `began 5m after v1.2.3`; empty without one.

    One that began during an experiment is `planned`, and which it was.
    """
    change, incident = of.change, of.incident
    if of.planned is not None:
        return f"planned: {of.planned.what}"
    if change is None:
        return ""
    about = "about " if incident.start_about else ""
    seconds = incident.start - change.at
    if seconds <= 0:
        return f"began {about}with {change.what}"
    return f"began {about}{format_duration(seconds)} after {change.what}"
