"""Deleting what is no longer needed, within a transaction of the caller's."""

from __future__ import annotations

import json
from collections.abc import Sequence

from exporter.ledger.levels import CHUNK
from exporter.slo.records import KEPT
from exporter.store import changes, clocks, days, set_aside, shapes, tier_history
from exporter.store.loading import SLACK
from exporter.store.session import Session
from exporter.store.sharing import MOST_SKEW


def take_back(session: Session, end: int, slo_ids: Sequence[int]) -> None:
    """Delete what a clock that was a little ahead has stored of SLOs (by id) of after `end`.

    Daemons that share a database are not at the same slot all the time.
    """
    ids = json.dumps(slo_ids)
    (before,) = session.execute(
        f'SELECT max("end") FROM slo WHERE id IN {session.ids}',  # noqa: S608 - ours
        (ids,),
    ).fetchone()
    if before is not None and before > end + (MOST_SKEW if session.shared else 0):
        session.execute(
            f"DELETE FROM chunk WHERE number * slot * ? >= ? AND {_of(session)}",  # noqa: S608 - ours
            (CHUNK, end, ids),
        )


def prune(
    session: Session, end: int, level_starts: Sequence[tuple[int, int]], slo_ids: Sequence[int]
) -> None:
    """Delete slots that have been merged into coarser ones, and what is older than its period.

    `level_starts` are as in `Store.write`, for the SLOs with these ids.
    """
    ids = json.dumps(slo_ids)
    superfluous = shapes.superfluous(end)
    session.execute(
        "DELETE FROM chunk WHERE (number + 1) * slot * ? <= ? - ? - (SELECT keep FROM slo"  # noqa: S608 - ours
        " JOIN series ON series.slo = slo.id WHERE series.id = chunk.series)"
        f" AND {superfluous}",
        (CHUNK, end, SLACK),
    )
    session.executemany(
        f"DELETE FROM chunk WHERE slot = ? AND number < ? AND {_of(session)} AND {superfluous}",  # noqa: S608 - ours
        [(slot, start // (slot * CHUNK), ids) for slot, start in level_starts],
    )
    # Slots of lengths that the ledger no longer has, say after a change of the interval: they were
    # converted, and stored as what they have become.
    session.execute(
        f"DELETE FROM chunk WHERE slot NOT IN {session.ids} AND {_of(session)} AND {superfluous}",  # noqa: S608 - ours
        (json.dumps([slot for slot, _ in level_starts]), ids),
    )
    session.execute(
        "DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.series = series.id)"
    )
    if not clocks.in_doubt(session, slo_ids, end):
        _prune_records(session, end)


def _prune_records(session: Session, end: int) -> None:
    # What others have configured is theirs, for as long as they write it.
    session.execute(
        'UPDATE slo SET current = 0 WHERE current = 1 AND "end" < ?', (end - MOST_SKEW,)
    )
    tier_history.prune(session, end)
    changes.prune(session, end - KEPT)
    days.prune(session, end)
    set_aside.prune(session, end)
    unused = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.slo = slo.id)"  # noqa: S608 - ours
        for table in ("series", "tier_change", "incident", "day")
    )
    session.execute(f"DELETE FROM slo WHERE current = 0 AND {unused}")  # noqa: S608 - ours


def over(key: tuple[int, int, int], level_starts: Sequence[tuple[int, int]]) -> bool:
    """Whether a chunk (series, slot, number) lies before the slots of its length."""
    _, slot, number = key
    return number < dict(level_starts).get(slot, 0) // (slot * CHUNK)


def _of(session: Session) -> str:
    """A condition: a chunk is of one of the SLOs whose ids are passed."""
    return f"series IN (SELECT id FROM series WHERE slo IN {session.ids})"  # noqa: S608 - ours
