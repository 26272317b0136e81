"""Looking into a store, and asking its daemon for something, from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exporter.errors import StoreError
from exporter.ledger.levels import CHUNK
from exporter.slo.types import Floats
from exporter.store import opening
from exporter.store.chunks import DamagedChunkError, decode


@dataclass(frozen=True, slots=True)
class Holding:
    """What a store has of one SLO.

    - `first`, `last`: where the oldest known slot begins and the newest ends, Unix seconds; None
      if there is none.
    - `coverage`: the known share of the time that slots are kept for, of all groups together.
    - `bytes`: what its counts take.
    - `current`: whether it was in the configuration of the last daemon.
    - `rebuild`: whether Prometheus is to be asked for all of it anew.
    """

    service: str
    name: str
    groups: int
    first: int | None
    last: int | None
    coverage: float
    bytes: int
    current: bool
    rebuild: bool


def holdings(folder: Path) -> list[Holding]:
    """What is stored in a folder, by service and name. A running daemon is not disturbed.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    file = folder / opening.FILE
    if not file.exists():
        raise StoreError(f"{file} does not exist: no daemon has stored anything here yet")
    try:
        with closing(opening.connect_read_only(file)) as connection:
            rows = connection.execute(
                "SELECT id, service, name, keep, end, current, rebuild FROM slo"
                " ORDER BY service, name, current DESC, end DESC"
            ).fetchall()
            return [_holding(connection, row) for row in rows]
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be read: {error}") from error


_Slo = tuple[int, str, str, int, int, int, int]
"""A row of the table: id, service, name, keep, end, current, rebuild."""


def _holding(connection: sqlite3.Connection, slo: _Slo) -> Holding:
    id_, service, name, keep, end, current, rebuild = slo
    series = [of for (of,) in connection.execute("SELECT id FROM series WHERE slo = ?", (id_,))]
    size, known, first, last = 0, 0.0, end, 0
    for one in series:
        # What is fine is newer than what is coarse; older fine slots are in the coarse ones.
        since = end - keep
        by_length = groupby(
            connection.execute(
                "SELECT slot, number, counts FROM chunk WHERE series = ? ORDER BY slot DESC", (one,)
            ),
            itemgetter(0),
        )
        for slot, chunks in by_length:
            newest = since
            for _, number, counts in chunks:
                size += len(counts)
                starts, shares = _known(slot, number, counts)
                if not starts.size:
                    continue
                seconds = np.minimum(starts + slot, end) - np.maximum(starts, since)
                known += float((shares * np.maximum(seconds, 0)).sum())
                first = min(first, int(starts[0]))
                newest = max(newest, int(starts[-1]) + slot)
            since = newest
        last = max(last, since)
    return Holding(
        service=service,
        name=name,
        groups=len(series),
        first=first if known else None,
        last=last if known else None,
        coverage=known / (keep * len(series)) if series else 0.0,
        bytes=size,
        current=bool(current),
        rebuild=bool(rebuild),
    )


def _known(slot: int, number: int, counts: bytes) -> tuple[NDArray[np.int64], Floats]:
    """The known slots of a chunk: where each begins (Unix seconds), and its known share."""
    try:
        known = decode(slot, {number: {0: counts}}, 1).slots.known[0]
    except DamagedChunkError:
        known = np.zeros(0)
    places = np.flatnonzero(known)
    return (number * CHUNK + places) * slot, known[places].astype(np.float64)


def request_rebuild(folder: Path, service: str, name: str) -> None:
    """Have an SLO asked for anew by the daemon that has the store, or by the next one.

    Raises:
        StoreError: there is no such SLO, or the store cannot be written.
    """
    there = {f"{of.service}/{of.name}": of for of in holdings(folder) if of.current}
    wanted = f"{service}/{name}".rstrip("/")
    if wanted not in there:
        close = get_close_matches(wanted, there, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(there) or 'none'}"
        raise StoreError(f"{wanted} is not an SLO of {folder / opening.FILE}: {hint}")
    file = folder / opening.FILE
    try:
        with closing(opening.connect(file)) as connection:
            connection.execute(
                "UPDATE slo SET rebuild = 1 WHERE current AND service = ? AND name = ?",
                (service, name),
            )
    except sqlite3.Error as error:
        raise StoreError(f"{file} cannot be written: {error}") from error


def rebuild_pending(folder: Path, service: str, name: str) -> bool:
    """Whether the daemon is still at it.

    Raises:
        StoreError: the store cannot be read.
    """
    return any(
        of.rebuild and of.current
        for of in holdings(folder)
        if (of.service, of.name) == (service, name)
    )
