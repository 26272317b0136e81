"""The store: what is known of the SLOs, on disk, so that it outlives this process and Prometheus.

Everything of one evaluation is written in one transaction, so that the file always holds the ledger
as it was at some evaluation. Overrides are written in transactions of their own. Nothing is written
to a file that was not read first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from exporter.slo.records import Override
from exporter.slo.types import SloIndex, enumerate_slos
from exporter.store import overrides, rebuild_requests
from exporter.store.connection import StoreConnection
from exporter.store.loading import SloReader
from exporter.store.session import Session
from exporter.store.stored import ChunkChange, PolicyStates, SloKey, StoredSlo
from exporter.store.writing import SloWriter


class Store:
    """Ledger, tiers, incidents and overrides on disk.

    Its methods block, and may be called from any thread, one at a time. Once one has raised
    StoreLostError, everything has to be written again, overrides included.
    """

    def __init__(self, folder: Path) -> None:
        """Open the store in a folder; see `StoreConnection`.

        Raises:
            StoreInUseError, StoreVersionError, StoreError: as there.
        """
        self._connection = StoreConnection(folder)
        self._writer = SloWriter(())

    @property
    def file(self) -> Path:
        """The database."""
        return self._connection.file

    @property
    def size(self) -> int:
        """The bytes that it takes on disk."""
        return self._connection.size

    def new_messages(self) -> list[str]:
        """What an operator should know of the file, each told once."""
        messages, self._connection.messages = self._connection.messages, []
        return messages

    def load(
        self, keys: Sequence[SloKey], known: Collection[SloIndex] = ()
    ) -> dict[SloIndex, StoredSlo]:
        """Read what is stored of some SLOs, by their index. The next writes are of these SLOs.

        Those in `known` are not read.

        Raises:
            StoreError: it cannot be read.
        """
        self._writer = SloWriter(keys)
        found = {}
        with self._connection.reading() as connection:
            reader = SloReader(connection)
            wanted = [slo_index for slo_index, _ in enumerate_slos(keys) if slo_index not in known]
            for place, stored in reader.read([keys[slo_index] for slo_index in wanted]):
                found[wanted[place]] = stored
        name = self._connection.name
        self._connection.messages += [f"{name}: {message}" for message in reader.messages]
        return found

    def write(
        self,
        end: int,
        level_starts: Sequence[tuple[int, int]],
        changes: Sequence[ChunkChange],
        policy_states: PolicyStates | None = None,
    ) -> None:
        """Store what has changed up to `end` (Unix seconds), all of it or nothing.

        Args:
            end: up to when the ledger knows anything.
            level_starts: for every slot length of the ledger (seconds), since when it has slots of
                that length (Unix seconds); older ones are deleted.
            changes: the slots to store.
            policy_states: the tiers and incidents to store.

        Raises:
            StoreError: it cannot be written; the next call tries again.
            StoreLostError: the same, and what was stored before is gone.
        """
        with self._transaction() as connection:
            self._writer.write(
                connection, end, level_starts, changes, policy_states or PolicyStates()
            )

    def overrides(self) -> tuple[Override, ...]:
        """All overrides that are stored, oldest first.

        Raises:
            StoreError: they cannot be read.
        """
        with self._connection.reading() as connection:
            return overrides.read(connection)

    def write_overrides(self, all_overrides: Iterable[Override]) -> None:
        """Store these overrides in place of all others.

        Raises:
            StoreError, StoreLostError: as `write`.
        """
        with self._transaction() as connection:
            overrides.write(connection, all_overrides)

    def rebuild_requests(self) -> list[SloIndex]:
        """The SLOs that Prometheus is to be asked for again, as a whole.

        Raises:
            StoreError: it cannot be read.
        """
        with self._connection.reading() as connection:
            found = map(self._writer.index_of, rebuild_requests.pending(connection))
            return [slo_index for slo_index in found if slo_index is not None]

    def end_rebuild(self, slo_index: SloIndex) -> None:
        """Note that a request was met.

        Raises:
            StoreError, StoreLostError: as `write`.
        """
        with self._transaction() as connection:
            rebuild_requests.clear(connection, self._writer.id_of(slo_index))

    def close(self) -> None:
        """Let other processes open it."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        try:
            with self._connection.transaction() as connection:
                yield connection
        except BaseException:
            self._writer.forget()
            raise
