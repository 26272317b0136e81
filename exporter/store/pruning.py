"""Deleting what is no longer needed, within a transaction of the caller's."""

from __future__ import annotations

import json
from collections.abc import Sequence

from exporter.ledger.levels import CHUNK
from exporter.store import tier_history
from exporter.store.loading import SLACK
from exporter.store.session import Session

_OF_CURRENT = (
    "series IN (SELECT series.id FROM series JOIN slo ON series.slo = slo.id WHERE current = 1)"
)


def take_back(session: Session, end: int) -> None:
    """Delete what a clock that was ahead has stored of the time after `end`."""
    (before,) = session.execute('SELECT max("end") FROM slo WHERE current = 1').fetchone()
    if before is not None and before > end:
        session.execute(
            f"DELETE FROM chunk WHERE number * slot * ? >= ? AND {_OF_CURRENT}",  # noqa: S608 - ours
            (CHUNK, end),
        )


def prune(session: Session, end: int, level_starts: Sequence[tuple[int, int]]) -> None:
    """Delete slots that have been merged into coarser ones, and what is older than its period.

    `level_starts` are as in `Store.write`.
    """
    session.execute(
        "DELETE FROM chunk WHERE (number + 1) * slot * ? <= ? - ? - (SELECT keep FROM slo"
        " JOIN series ON series.slo = slo.id WHERE series.id = chunk.series)",
        (CHUNK, end, SLACK),
    )
    session.executemany(
        f"DELETE FROM chunk WHERE slot = ? AND number < ? AND {_OF_CURRENT}",  # noqa: S608 - ours
        [(slot, start // (slot * CHUNK)) for slot, start in level_starts],
    )
    # Slots of lengths that the ledger no longer has, say after a change of the interval: they were
    # converted, and stored as what they have become.
    session.execute(
        f"DELETE FROM chunk WHERE slot NOT IN {session.ids} AND {_OF_CURRENT}",  # noqa: S608 - ours
        (json.dumps([slot for slot, _ in level_starts]),),
    )
    tier_history.prune(session, end)
    session.execute("DELETE FROM series WHERE id NOT IN (SELECT series FROM chunk)")
    session.execute(
        "DELETE FROM slo WHERE current = 0 AND id NOT IN (SELECT slo FROM series"
        " UNION SELECT slo FROM tier_change UNION SELECT slo FROM incident)"
    )
