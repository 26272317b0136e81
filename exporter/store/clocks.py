"""Clocks that went wrong: nothing that was stored before is lost by what they tell.

A clock that is far ahead makes everything look old, and one that is far behind makes it look yet
to come. Which of them is right cannot be known here. So after each step ahead what was there is
kept for a week, and tiers and incidents are set aside; a step back to before it undoes it. What a
clock tells that is far behind is stored as slots of that time alone, until it has gone on so for a
week, or unless there was hardly anything to lose.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exporter.ledger.levels import CHUNK, FINE_HORIZON
from exporter.slo.types import HOUR
from exporter.store import set_aside, shapes, tier_history
from exporter.store.checksums import DamagedChunkError, intact, seal_times
from exporter.store.chunks import unpack
from exporter.store.session import Session
from exporter.store.stored import SloKey

FAR = FINE_HORIZON
"""Seconds since or before the last write that a clock may be off: slots go back as far."""

CLOCK = "clock %"
"""What policy states are set aside under as they were before a step ahead, with the time of that in
Unix seconds: the longest steps may be several."""

BEHIND = "behind"
"""What is noted in the same place of SLOs while a clock is far behind: when it told so last (`at`),
and since when (`judged`)."""

HARDLY_ANYTHING = HOUR
"""Seconds with events that a clock may have stored of a time yet to come: a machine that begins by
a wrong one is soon set right. Slots without any are no proof of that time at all."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step ahead that an SLO (its id) was written after. It was stored up to `before`."""

    slo: int
    before: int
    at: int

    @property
    def name(self) -> str:
        """What its policy states are set aside under."""
        return CLOCK.replace("%", str(self.before))


def note(session: Session, slo_ids: Sequence[int], end: int) -> bool:
    """Note a step ahead to `end` (Unix seconds) since SLOs (by id) were last written.

    Returns:
        Whether it is far behind what is stored of them, so that the rest must stay as it is.
    """
    ends = dict(
        session.execute(
            f'SELECT id, "end" FROM slo WHERE id IN {session.ids}',  # noqa: S608 - ours
            (json.dumps(slo_ids),),
        ).fetchall()
    )
    steps = [Step(id_, before, end) for id_, before in ends.items() if end - before > FAR]
    set_aside.set_aside(session, {step.slo: step.name for step in steps}, end)
    shapes.keep_all(session, [(step.slo, step.before) for step in steps], end)
    later = [id_ for id_, before in ends.items() if before - end > FAR]
    behind = _tells_of(session, later, end) and not _has_lasted(session, later, end)
    if not behind:
        session.execute(
            f"DELETE FROM policy_past WHERE judged_by = ? AND slo IN {session.ids}",  # noqa: S608 - ours
            (BEHIND, json.dumps(slo_ids)),
        )
    return behind


def in_doubt(session: Session, slo_ids: Sequence[int], end: int) -> bool:
    """Whether the clock went ahead within a week before `end`, by what was written of SLOs."""
    found = session.execute(
        f"SELECT 1 FROM policy_past WHERE judged_by LIKE ? AND at > ? AND slo IN {session.ids}",  # noqa: S608 - ours
        (CLOCK, end - shapes.PATIENCE, json.dumps(slo_ids)),
    ).fetchone()
    return found is not None


def wrong(session: Session, keys: Sequence[SloKey], end: int) -> list[Step]:
    """The first step ahead of each SLO to after `end` (Unix seconds), where it was wrong so."""
    if not session.has("policy_past"):
        return []
    names = {(key.measured, key.service, key.name) for key in keys}
    rows = session.execute(
        "SELECT id, measured, service, name, judged_by, at FROM slo"
        ' JOIN policy_past ON policy_past.slo = id WHERE policy_past.judged_by LIKE ? AND "end" > ?'
        " AND policy_past.at > ? ORDER BY at DESC",
        (CLOCK, end, end),
    )
    first = {
        id_: Step(id_, int(judged_by.split()[1]), at)
        for id_, *name, judged_by, at in rows
        if tuple(name) in names
    }
    return list(first.values())


def undo(session: Session, steps: Sequence[Step]) -> None:
    """Take back what was stored after some steps ahead, each of another SLO, and later ones."""
    for step in steps:
        judged, states = set_aside.take(session, step.slo, step.name)
        session.execute(
            "DELETE FROM policy_past WHERE slo = ? AND judged_by LIKE ? AND at >= ?",
            (step.slo, CLOCK, step.at),
        )
        session.execute(
            "DELETE FROM chunk WHERE number * slot * ? >= ?"
            " AND series IN (SELECT id FROM series WHERE slo = ?)",
            (CHUNK, step.before, step.slo),
        )
        tier_history.replace(session, step.slo, states)
        session.execute(
            'UPDATE slo SET "end" = ?, judged = ? WHERE id = ?', (step.before, judged, step.slo)
        )
        session.execute(
            "UPDATE slo_shape SET cut = 0, since = 0, checksum = NULL WHERE slo = ?", (step.slo,)
        )
    seal_times(session, [step.slo for step in steps])


def _has_lasted(session: Session, slo_ids: Sequence[int], end: int) -> bool:
    """Whether the clock has gone on behind what is stored of SLOs (by id) for a week."""
    found = session.execute(
        "SELECT max(at), min(judged) FROM policy_past"  # noqa: S608 - ours
        f" WHERE judged_by = ? AND slo IN {session.ids}",
        (BEHIND, json.dumps(slo_ids)),
    ).fetchone()
    newest, since = found if found[0] is not None else (end, end)
    if not 0 <= end - newest <= FAR:  # it was set again meanwhile
        since = end
    session.executemany(
        "INSERT INTO policy_past (slo, judged_by, at, judged, states) VALUES (?, ?, ?, ?, '[]')"
        " ON CONFLICT (slo, judged_by) DO UPDATE SET at = excluded.at, judged = excluded.judged,"
        " checksum = NULL",
        [(id_, BEHIND, end, since) for id_ in slo_ids],
    )
    return bool(end - since > shapes.PATIENCE)


def _tells_of(session: Session, slo_ids: Sequence[int], end: int) -> bool:
    """Whether there are events of more than a moment after `end` in what is stored of SLOs."""
    seconds: dict[int, int] = defaultdict(int)
    for slo, *key, counts in session.execute(
        "SELECT slo, series, slot, number, counts FROM chunk JOIN series ON series.id = series"  # noqa: S608 - ours
        f" WHERE slo IN {session.ids} AND (number + 1) * slot * ? > ?",
        (json.dumps(slo_ids), CHUNK, end),
    ):
        try:
            body = unpack(intact(counts, *key))
        except DamagedChunkError:
            continue
        _, slot, number = key
        total = np.frombuffer(body, dtype="<f8", count=CHUNK, offset=8 * CHUNK)
        later = max(0, end // slot - number * CHUNK)
        seconds[slo] += int(np.count_nonzero(total[later:] > 0)) * slot
        if seconds[slo] > HARDLY_ANYTHING:
            return True
    return False
