"""Overrides in the store. They are few: all of them are read, and written, together."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.slo.records import Override
from exporter.store.session import Session

COLUMNS = 'id, service, slo, "by", why, start, until'


def read(session: Session) -> tuple[Override, ...]:
    """All that are stored, oldest first."""
    if not session.has("tier_change"):  # of version 1, which had no overrides either
        return ()
    rows = session.execute(f"SELECT {COLUMNS} FROM override ORDER BY id").fetchall()  # noqa: S608 - ours
    return tuple(
        Override(service, slo, by, why, start, until, id_)
        for id_, service, slo, by, why, start, until in rows
    )


def write(session: Session, overrides: Iterable[Override]) -> None:
    """Store these in place of all others."""
    rows = [(o.id, o.service, o.slo, o.by, o.why, o.start, o.until) for o in overrides]
    session.execute("DELETE FROM override")
    session.executemany(
        f"INSERT INTO override ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
        rows,
    )
