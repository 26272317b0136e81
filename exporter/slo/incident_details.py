"""What is told of an incident: its record, whether it goes on, and which conditions held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from exporter.slo.changes import SOON, before, experiment_at
from exporter.slo.incident_ids import incident_id
from exporter.slo.incidents import PAUSE
from exporter.slo.records import Change, Firing, Incident
from exporter.slo.snapshot import UNMEASURED, SloStatus

FIRST_SLOT = 60
"""Seconds after its start that a change may still be its cause: an incident begins with its first
bad slot, and not with the first bad event in it."""


class IncidentState(StrEnum):
    """Whether an incident goes on."""

    BURNING = "burning"
    """The newest slot is bad."""
    QUIET = "quiet"
    """It has ended, but another bad slot within the pause would be of it."""
    UNKNOWN = "unknown"
    """It was going on, or had just ended, when the data stopped."""
    ENDED = "ended"
    """It is over: what fails now is another incident."""


@dataclass(frozen=True, slots=True)
class IncidentDetails:
    """An incident, and what other records say of it. Times are Unix seconds.

    - `id`: what it is called, on every replica.
    - `over_at`: when one that may go on is over if nothing more fails; None once it is over.
    - `firings`: the conditions that held because of it, oldest first.
    - `followed`: whether conditions were followed when it began. If not, `firings` may lack some.
    - `time_to_detect`: seconds from its first bad slot to its first page; None without a page.
    - `change`: the last change of the service within the hour before it began, if there is one.
    - `planned`: the experiment during which it began: somebody wanted to see what happens.
    """

    incident: Incident
    id: str
    state: IncidentState
    over_at: int | None
    firings: tuple[Firing, ...]
    followed: bool
    time_to_detect: int | None
    change: Change | None = None
    planned: Change | None = None


def incident_details(
    status: SloStatus, at: int, changes: Sequence[Change] = ()
) -> tuple[IncidentDetails, ...]:
    """The incidents of an SLO, oldest first, as of the slot boundary `at`.

    `changes` are those of its service, oldest first.
    """
    return tuple(
        _details(status, at, incident, after.start if after else None, changes)
        for incident, after in pairwise((*status.incidents, None))
        if incident is not None
    )


def _details(
    status: SloStatus,
    at: int,
    incident: Incident,
    next_start: int | None,
    changes: Sequence[Change],
) -> IncidentDetails:
    firings = tuple(_own(incident, status.firings, next_start))
    pages = [firing.start for firing in firings if firing.severity == "page"]
    return IncidentDetails(
        incident=incident,
        id=incident_id(status.slo.service, status.slo.name, status.groups, incident.start),
        state=_state(status, at, incident),
        over_at=incident.end + PAUSE if incident.open else None,
        firings=firings,
        followed=not incident.start_about,
        time_to_detect=max(0, min(pages) - incident.start) if pages else None,
        change=_change(incident, changes),
        planned=experiment_at(changes, incident.start, _late(incident)),
    )


def _change(incident: Incident, changes: Sequence[Change]) -> Change | None:
    """The change that it began after. One within its first slot comes before it."""
    late = _late(incident)
    return before(changes, incident.start + late, SOON + late)


def _late(incident: Incident) -> int:
    return max(incident.start_about, FIRST_SLOT)


def _own(incident: Incident, firings: Sequence[Firing], next_start: int | None) -> Iterator[Firing]:
    """The firings that an incident caused, or that went on when it began.

    One may begin after the incident's end, as long as its short window still sees it: the good
    events of before leave the long window first.
    """
    for firing in firings:
        seen_until = incident.end + firing.short
        if next_start is not None:
            seen_until = min(seen_until, next_start + 1)
        if firing.start < seen_until and firing.end > incident.start:
            yield firing


def _state(status: SloStatus, at: int, incident: Incident) -> IncidentState:
    if not incident.open:
        return IncidentState.ENDED
    if status.state in UNMEASURED:
        return IncidentState.UNKNOWN
    newest = min(status.last_slot or 0, at - status.lag)
    return IncidentState.BURNING if incident.end >= newest else IncidentState.QUIET
