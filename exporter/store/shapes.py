"""How SLOs were configured when they were last written: a change may be a mistake.

What a change makes superfluous is kept for a week, so that a correction finds it: slots that are
older than a shorter period, or of lengths that are no longer in use. So is what a clock would make
superfluous that went ahead (`store/clocks.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.ledger.levels import CHUNK
from exporter.slo.types import DAY
from exporter.store.session import Session
from exporter.store.stored import SloKey

PATIENCE = 7 * DAY
"""How long a mistake may last, in seconds."""


@dataclass(frozen=True, slots=True)
class _Shape:
    judged_by: str
    lengths: str
    cut: int
    since: int


def note(
    session: Session,
    ids: Sequence[int],
    keys: Sequence[SloKey],
    lengths: Sequence[int],
    end: int,
) -> dict[int, str]:
    """Note how SLOs (by their ids) are configured now, and how far back they are kept.

    `lengths` are those of their slots (seconds), `end` is up to when they are stored.

    Returns:
        What those were judged by that are judged otherwise now, by id.
    """
    wanted = (json.dumps(ids),)
    before = {
        id_: _Shape(*shape)
        for id_, *shape in session.execute(
            f"SELECT slo, judged_by, lengths, cut, since FROM slo_shape WHERE slo IN {session.ids}",  # noqa: S608 - ours
            wanted,
        )
    }
    keeps: dict[int, int] = dict(
        session.execute(
            f"SELECT id, keep FROM slo WHERE id IN {session.ids}",  # noqa: S608 - ours
            wanted,
        ).fetchall()
    )
    of_now = json.dumps(sorted(lengths))
    judged_otherwise, rows = {}, []
    for id_, key in zip(ids, keys, strict=True):
        shape = before.get(id_, _Shape(key.judged_by, of_now, 0, 0))
        cut, since = shape.cut, shape.since
        if key.keep < keeps[id_] or shape.lengths != of_now:
            cut, since = max(end, cut if since <= end < since + PATIENCE else 0), end
        now = _Shape(key.judged_by, of_now, cut, since)
        if now != before.get(id_):
            rows.append((id_, now.judged_by, now.lengths, now.cut, now.since))
        if shape.judged_by != key.judged_by:
            judged_otherwise[id_] = shape.judged_by
    session.executemany(
        "INSERT INTO slo_shape (slo, judged_by, lengths, cut, since) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (slo) DO UPDATE SET judged_by = excluded.judged_by,"
        " lengths = excluded.lengths, cut = excluded.cut, since = excluded.since, checksum = NULL",
        rows,
    )
    session.executemany(
        "UPDATE slo SET keep = ? WHERE id = ?",
        [(key.keep, id_) for id_, key in zip(ids, keys, strict=True) if keeps[id_] != key.keep],
    )
    return judged_otherwise


def judged_by(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """What SLOs (by id) were judged by when they were last written, as far as that is known."""
    if not session.has("slo_shape"):
        return {}
    found: dict[int, str] = dict(
        session.execute(
            f"SELECT slo, judged_by FROM slo_shape WHERE slo IN {session.ids}",  # noqa: S608 - ours
            (json.dumps(sorted(ids)),),
        ).fetchall()
    )
    return found


def keep_all(session: Session, cuts: Sequence[tuple[int, int]], end: int) -> None:
    """Keep slots of SLOs (by id) that begin before a moment each, for a week from `end` on."""
    session.executemany(
        "UPDATE slo_shape SET cut = CASE WHEN cut > ? THEN cut ELSE ? END, since = ?,"
        " checksum = NULL WHERE slo = ?",
        [(cut, cut, end, id_) for id_, cut in cuts],
    )


def forget_cut(session: Session, slo_id: int) -> None:
    """Keep no slots any longer than usual: Prometheus was asked for all of them again."""
    session.execute("UPDATE slo_shape SET cut = 0, checksum = NULL WHERE slo = ?", (slo_id,))


def superfluous(end: int) -> str:
    """A condition on `chunk`: it is not kept for a correction, as of `end` (Unix seconds)."""
    return (
        "NOT EXISTS (SELECT 1 FROM series JOIN slo_shape ON slo_shape.slo = series.slo"  # noqa: S608 - ours
        f" WHERE series.id = chunk.series AND number * slot * {CHUNK} < cut"
        f" AND since <= {end} AND since > {end - PATIENCE})"
    )
