"""Requests to ask Prometheus again for everything of an SLO: a flag of the SLO in the store.

A command sets it from outside, and the daemon that has the store clears it when it is done. Neither
reads any slots.
"""

from __future__ import annotations

import time
from difflib import get_close_matches

from exporter.errors import StoreError
from exporter.store import outside, shapes
from exporter.store.session import Session
from exporter.store.settings import Place


class RebuildsSeen:
    """Which requests one daemon has met, or need not.

    Where daemons share a store, each reads Prometheus for itself. So a request is not cleared there
    but noted as met, by the negative of when it was made, for the others to find.
    """

    def __init__(self) -> None:
        self._since = time.time()
        self._met: dict[int, int] = {}

    def pending(self, session: Session) -> list[int]:
        """The ids of the configured SLOs that have a request."""
        rows = session.execute(
            "SELECT id, rebuild FROM slo WHERE rebuild <> 0 AND current = 1"
        ).fetchall()
        return [id_ for id_, made in rows if made > 0 or self._is_new(id_, -made)]

    def _is_new(self, id_: int, made: int) -> bool:
        """Whether another daemon has met a request that was made since this one read the store."""
        return made > self._met[id_] if id_ in self._met else made >= int(self._since)

    def clear(self, session: Session, slo_id: int) -> None:
        """Note that a request was met."""
        shapes.forget_cut(session, slo_id)
        if not session.shared:
            session.execute("UPDATE slo SET rebuild = 0 WHERE id = ?", (slo_id,))
            return
        session.execute("UPDATE slo SET rebuild = -abs(rebuild) WHERE id = ?", (slo_id,))
        (made,) = session.execute("SELECT rebuild FROM slo WHERE id = ?", (slo_id,)).fetchone()
        self._met[slo_id] = -made


def request_rebuild(place: Place, service: str, name: str) -> None:
    """Have every daemon that has the store, or the next one, ask again for everything of an SLO.

    Raises:
        StoreError: there is no such SLO, or the store cannot be written.
    """
    with outside.writing(place) as session:
        made = int(time.time()) if session.shared else 1
        updated = session.execute(
            "UPDATE slo SET rebuild = ? WHERE current = 1 AND service = ? AND name = ?",
            (made, service, name),
        ).rowcount
        names = session.execute(
            "SELECT DISTINCT service || '/' || name AS named FROM slo WHERE current = 1"
            " ORDER BY named"
        ).fetchall()
    if not updated:
        wanted, known = f"{service}/{name}".rstrip("/"), [named for (named,) in names]
        close = get_close_matches(wanted, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known) or 'none'}"
        raise StoreError(f"{outside.name(place)} has no SLO {wanted}: {hint}")


def rebuild_pending(place: Place, service: str, name: str) -> bool:
    """Whether no daemon has finished yet.

    Raises:
        StoreError: the store cannot be read.
    """
    with outside.reading(place) as session:
        row = session.execute(
            "SELECT 1 FROM slo WHERE rebuild > 0 AND current = 1 AND service = ? AND name = ?",
            (service, name),
        ).fetchone()
    return row is not None
