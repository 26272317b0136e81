"""Incidents: spells in which an SLO's budget burns faster than it comes in, and what they took."""

from __future__ import annotations

from dataclasses import dataclass, replace

from exporter.slo.records import KEPT, Incident

PAUSE = 1_800
"""Bad slots that are not further apart than this (seconds) are of one incident."""

LEAST = 0.01
"""An incident that took a smaller share of a period's budget is not remembered."""


@dataclass(frozen=True, slots=True)
class BadSlot:
    """A slot in which the error ratio was above the error budget: (start, end], Unix seconds.

    `budget` is the error budget of a whole period as of its end, in events.
    """

    start: int
    end: int
    bad: float
    budget: float


def extended(
    incidents: tuple[Incident, ...], slot: BadSlot, postmortem_above: float
) -> tuple[Incident, ...]:
    """The incidents with one more bad slot, later than all of theirs."""
    incidents = closed(incidents, slot.start)
    before = incidents[-1] if incidents and incidents[-1].open else None
    bad = slot.bad + (before.bad if before else 0.0)
    share = bad / slot.budget
    incident = Incident(
        start=before.start if before else slot.start,
        end=slot.end,
        bad=bad,
        share=share,
        open=True,
        postmortem=share > postmortem_above or bool(before and before.postmortem),
        acknowledged=before.acknowledged if before else None,
    )
    return (*(incidents[:-1] if before else incidents), incident)


def closed(incidents: tuple[Incident, ...], at: int) -> tuple[Incident, ...]:
    """The incidents as of a moment before which nothing more was bad, less the small and old."""
    if not incidents or not incidents[-1].open or at - incidents[-1].end <= PAUSE:
        return incidents
    *others, last = incidents
    kept = [one for one in others if one.end > at - KEPT or awaited(one)]
    if last.share >= LEAST:
        kept.append(replace(last, open=False))
    return tuple(kept)


def awaited(incident: Incident) -> bool:
    """Whether its postmortem is required and not yet acknowledged."""
    return incident.postmortem and incident.acknowledged is None


def of_period(incidents: tuple[Incident, ...], since: int) -> tuple[Incident, ...]:
    """Those of a period that began at `since`, and older ones that await a postmortem."""
    return tuple(
        one for one in incidents if (one.end > since and one.share >= LEAST) or awaited(one)
    )
