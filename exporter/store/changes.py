"""Changes in the store: new ones are added, and ids tell what others have added since."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.slo.changes import MOST, SAME
from exporter.slo.records import Change
from exporter.store.session import Session

COLUMNS = 'service, what, at, "by", link, source'


def read(session: Session, after: int = 0) -> tuple[int, tuple[Change, ...]]:
    """The changes with ids above `after`, and the highest id (`after` if there is none)."""
    if not session.has("change"):
        return after, ()
    rows = session.execute(
        f"SELECT {COLUMNS}, id FROM change WHERE id > ? ORDER BY id",  # noqa: S608 - ours
        (after,),
    ).fetchall()
    return (rows[-1][-1] if rows else after), tuple(Change(*row[:-1]) for row in rows)


def add(session: Session, changes: Iterable[Change]) -> None:
    """Store some changes, but those that somebody else has stored within a minute."""
    session.executemany(
        f"INSERT INTO change ({COLUMNS}) SELECT ?, ?, ?, ?, ?, ? WHERE NOT EXISTS"  # noqa: S608 - ours
        " (SELECT 1 FROM change WHERE service = ? AND what = ? AND at > ? AND at < ?)",
        [
            (
                *(one.service, one.what, one.at, one.by, one.link, one.source),
                *(one.service, one.what, one.at - SAME, one.at + SAME),
            )
            for one in changes
        ],
    )


def prune(session: Session, since: int) -> None:
    """Delete those up to a time (Unix seconds), and the oldest of more than are kept."""
    session.execute("DELETE FROM change WHERE at <= ?", (since,))
    session.execute(
        "DELETE FROM change WHERE at < (SELECT at FROM change ORDER BY at DESC LIMIT 1 OFFSET ?)",
        (MOST,),
    )
