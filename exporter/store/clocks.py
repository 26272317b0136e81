"""Clocks that went wrong: nothing that was stored before is lost by what they tell.

A clock that is far ahead makes everything look old, and one that is far behind makes it look yet
to come. Which of them is right cannot be known here. So after a step ahead what was there is kept
for a week, and tiers and incidents are set aside; a step back to before it undoes it. What a clock
tells that is far behind is not stored, but for slots of that time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from exporter.ledger.levels import CHUNK, FINE_HORIZON
from exporter.store import set_aside, shapes, tier_history
from exporter.store.checksums import seal_times
from exporter.store.session import Session
from exporter.store.stored import SloKey

FAR = FINE_HORIZON
"""Seconds since or before the last write that a clock may be off: slots go back as far."""

CLOCK = "clock"
"""What policy states are set aside under as they were before a step ahead."""


def note(session: Session, slo_ids: Sequence[int], end: int) -> bool:
    """Note a step ahead to `end` (Unix seconds) since SLOs (by id) were last written.

    Returns:
        Whether they were written at a time that is far ahead of `end`.
    """
    ends = dict(
        session.execute(
            f'SELECT id, "end" FROM slo WHERE id IN {session.ids}',  # noqa: S608 - ours
            (json.dumps(slo_ids),),
        ).fetchall()
    )
    ahead = {id_: before for id_, before in ends.items() if end - before > FAR}
    if ahead:
        set_aside.set_aside(session, dict.fromkeys(ahead, CLOCK), end)
        shapes.keep_all(session, [*ahead.items()], end)
    return any(before - end > FAR for before in ends.values())


def in_doubt(session: Session, slo_ids: Sequence[int], end: int) -> bool:
    """Whether the clock went ahead within a week before `end`, by what was written of SLOs."""
    found = session.execute(
        f"SELECT 1 FROM policy_past WHERE judged_by = ? AND at > ? AND slo IN {session.ids}",  # noqa: S608 - ours
        (CLOCK, end - shapes.PATIENCE, json.dumps(slo_ids)),
    ).fetchone()
    return found is not None


def wrong(session: Session, keys: Sequence[SloKey], end: int) -> list[tuple[int, int]]:
    """The SLOs that were written by a clock that went ahead to after `end` (Unix seconds).

    Returns:
        Their ids, and up to when they were stored before that.
    """
    if not session.has("policy_past"):
        return []
    names = {(key.measured, key.service, key.name) for key in keys}
    rows = session.execute(
        "SELECT id, measured, service, name, cut FROM slo JOIN slo_shape ON slo_shape.slo = id"
        ' JOIN policy_past ON policy_past.slo = id WHERE policy_past.judged_by = ? AND "end" > ?'
        " AND policy_past.at > ?",
        (CLOCK, end, end),
    )
    return [(id_, cut) for id_, *name, cut in rows if tuple(name) in names]


def undo(session: Session, slos: Sequence[tuple[int, int]]) -> None:
    """Take back what a clock that went ahead has stored of SLOs, as `wrong` gives them."""
    for id_, before in slos:
        judged, states = set_aside.take(session, id_, CLOCK)
        session.execute(
            "DELETE FROM chunk WHERE number * slot * ? >= ?"
            " AND series IN (SELECT id FROM series WHERE slo = ?)",
            (CHUNK, before, id_),
        )
        tier_history.replace(session, id_, states)
        session.execute('UPDATE slo SET "end" = ?, judged = ? WHERE id = ?', (before, judged, id_))
        session.execute("UPDATE slo_shape SET cut = 0, since = 0 WHERE slo = ?", (id_,))
    seal_times(session, [id_ for id_, _ in slos])
