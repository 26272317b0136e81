"""What has happened between two snapshots, for the log: a line for each thing that a person would
tell of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.slo import incident_words
from exporter.slo.durations import format_duration
from exporter.slo.figures import left, minute, rate
from exporter.slo.incident_details import incident_details
from exporter.slo.records import Change, Firing
from exporter.slo.snapshot import UNMEASURED, DataState, SloStatus, Snapshot
from exporter.slo.statuses import Statuses


@dataclass(frozen=True, slots=True)
class Happening:
    """A thing that happened to an SLO: in a few words, and in which figures."""

    what: str
    status: SloStatus
    figures: Mapping[str, object]


def story(before: Snapshot, after: Snapshot) -> list[Happening]:
    """What has happened since `before`; of SLOs that are new, only what fires or cannot be."""
    found: list[Happening] = []
    for old, status in _pairs(before.slos, after.slos):
        if old is not status:
            found += _happenings(old, status, after.changes.get(status.slo.service, ()))
    return found


def _pairs(
    before: Sequence[SloStatus], after: Sequence[SloStatus]
) -> Iterator[tuple[SloStatus | None, SloStatus]]:
    """Each SLO as it was, if it was there, and as it is, without those that nothing can have
    happened to."""
    if isinstance(before, Statuses) and isinstance(after, Statuses):
        old, new = before.columns, after.columns
        if old.same_slos(new):
            states = zip(old.policy_states, new.policy_states, old.states, new.states, strict=True)
            moved = {i for i, (a, b, c, d) in enumerate(states) if a is not b or c is not d}
            for place in sorted(moved | old.apart | new.apart):
                yield before[place], after[place]
            return
    known = {_key(status): status for status in before}
    for status in after:
        yield known.get(_key(status)), status


def _key(status: SloStatus) -> tuple[str, str, tuple[str, ...]]:
    return status.slo.service, status.slo.name, tuple(status.groups.values())


def _happenings(
    old: SloStatus | None, new: SloStatus, made: Sequence[Change]
) -> Iterator[Happening]:
    yield from _firings(old, new)
    if new.state is DataState.INVALID and (old is None or old.state is not new.state):
        yield Happening("data are invalid", new, {"problem": new.problem})
    if old is None:
        return
    changes, known = new.tier_status.changes, old.tier_status.changes
    if changes and known and changes[-1].at > known[-1].at:
        change = changes[-1]
        figures = {"before": change.before, "after": change.after, "budget": left(change.remaining)}
        if change.burn_rate is not None and change.window is not None:
            window = format_duration(change.window)
            figures["burn_rate"] = f"{rate(change.burn_rate)} over {window}"
        yield Happening("policy tier changed", new, figures)
    yield from _incidents(old, new, made)
    if old.state is not new.state and {old.state, new.state} & UNMEASURED:
        yield Happening("data state changed", new, {"before": old.state, "after": new.state})


def _firings(old: SloStatus | None, new: SloStatus) -> Iterator[Happening]:
    before, now = ({_name(each): each for each in _open(status)} for status in (old, new))
    for name, firing in now.items():
        if name not in before:
            figures = {"condition": firing.name, "since": minute(firing.start)}
            yield Happening("burn-rate condition fires", new, figures)
    for name, firing in before.items():
        if name not in now:
            lasted = format_duration(firing.end - firing.start)
            figures = {"condition": firing.name, "lasted": lasted}
            yield Happening("burn-rate condition has ended", new, figures)


def _open(status: SloStatus | None) -> list[Firing]:
    return [firing for firing in status.firings if firing.open] if status else []


def _name(firing: Firing) -> tuple[str, int, int]:
    return firing.severity, firing.long, firing.short


def _incidents(old: SloStatus, new: SloStatus, made: Sequence[Change]) -> Iterator[Happening]:
    before = [incident for incident in old.incidents if incident.open]
    if not before and not any(incident.open for incident in new.incidents):
        return
    for of in incident_details(new, new.period.start + new.period.elapsed, made):
        incident = of.incident
        # A late sample may have made it begin earlier: it is the one that was there before.
        told = any(one.start <= incident.end and incident.start <= one.end for one in before)
        if incident.open and not told:
            figures = {
                "share": left(incident.share),
                "since": incident_words.when(incident.start, incident.start_about),
            }
            if incident_words.after_change(of):
                figures["change"] = incident_words.after_change(of)
            yield Happening("incident began", new, figures)
        if not incident.open and told:
            figures = {
                "began": incident_words.when(incident.start, incident.start_about),
                "ended": incident_words.when(incident.end, incident.end_about),
                "lasted": incident_words.lasted(incident),
                "share": left(incident.share),
                "peak": incident_words.peak(incident),
                "time_to_detect": incident_words.time_to_detect(of),
                "postmortem": "required" if incident.postmortem else "not required",
            }
            yield Happening("incident ended", new, figures)
