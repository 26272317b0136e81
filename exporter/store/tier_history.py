"""Judgements in the store: changes of tier and incidents, a row each."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exporter.slo.policy_state import PolicyState
from exporter.slo.records import KEPT, Acknowledgement, Incident, TierChange
from exporter.slo.types import Group, SloIndex


@dataclass(frozen=True, slots=True)
class PolicyStates:
    """How SLOs stand in their policies: what is to be stored of it.

    - `until`: until when each owner was judged for good, Unix seconds.
    - `changed`: the policy states that are other than the store has them, by owner and group.
    """

    until: Sequence[int] = ()
    changed: Mapping[tuple[SloIndex, Group], PolicyState] | None = None


NOTHING = PolicyStates()


def read(connection: sqlite3.Connection, slo: int) -> tuple[int, dict[Group, PolicyState]]:
    """Until when an SLO was judged for good (Unix seconds; 0 for never), and how, by group."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < 2:  # of an older version, and cannot be written
        return 0, {}
    changes: dict[Group, list[TierChange]] = defaultdict(list)
    incidents: dict[Group, list[Incident]] = defaultdict(list)
    for labels, *change in connection.execute(
        "SELECT labels, at, before, after, policy, remaining, window, burn_rate FROM tier_change"
        " WHERE slo = ? ORDER BY at",
        (slo,),
    ):
        changes[tuple(json.loads(labels))].append(TierChange(*change))
    for labels, start, end, bad, share, open_, postmortem, at, by, note in connection.execute(
        "SELECT labels, start, end, bad, share, open, postmortem, acknowledged_at,"
        " acknowledged_by, note FROM incident WHERE slo = ? ORDER BY start",
        (slo,),
    ):
        word = None if at is None else Acknowledgement(at, by, note)
        found = Incident(start, end, bad, share, bool(open_), bool(postmortem), word)
        incidents[tuple(json.loads(labels))].append(found)
    (until,) = connection.execute("SELECT judged FROM slo WHERE id = ?", (slo,)).fetchone()
    groups = changes.keys() | incidents.keys()
    return until, {
        group: PolicyState(tuple(changes[group]), tuple(incidents[group])) for group in groups
    }


def write(connection: sqlite3.Connection, ids: Sequence[int], unsaved: PolicyStates) -> None:
    """Store policy states; `ids` are those of the owners."""
    owners: dict[int, list[int]] = defaultdict(list)
    for id_, until in zip(ids, unsaved.until, strict=False):
        owners[until].append(id_)
    for until, those in owners.items():
        connection.execute(
            "UPDATE slo SET judged = ? WHERE id IN (SELECT value FROM json_each(?))",
            (until, json.dumps(those)),
        )
    for (owner, group), policy_state in (unsaved.changed or {}).items():
        _write(connection, (ids[owner], json.dumps(group)), policy_state)


def _write(connection: sqlite3.Connection, key: tuple[int, str], policy_state: PolicyState) -> None:
    for table in ("tier_change", "incident"):
        connection.execute(f"DELETE FROM {table} WHERE slo = ? AND labels = ?", key)  # noqa: S608 - ours
    connection.executemany(
        "INSERT INTO tier_change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (*key, of.at, of.before, of.after, of.policy, of.remaining, of.window, of.burn_rate)
            for of in policy_state.changes
        ),
    )
    connection.executemany(
        "INSERT INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _rows(key, policy_state)
    )


def _rows(key: tuple[int, str], policy_state: PolicyState) -> Iterable[tuple[object, ...]]:
    for of in policy_state.incidents:
        word = of.acknowledged
        said = (word.at, word.by, word.note) if word else (None, None, None)
        yield (*key, of.start, of.end, of.bad, of.share, of.open, of.postmortem, *said)


def prune(connection: sqlite3.Connection, end: int) -> None:
    """Drop what has become too old of SLOs that are no longer there; the others see to it."""
    for table, column in (("tier_change", "at"), ("incident", "end")):
        connection.execute(
            f"DELETE FROM {table} WHERE {column} <= ? AND slo IN"  # noqa: S608 - as above
            " (SELECT id FROM slo WHERE NOT current)",
            (end - KEPT,),
        )
