"""Requests to ask Prometheus again for SLOs: a flag of the SLO in the store, and since when.

A command sets it from outside, or takes it back, and the daemon that has the store clears it when
it is done. Meanwhile the daemon notes how far it is. Neither reads any slots.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from exporter.errors import StoreError
from exporter.store import outside, shapes
from exporter.store.session import Session
from exporter.store.settings import Place


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """How far a daemon is with a request: the share that is read, and why it waits, if it does."""

    share: float = 0.0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """A request that no daemon has met yet; slots that end by `since` (Unix seconds) stay."""

    service: str
    name: str
    since: int
    progress: RebuildProgress


class RebuildsSeen:
    """Which requests one daemon has met, or need not.

    Where daemons share a store, each reads Prometheus for itself. So a request is not cleared there
    but noted as met, by the negative of when it was made, for the others to find.
    """

    def __init__(self) -> None:
        self._since = time.time()
        self._met: dict[int, int] = {}
        self._taken: set[int] = set()

    def pending(self, session: Session) -> dict[int, int]:
        """The configured SLOs that have a request, by their ids, and since when they are read."""
        rows = session.execute(
            "SELECT slo.id, slo.rebuild, coalesce(rebuild_request.since, 0) FROM slo"
            " LEFT JOIN rebuild_request ON rebuild_request.slo = slo.id"
            " WHERE slo.rebuild <> 0 AND slo.current = 1"
        ).fetchall()
        # One that is taken up here is met here, whoever has met it before.
        self._taken = {
            id_
            for id_, made, _ in rows
            if made > 0 or id_ in self._taken or self._is_new(id_, -made)
        }
        return {id_: since for id_, _, since in rows if id_ in self._taken}

    def _is_new(self, id_: int, made: int) -> bool:
        """Whether another daemon has met a request that was made since this one read the store."""
        return made > self._met[id_] if id_ in self._met else made >= int(self._since)

    def clear(self, session: Session, slo_id: int) -> None:
        """Note that a request was met."""
        shapes.forget_cut(session, slo_id)
        self._taken.discard(slo_id)
        if not session.shared:
            take_back(session, [slo_id])
            return
        session.execute("UPDATE slo SET rebuild = -abs(rebuild) WHERE id = ?", (slo_id,))
        (made,) = session.execute("SELECT rebuild FROM slo WHERE id = ?", (slo_id,)).fetchone()
        self._met[slo_id] = -made


def make(session: Session, slo_ids: Iterable[int], since: int) -> None:
    """Request that SLOs are read again since a time; one that reaches further back stays so."""
    made = int(time.time()) if session.shared else 1
    for slo_id in slo_ids:
        pending = session.execute(
            "SELECT coalesce(rebuild_request.since, 0) FROM slo"
            " LEFT JOIN rebuild_request ON rebuild_request.slo = slo.id"
            " WHERE slo.id = ? AND slo.rebuild > 0",
            (slo_id,),
        ).fetchone()
        if pending is not None and pending[0] <= since:
            continue
        session.execute("DELETE FROM rebuild_request WHERE slo = ?", (slo_id,))
        session.execute(
            "INSERT INTO rebuild_request (slo, since, share) VALUES (?, ?, 0)", (slo_id, since)
        )
        session.execute("UPDATE slo SET rebuild = ? WHERE id = ?", (made, slo_id))


def take_back(session: Session, slo_ids: Iterable[int]) -> None:
    """Have SLOs not read again, whoever has requested it."""
    for slo_id in slo_ids:
        session.execute("UPDATE slo SET rebuild = 0 WHERE id = ?", (slo_id,))
        session.execute("DELETE FROM rebuild_request WHERE slo = ?", (slo_id,))


def note(session: Session, found: Mapping[int, RebuildProgress]) -> None:
    """Note how far a daemon is."""
    for slo_id, each in found.items():
        session.execute(
            "INSERT INTO rebuild_request (slo, since, share, problem) VALUES (?, 0, ?, ?)"
            " ON CONFLICT (slo) DO UPDATE SET share = excluded.share, problem = excluded.problem",
            (slo_id, each.share, each.problem),
        )


def request_rebuild(
    place: Place, service: str | None = None, name: str | None = None, since: int = 0
) -> int:
    """Have every daemon that has the store, or the next one, ask again for an SLO, or for all.

    Args:
        place: where the store is.
        service: of the SLO; None for all SLOs.
        name: of the SLO.
        since: slots that end by then (Unix seconds) are left alone.

    Returns:
        How many SLOs that are.

    Raises:
        StoreError: there is no such SLO, or the store cannot be written.
    """
    with outside.writing(place) as session:
        found = _ids(session, place, service, name)
        make(session, found, since)
    return len(found)


def cancel_rebuild(place: Place, service: str | None = None, name: str | None = None) -> int:
    """Take a request back, or all; how many there were.

    Raises:
        StoreError: as `request_rebuild`.
    """
    with outside.writing(place) as session:
        found = _ids(session, place, service, name)
        pending = {
            id_ for (id_,) in session.execute("SELECT id FROM slo WHERE rebuild > 0").fetchall()
        }
        take_back(session, pending.intersection(found))
    return len(pending.intersection(found))


def _ids(session: Session, place: Place, service: str | None, name: str | None) -> list[int]:
    """The ids of the configured SLOs that are meant.

    Raises:
        StoreError: there is none.
    """
    rows = session.execute("SELECT id, service, name FROM slo WHERE current = 1").fetchall()
    if service is None:
        return [id_ for id_, *_ in rows]
    found = [id_ for id_, *named in rows if named == [service, name]]
    if not found:
        wanted = f"{service}/{name or ''}".rstrip("/")
        known = sorted({f"{of}/{each}" for _, of, each in rows})
        close = get_close_matches(wanted, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known) or 'none'}"
        raise StoreError(f"{outside.name(place)} has no SLO {wanted}: {hint}")
    return found


def rebuild_requests(place: Place) -> list[RebuildRequest]:
    """The requests that no daemon has met yet.

    Raises:
        StoreError: the store cannot be read.
    """
    with outside.reading(place) as session:
        with_progress = session.has("rebuild_request")  # not in a store that is older
        columns, joined = (
            (
                "coalesce(since, 0), coalesce(share, 0), problem",
                " LEFT JOIN rebuild_request ON slo = id",
            )
            if with_progress
            else ("0, 0, NULL", "")
        )
        rows = session.execute(
            f"SELECT service, name, {columns} FROM slo{joined}"  # noqa: S608 - ours
            " WHERE rebuild > 0 AND current = 1 ORDER BY service, name"
        ).fetchall()
    return [
        RebuildRequest(service, name, since, RebuildProgress(share, problem))
        for service, name, since, share, problem in rows
    ]


def rebuild_pending(place: Place, service: str, name: str) -> bool:
    """Whether no daemon has finished with an SLO yet.

    Raises:
        StoreError: the store cannot be read.
    """
    return any((each.service, each.name) == (service, name) for each in rebuild_requests(place))
