"""Changes of tier, firings and incidents in the store, a row each."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from exporter.slo.policy_state import PolicyState
from exporter.slo.records import KEPT, Acknowledgement, Firing, Incident, TierChange
from exporter.slo.types import Group
from exporter.store.schema import has_firings, has_policy_tables
from exporter.store.stored import PolicyStates


def final_until(connection: sqlite3.Connection, slo_id: int) -> int:
    """Until when the tiers and incidents of an SLO are final, Unix seconds; 0 for never."""
    if not has_policy_tables(connection):
        return 0
    row = connection.execute("SELECT judged FROM slo WHERE id = ?", (slo_id,)).fetchone()
    return int(row[0])


def read(connection: sqlite3.Connection, slo_id: int) -> Mapping[Group, PolicyState]:
    """The tiers and incidents of an SLO, by group."""
    if not has_policy_tables(connection):
        return {}
    changes: dict[Group, list[TierChange]] = defaultdict(list)
    incidents: dict[Group, list[Incident]] = defaultdict(list)
    for labels, *change in connection.execute(
        "SELECT labels, at, before, after, policy, remaining, window, burn_rate FROM tier_change"
        " WHERE slo = ? ORDER BY at",
        (slo_id,),
    ):
        changes[tuple(json.loads(labels))].append(TierChange(*change))
    for labels, start, end, bad, share, open_, postmortem, at, by, note in connection.execute(
        "SELECT labels, start, end, bad, share, open, postmortem, acknowledged_at,"
        " acknowledged_by, note FROM incident WHERE slo = ? ORDER BY start",
        (slo_id,),
    ):
        acknowledged = None if at is None else Acknowledgement(at, by, note)
        incidents[tuple(json.loads(labels))].append(
            Incident(start, end, bad, share, bool(open_), bool(postmortem), acknowledged)
        )
    firings = _firings(connection, slo_id)
    return {
        group: PolicyState(tuple(changes[group]), tuple(incidents[group]), tuple(firings[group]))
        for group in changes.keys() | incidents.keys() | firings.keys()
    }


def _firings(connection: sqlite3.Connection, slo_id: int) -> dict[Group, list[Firing]]:
    firings: dict[Group, list[Firing]] = defaultdict(list)
    if has_firings(connection):
        for labels, severity, long, short, start, end, open_ in connection.execute(
            "SELECT labels, severity, long, short, start, end, open FROM firing"
            " WHERE slo = ? ORDER BY start, severity, long, short",
            (slo_id,),
        ):
            firings[tuple(json.loads(labels))].append(
                Firing(severity, long, short, start, end, bool(open_))
            )
    return firings


def write(
    connection: sqlite3.Connection, slo_ids: Sequence[int], policy_states: PolicyStates
) -> None:
    """Store tiers and incidents; `slo_ids` are the ids of the SLOs, by their index."""
    by_time: dict[int, list[int]] = defaultdict(list)
    for slo_id, until in zip(slo_ids, policy_states.final_until, strict=False):
        by_time[until].append(slo_id)
    for until, ids in by_time.items():
        connection.execute(
            "UPDATE slo SET judged = ? WHERE id IN (SELECT value FROM json_each(?))",
            (until, json.dumps(ids)),
        )
    for (slo_index, group), policy_state in policy_states.changed.items():
        _write(connection, (slo_ids[slo_index], json.dumps(group)), policy_state)


def _write(connection: sqlite3.Connection, key: tuple[int, str], policy_state: PolicyState) -> None:
    for table in ("tier_change", "incident", "firing"):
        connection.execute(f"DELETE FROM {table} WHERE slo = ? AND labels = ?", key)  # noqa: S608 - ours
    connection.executemany(
        "INSERT INTO tier_change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                *(*key, change.at, change.before, change.after, change.policy),
                *(change.remaining, change.window, change.burn_rate),
            )
            for change in policy_state.changes
        ),
    )
    connection.executemany(
        "INSERT INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _incident_rows(key, policy_state.incidents),
    )
    connection.executemany(
        "INSERT INTO firing VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                *key,
                firing.severity,
                firing.long,
                firing.short,
                firing.start,
                firing.end,
                firing.open,
            )
            for firing in policy_state.firings
        ),
    )


def _incident_rows(
    key: tuple[int, str], incidents: Iterable[Incident]
) -> Iterable[tuple[object, ...]]:
    for incident in incidents:
        figures = (
            incident.start,
            incident.end,
            incident.bad,
            incident.share,
            incident.open,
            incident.postmortem,
        )
        word = incident.acknowledged
        acknowledged = (word.at, word.by, word.note) if word else (None, None, None)
        yield (*key, *figures, *acknowledged)


def prune(connection: sqlite3.Connection, end: int) -> None:
    """Delete what has become too old of SLOs that are no longer configured.

    Those that are configured lose theirs when they are written.
    """
    for table, column in (("tier_change", "at"), ("incident", "end"), ("firing", "end")):
        connection.execute(
            f"DELETE FROM {table} WHERE {column} <= ? AND slo IN"  # noqa: S608 - as above
            " (SELECT id FROM slo WHERE NOT current)",
            (end - KEPT,),
        )
