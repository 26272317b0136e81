"""Changes of tier, firings and incidents in the store, a row each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from exporter.ledger.levels import FAR_SLOT, MIDDLE_SLOT
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import KEPT, Acknowledgement, Firing, Incident, TierChange
from exporter.slo.types import HOUR, Group
from exporter.store import sharing
from exporter.store.session import Session
from exporter.store.sharing import Key
from exporter.store.stored import PolicyStates

_TABLES = ("tier_change", "incident", "incident_detail", "firing")


def read(session: Session, slo_ids: Sequence[int]) -> Mapping[int, Mapping[Group, PolicyState]]:
    """The tiers and incidents of SLOs, by id and group."""
    if not session.has("tier_change"):
        return {}
    changes: dict[Key, list[TierChange]] = defaultdict(list)
    wanted = (json.dumps(slo_ids),)
    for slo_id, labels, *change in session.execute(
        'SELECT slo, labels, at, before, after, policy, remaining, "window", burn_rate'  # noqa: S608 - ours
        f" FROM tier_change WHERE slo IN {session.ids} ORDER BY at",
        wanted,
    ):
        changes[slo_id, labels].append(TierChange(*change))
    incidents, firings = _incidents(session, slo_ids), _firings(session, slo_ids)
    states: dict[int, dict[Group, PolicyState]] = defaultdict(dict)
    for key in changes.keys() | incidents.keys() | firings.keys():
        slo_id, labels = key
        states[slo_id][tuple(json.loads(labels))] = PolicyState(
            tuple(changes[key]), tuple(incidents[key]), tuple(firings[key])
        )
    return states


def _incidents(session: Session, slo_ids: Sequence[int]) -> dict[Key, list[Incident]]:
    incidents: dict[Key, list[Incident]] = defaultdict(list)
    wanted, details = (json.dumps(slo_ids),), {}
    if session.has("incident_detail"):
        for *incident, peak, start_about, end_about in session.execute(
            'SELECT slo, labels, start, "end", peak, start_about, end_about FROM incident_detail'  # noqa: S608 - ours
            f" WHERE slo IN {session.ids}",
            wanted,
        ):
            details[tuple(incident)] = peak, start_about, end_about
    for slo_id, labels, start, end, bad, share, open_, postmortem, at, by, note in session.execute(
        'SELECT slo, labels, start, "end", bad, share, open, postmortem, acknowledged_at,'  # noqa: S608 - ours
        f" acknowledged_by, note FROM incident WHERE slo IN {session.ids} ORDER BY start",
        wanted,
    ):
        acknowledged = None if at is None else Acknowledgement(at, by, note)
        flags = bool(open_), bool(postmortem), acknowledged
        about = _recorded_before(start, end)
        detail = details.get((slo_id, labels, start, end), (None, about, about))
        incidents[slo_id, labels].append(Incident(start, end, bad, share, *flags, *detail))
    return incidents


def _recorded_before(start: int, end: int) -> int:
    """By how many seconds the times of an older program's incident may be off.

    Its slots were of five minutes, or longer for the time before its first evaluation.
    """
    fitting = (slot for slot in (FAR_SLOT, HOUR) if start % slot == end % slot == 0)
    return next(fitting, MIDDLE_SLOT)


def _firings(session: Session, slo_ids: Sequence[int]) -> dict[Key, list[Firing]]:
    firings: dict[Key, list[Firing]] = defaultdict(list)
    if session.has("firing"):
        for slo_id, labels, severity, long, short, start, end, open_ in session.execute(
            'SELECT slo, labels, severity, long, short, start, "end", open FROM firing'  # noqa: S608 - ours
            f" WHERE slo IN {session.ids} ORDER BY start, severity, long, short",
            (json.dumps(slo_ids),),
        ):
            firings[slo_id, labels].append(Firing(severity, long, short, start, end, bool(open_)))
    return firings


def write(session: Session, slo_ids: Sequence[int], policy_states: PolicyStates) -> None:
    """Store tiers and incidents; `slo_ids` are the ids of the SLOs, by their index."""
    by_time: dict[int, list[int]] = defaultdict(list)
    for slo_id, until in zip(slo_ids, policy_states.final_until, strict=False):
        by_time[until].append(slo_id)
    changed: Mapping[Key, PolicyState] = {
        (slo_ids[slo_index], json.dumps(group)): policy_state
        for (slo_index, group), policy_state in policy_states.changed.items()
    }
    # Others may be further by some slots.
    forward_only = " AND (judged < ? OR judged > ?)" if session.shared else ""
    if session.shared and changed:
        until_of = dict(zip(slo_ids, policy_states.final_until, strict=False))
        changed = sharing.reconciled(session, changed, until_of)
    for until, ids in by_time.items():
        bounds = (until, until + sharing.MOST_SKEW) if forward_only else ()
        session.execute(
            f"UPDATE slo SET judged = ? WHERE id IN {session.ids}{forward_only}",  # noqa: S608 - ours
            (until, json.dumps(ids), *bounds),
        )
    _put(session, changed)


def replace(session: Session, slo_id: int, states: Mapping[Group, PolicyState]) -> None:
    """Store the policy states of an SLO, by group, in place of all that are stored of it."""
    for table in _TABLES:
        session.execute(f"DELETE FROM {table} WHERE slo = ?", (slo_id,))  # noqa: S608 - ours
    _put(session, {(slo_id, json.dumps(group)): each for group, each in states.items()})


def _put(session: Session, changed: Mapping[Key, PolicyState]) -> None:
    if not changed:
        return
    for table in _TABLES:
        session.executemany(f"DELETE FROM {table} WHERE slo = ? AND labels = ?", changed)  # noqa: S608 - ours
    session.executemany(
        "INSERT INTO tier_change"
        ' (slo, labels, at, before, after, policy, remaining, "window", burn_rate)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _change_rows(changed),
    )
    session.executemany(
        'INSERT INTO incident (slo, labels, start, "end", bad, share, open, postmortem,'
        " acknowledged_at, acknowledged_by, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _incident_rows(changed),
    )
    session.executemany(
        'INSERT INTO incident_detail (slo, labels, start, "end", peak, start_about, end_about)'
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        _detail_rows(changed),
    )
    session.executemany(
        'INSERT INTO firing (slo, labels, severity, long, short, start, "end", open)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        _firing_rows(changed),
    )


def _change_rows(changed: Mapping[Key, PolicyState]) -> Iterator[tuple[object, ...]]:
    for key, policy_state in changed.items():
        for change in policy_state.changes:
            figures = (change.remaining, change.window, change.burn_rate)
            yield (*key, change.at, change.before, change.after, change.policy, *figures)


def _incident_rows(changed: Mapping[Key, PolicyState]) -> Iterator[tuple[object, ...]]:
    for key, policy_state in changed.items():
        for incident in policy_state.incidents:
            figures = (incident.start, incident.end, incident.bad, incident.share)
            flags = (int(incident.open), int(incident.postmortem))
            word = incident.acknowledged
            acknowledged = (word.at, word.by, word.note) if word else (None, None, None)
            yield (*key, *figures, *flags, *acknowledged)


def _detail_rows(changed: Mapping[Key, PolicyState]) -> Iterator[tuple[object, ...]]:
    for key, policy_state in changed.items():
        for incident in policy_state.incidents:
            about = incident.start_about, incident.end_about
            yield (*key, incident.start, incident.end, incident.peak_error_ratio, *about)


def _firing_rows(changed: Mapping[Key, PolicyState]) -> Iterator[tuple[object, ...]]:
    for key, policy_state in changed.items():
        for firing in policy_state.firings:
            condition = (firing.severity, firing.long, firing.short)
            yield (*key, *condition, firing.start, firing.end, int(firing.open))


def prune(session: Session, end: int) -> None:
    """Delete what has become too old of SLOs that are no longer configured.

    Those that are configured lose theirs when they are written.
    """
    ends = ((table, '"end"') for table in ("incident", "incident_detail", "firing"))
    for table, column in (("tier_change", "at"), *ends):
        session.execute(
            f"DELETE FROM {table} WHERE {column} <= ? AND slo IN"  # noqa: S608 - as above
            " (SELECT id FROM slo WHERE current = 0)",
            (end - KEPT,),
        )
