"""Requests to ask Prometheus again for everything of an SLO: a flag of the SLO in the store.

A command sets it from outside, and the daemon that has the store clears it when it is done. Neither
reads any slots.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path

from exporter.errors import StoreError
from exporter.store import opening
from exporter.store.session import Session


def pending(session: Session) -> list[int]:
    """The ids of the configured SLOs that have a request."""
    rows = session.execute("SELECT id FROM slo WHERE rebuild <> 0 AND current = 1").fetchall()
    return [id_ for (id_,) in rows]


def clear(session: Session, slo_id: int) -> None:
    """Note that a request was met."""
    session.execute("UPDATE slo SET rebuild = 0 WHERE id = ?", (slo_id,))


def request_rebuild(folder: Path, service: str, name: str) -> None:
    """Have the daemon that has the store, or the next one, ask again for everything of an SLO.

    Raises:
        StoreError: there is no such SLO, or the store cannot be written.
    """
    file = opening.existing(folder)
    try:
        with closing(opening.connect(file)) as connection:
            updated = connection.execute(
                "UPDATE slo SET rebuild = 1 WHERE current = 1 AND service = ? AND name = ?",
                (service, name),
            ).rowcount
            names = connection.execute(
                "SELECT DISTINCT service || '/' || name AS named FROM slo WHERE current = 1"
                " ORDER BY named"
            ).fetchall()
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be written: {error}") from error
    if not updated:
        wanted, known = f"{service}/{name}".rstrip("/"), [named for (named,) in names]
        close = get_close_matches(wanted, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known) or 'none'}"
        raise StoreError(f"{file} has no SLO {wanted}: {hint}")


def rebuild_pending(folder: Path, service: str, name: str) -> bool:
    """Whether the daemon has not finished yet.

    Raises:
        StoreError: the store cannot be read.
    """
    file = opening.existing(folder)
    try:
        with closing(opening.connect_read_only(file)) as connection:
            row = connection.execute(
                "SELECT 1 FROM slo WHERE rebuild <> 0 AND current = 1 AND service = ? AND name = ?",
                (service, name),
            ).fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be read: {error}") from error
    return row is not None
