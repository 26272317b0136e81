"""Looking into a store from outside, while a daemon may be writing to it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from exporter.ledger.levels import CHUNK
from exporter.slo.types import DAY, Floats
from exporter.store import outside
from exporter.store.checksums import DamagedChunkError, intact
from exporter.store.chunks import decode
from exporter.store.session import Session
from exporter.store.settings import Place


@dataclass(frozen=True, slots=True)
class SloSummary:
    """What a store has of one SLO.

    - `first`, `last`: where the oldest known slot begins and the newest ends, Unix seconds; None
      if there is none.
    - `coverage`: the known share of the time that slots are kept for, over all groups.
    - `days`: where the oldest known slot of a day begins, Unix seconds; None if there is none.
    - `bytes`: the size of its counts, those of days included.
    - `current`: whether the last daemon had it in its configuration.
    - `rebuild`: whether Prometheus is to be asked again for all of it.
    """

    service: str
    name: str
    groups: int
    first: int | None
    last: int | None
    coverage: float
    days: int | None
    bytes: int
    current: bool
    rebuild: bool


def summarize(place: Place) -> list[SloSummary]:
    """What is stored, by service and name. A running daemon is not disturbed.

    Every chunk is decoded: this takes seconds for thousands of SLOs.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    with outside.reading(place) as session:
        rows = session.execute(
            'SELECT id, service, name, keep, "end", current, rebuild FROM slo'
            ' ORDER BY service, name, current DESC, "end" DESC'
        ).fetchall()
        return [_summary(session, row) for row in rows]


_SloRow = tuple[int, str, str, int, int, int, int]
"""Columns of the table: id, service, name, keep, end, current, rebuild."""


def _summary(session: Session, row: _SloRow) -> SloSummary:
    id_, service, name, keep, end, current, rebuild = row
    series_ids = session.execute("SELECT id FROM series WHERE slo = ?", (id_,)).fetchall()
    days, size = _days(session, id_)
    known, first, last = 0.0, end, 0
    for (series_id,) in series_ids:
        # Fine slots are newer than coarse ones. Those that overlap have been merged into these.
        since = end - keep
        by_slot = groupby(
            session.execute(
                "SELECT slot, number, counts FROM chunk WHERE series = ? ORDER BY slot DESC",
                (series_id,),
            ),
            itemgetter(0),
        )
        for slot, chunks in by_slot:
            newest = since
            for _, number, stored in chunks:
                size += len(stored)
                counts = intact(stored, series_id, slot, number)
                starts, shares = _known(slot, number, counts)
                if not starts.size:
                    continue
                seconds = np.minimum(starts + slot, end) - np.maximum(starts, since)
                known += float((shares * np.maximum(seconds, 0)).sum())
                first = min(first, int(starts[0]))
                newest = max(newest, int(starts[-1]) + slot)
            since = newest
        last = max(last, since)
    return SloSummary(
        service=service,
        name=name,
        groups=len(series_ids),
        first=first if known else None,
        last=last if known else None,
        coverage=known / (keep * len(series_ids)) if series_ids else 0.0,
        days=days,
        bytes=size,
        current=bool(current),
        rebuild=rebuild > 0,
    )


def _days(session: Session, id_: int) -> tuple[int | None, int]:
    """Where an SLO's oldest known slot of a day begins, and the size of all."""
    if not session.has("day"):
        return None, 0
    size, begins = 0, []
    for labels, number, stored in session.execute(
        "SELECT labels, number, counts FROM day WHERE slo = ?", (id_,)
    ):
        size += len(stored)
        starts, _ = _known(DAY, number, intact(stored, id_, labels, number))
        begins += starts[:1].tolist()
    return min(begins, default=None), size


def _known(slot: int, number: int, counts: bytes) -> tuple[NDArray[np.int64], Floats]:
    """The known slots of a chunk: where each begins (Unix seconds), and its known share."""
    try:
        known = decode(slot, {number: {0: counts}}, 1).slots.known[0]
    except DamagedChunkError:
        known = np.zeros(0)
    positions = np.flatnonzero(known)
    return (number * CHUNK + positions) * slot, known[positions].astype(np.float64)
