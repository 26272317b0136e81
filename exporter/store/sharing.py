"""What daemons that share a database owe each other when they write tiers, firings and incidents.

Each replays the same slots, so what is final is the same. It is not where one began later than the
other: then the longer past is right. An acknowledgement is nobody's to take away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.slo.policy_state import PolicyState
from exporter.slo.records import KEPT, Acknowledgement
from exporter.slo.types import DAY, HOUR
from exporter.store.session import Session

Key = tuple[int, str]
"""The id of an SLO, and a group's labels as JSON."""

MOST_SKEW = HOUR
"""How far apart daemons may be, in seconds. What is further ahead was told by a wrong clock."""


@dataclass(frozen=True, slots=True)
class StoredRecords:
    """`SharedRecords`, by the ids and labels of the database."""

    first_changes: Mapping[Key, int]
    acknowledged: Mapping[Key, Mapping[int, Acknowledgement]]


def read(session: Session, slo_ids: Sequence[int]) -> StoredRecords:
    """What is stored of some SLOs."""
    wanted = (json.dumps(slo_ids),)
    first_changes = {
        (slo_id, labels): at
        for slo_id, labels, at in session.execute(
            f"SELECT slo, labels, min(at) FROM tier_change WHERE slo IN {session.ids}"  # noqa: S608 - ours
            " GROUP BY slo, labels",
            wanted,
        )
    }
    acknowledged: dict[Key, dict[int, Acknowledgement]] = {}
    for slo_id, labels, start, at, by, note in session.execute(
        "SELECT slo, labels, start, acknowledged_at, acknowledged_by, note FROM incident"  # noqa: S608 - ours
        f" WHERE acknowledged_at IS NOT NULL AND slo IN {session.ids}",
        wanted,
    ):
        acknowledged.setdefault((slo_id, labels), {})[start] = Acknowledgement(at, by, note)
    return StoredRecords(first_changes, acknowledged)


def reconciled(
    session: Session, changed: Mapping[Key, PolicyState], final_until: Mapping[int, int]
) -> dict[Key, PolicyState]:
    """Those of some policy states that are to be stored in place of what others have stored.

    `final_until` tells until when those of an SLO, by its id, are final (Unix seconds).
    """
    ids = sorted({slo_id for slo_id, _ in changed})
    stored = read(session, ids)
    judged: dict[int, int] = dict(
        session.execute(
            f"SELECT id, judged FROM slo WHERE id IN {session.ids}",  # noqa: S608 - ours
            (json.dumps(ids),),
        ).fetchall()
    )
    to_store = {}
    for key, policy_state in changed.items():
        until = final_until.get(key[0], 0)
        behind = until < judged.get(key[0], 0) <= until + MOST_SKEW
        if behind or longer_past(stored.first_changes.get(key), policy_state, until):
            _acknowledge(session, key, policy_state)
            continue
        for start, word in stored.acknowledged.get(key, {}).items():
            policy_state = with_word(policy_state, start, word)  # noqa: PLW2901  # grows
        to_store[key] = policy_state
    return to_store


def longer_past(first_stored: int | None, own: PolicyState | None, until: int) -> bool:
    """Whether the stored past of a series reaches further back than its own, as of `until`.

    What is older than records are kept, or about to be, tells nothing.
    """
    if first_stored is None or first_stored <= until - KEPT + DAY:
        return False
    return own is None or not own.changes or first_stored < own.changes[0].at


def with_word(policy_state: PolicyState, start: int, word: Acknowledgement) -> PolicyState:
    """A policy state with an acknowledgement, unless it has one for that incident."""
    if any(each.start == start and each.acknowledged for each in policy_state.incidents):
        return policy_state
    return policy_state.acknowledged(start, word) or policy_state


def _acknowledge(session: Session, key: Key, policy_state: PolicyState) -> None:
    session.executemany(
        "UPDATE incident SET acknowledged_at = ?, acknowledged_by = ?, note = ?, checksum = NULL"
        " WHERE slo = ? AND labels = ? AND start = ? AND acknowledged_at IS NULL",
        [
            (word.at, word.by, word.note, *key, incident.start)
            for incident in policy_state.incidents
            if (word := incident.acknowledged) is not None
        ],
    )
