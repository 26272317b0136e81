"""What a daemon has to do with the requests in its store to read SLOs again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager

from exporter.slo.types import SloIndex
from exporter.store import rebuild_requests
from exporter.store.rebuild_requests import RebuildProgress, RebuildsSeen
from exporter.store.session import Session
from exporter.store.writing import SloWriter

Sessions = Callable[[], AbstractContextManager[Session]]
"""Gives a session that may read, or write."""


class StoredRebuilds:
    """The requests, by the SLOs of `writer`. Everything raises `StoreError` as `Store.write`."""

    def __init__(self, writer: SloWriter, reading: Sessions, transaction: Sessions) -> None:
        self._writer = writer
        self._reading = reading
        self._transaction = transaction
        self._seen = RebuildsSeen()

    def requests(self) -> dict[SloIndex, int]:
        """The SLOs that are to be read again, and since when (Unix seconds; 0 for all of it)."""
        with self._reading() as session:
            pending = self._seen.pending(session)
        found = ((self._writer.index_of(id_), since) for id_, since in pending.items())
        return {slo_index: since for slo_index, since in found if slo_index is not None}

    def request(self, slo_indices: Iterable[SloIndex], since: int) -> None:
        """Note that SLOs are to be read again since a time, Unix seconds."""
        with self._transaction() as session:
            rebuild_requests.make(session, map(self._writer.id_of, slo_indices), since)

    def cancel(self, slo_indices: Iterable[SloIndex]) -> None:
        """Note that SLOs are not to be read again."""
        with self._transaction() as session:
            rebuild_requests.take_back(session, map(self._writer.id_of, slo_indices))

    def note(self, found: Mapping[SloIndex, RebuildProgress]) -> None:
        """Note how far they are."""
        with self._transaction() as session:
            of_ids = {self._writer.id_of(s): progress for s, progress in found.items()}
            rebuild_requests.note(session, of_ids)

    def end(self, slo_index: SloIndex) -> None:
        """Note that a request was met."""
        with self._transaction() as session:
            self._seen.clear(session, self._writer.id_of(slo_index))
