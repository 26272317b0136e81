"""Tiers, incidents and firings as they were when an SLO was judged otherwise: by another period,
objective or policy.

They are set aside when that changes. Once it changes back within a week, the SLO goes on from them,
and what it missed meanwhile is replayed from its slots: a mistake leaves no trace.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from exporter.ledger.levels import FINE_HORIZON
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Acknowledgement, Firing, Incident, TierChange
from exporter.slo.types import Group
from exporter.store import tier_history
from exporter.store.session import Session
from exporter.store.shapes import PATIENCE
from exporter.store.stored import SloKey

PolicyPast = tuple[int, Mapping[Group, PolicyState]]
"""Until when policy states are final (Unix seconds), and these."""


def set_aside(session: Session, judged_by: Mapping[int, str], end: int) -> None:
    """Set aside what is stored of SLOs (by id), with what they were judged by until `end`."""
    if not judged_by:
        return
    states = tier_history.read(session, sorted(judged_by))
    judged = dict(
        session.execute(
            f"SELECT id, judged FROM slo WHERE id IN {session.ids}",  # noqa: S608 - ours
            (json.dumps(sorted(judged_by)),),
        ).fetchall()
    )
    session.executemany(
        "INSERT INTO policy_past (slo, judged_by, at, judged, states) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (slo, judged_by) DO UPDATE SET at = excluded.at, judged = excluded.judged,"
        " states = excluded.states, checksum = NULL",
        [
            (id_, before, end, judged[id_], _written(states.get(id_, {})))
            for id_, before in judged_by.items()
        ],
    )


def resumed(
    session: Session,
    keys: Mapping[int, SloKey],
    now: Mapping[int, PolicyPast],
    current: Mapping[int, str],
    end: int,
) -> dict[int, PolicyPast]:
    """What SLOs (by id) go on from that are judged again as they were once; others are left out.

    `now` are those in force, `current` is what they are judged by, and `end` is up to when they are
    stored (Unix seconds).
    """
    if not session.has("policy_past"):
        return {}
    found: dict[int, PolicyPast] = {}
    for id_, judged_by, judged, states in session.execute(
        f"SELECT slo, judged_by, judged, states FROM policy_past WHERE slo IN {session.ids}"  # noqa: S608 - ours
        " AND at > ?",
        (json.dumps(sorted(keys)), end - PATIENCE),
    ):
        if judged_by == keys[id_].judged_by != current.get(id_):
            found[id_] = _going_on((judged, _read(states)), now.get(id_, (0, {})))
    return found


def take(session: Session, slo_id: int, judged_by: str) -> PolicyPast:
    """Take what was set aside of an SLO, which is there."""
    row = session.execute(
        "SELECT judged, states FROM policy_past WHERE slo = ? AND judged_by = ?",
        (slo_id, judged_by),
    ).fetchone()
    session.execute("DELETE FROM policy_past WHERE slo = ? AND judged_by = ?", (slo_id, judged_by))
    return row[0], _read(row[1])


def prune(session: Session, end: int) -> None:
    """Delete what was set aside too long ago to be corrected."""
    session.execute("DELETE FROM policy_past WHERE at <= ?", (end - PATIENCE,))


def _going_on(before: PolicyPast, now: PolicyPast) -> PolicyPast:
    """The past of before, and of now where slots are too coarse by now to replay it."""
    judged, states = before
    until, current = now
    acknowledged_since = any(
        incident.start >= judged and incident.acknowledged
        for policy_state in current.values()
        for incident in policy_state.incidents
    )
    replayed = until - judged <= FINE_HORIZON and not acknowledged_since
    groups = {*states, *current}
    return judged if replayed else max(judged, until), {
        group: _together(
            states.get(group, PolicyState()),
            current.get(group, PolicyState()),
            judged,
            replayed=replayed,
        )
        for group in sorted(groups)
    }


def _together(before: PolicyState, now: PolicyState, judged: int, *, replayed: bool) -> PolicyState:
    for incident in now.incidents:
        if incident.acknowledged:
            before = before.acknowledged(incident.start, incident.acknowledged) or before
    if replayed:
        return before
    later = tuple(each for each in now.incidents if each.end > judged)
    starts = {each.start for each in later}
    firings = tuple(each for each in now.firings if each.end > judged)
    names = {(each.name, each.start) for each in firings}
    return replace(
        before,
        changes=(*before.changes, *(each for each in now.changes if each.at > judged)),
        incidents=(*(each for each in before.incidents if each.start not in starts), *later),
        firings=(
            *(each for each in before.firings if (each.name, each.start) not in names),
            *firings,
        ),
    )


def _written(states: Mapping[Group, PolicyState]) -> str:
    return json.dumps([[group, asdict(policy_state)] for group, policy_state in states.items()])


def _read(text: str) -> dict[Group, PolicyState]:
    return {tuple(group): _policy_state(found) for group, found in json.loads(text)}


def _policy_state(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> PolicyState:
    return PolicyState(
        tuple(TierChange(**change) for change in found["changes"]),
        tuple(_incident(incident) for incident in found["incidents"]),
        tuple(Firing(**firing) for firing in found["firings"]),
    )


def _incident(found: Mapping[str, Any]) -> Incident:
    word = found["acknowledged"]
    return Incident(**{**found, "acknowledged": Acknowledgement(**word) if word else None})
