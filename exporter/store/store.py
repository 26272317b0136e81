"""The store: what is known of the SLOs, on disk, so that it outlives process and Prometheus.

Everything of one evaluation is written in one transaction, so that it always holds the ledger as it
was at some evaluation. Overrides are written in transactions of their own. Nothing is written to a
file that was not read first. A database that daemons share gives back what others know.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from exporter.ledger.history import History
from exporter.slo.overrides import OverrideLimits
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Change, Override
from exporter.slo.types import Group, SloIndex, enumerate_slos
from exporter.store import changes, clocks, overrides
from exporter.store.loading import SloReader
from exporter.store.places import backend
from exporter.store.session import Session
from exporter.store.settings import Place, PostgresSettings
from exporter.store.stored import ChunkChange, PolicyStates, SharedRecords, SloKey, StoredSlo, Taker
from exporter.store.stored_rebuilds import StoredRebuilds
from exporter.store.writing import SloWriter


class Store:
    """Ledger, tiers, incidents and overrides on disk.

    Its methods block, and may be called from any thread; one waits for the other. Once one has
    raised StoreLostError, everything has to be written again, overrides included. `rebuilds` are
    the requests to read SLOs again.
    """

    def __init__(self, place: Place) -> None:
        """Open the store in a folder, or name its database; see `StoreConnection`.

        Raises:
            DriverAbsentError, StoreInUseError, StoreVersionError, StoreError: as `backend`.
        """
        self._connection = backend(place)
        self._begin(())
        self.shared = isinstance(place, PostgresSettings)

    def _begin(self, keys: Sequence[SloKey]) -> None:
        self._writer = SloWriter(keys)
        reading = self._connection.reading
        self.rebuilds = StoredRebuilds(self._writer, reading, self._transaction)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self._connection.name

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return self._connection.size

    @property
    def registered(self) -> bool:
        """Whether the SLOs have been written: what others have stored is asked for by their ids."""
        return self._writer.registered

    def new_messages(self) -> list[str]:
        """What an operator should know of the file, each told once."""
        messages, self._connection.messages = self._connection.messages, []
        return messages

    def load(
        self,
        keys: Sequence[SloKey],
        known: Collection[SloIndex] = (),
        judged_otherwise: Collection[SloIndex] = (),
    ) -> dict[SloIndex, StoredSlo]:
        """Read what is stored of some SLOs, by their index. The next writes are of these SLOs.

        Those in `known` are not read, but for what those go on from that are `judged_otherwise`
        now, if they were judged so once.

        Raises:
            StoreError: it cannot be read.
        """
        self._begin(keys)
        found = {}
        with self._connection.reading() as connection:
            reader = SloReader(connection, keys)
            wanted = [slo_index for slo_index, _ in enumerate_slos(keys) if slo_index not in known]
            for place, stored in reader.read([keys[slo_index] for slo_index in wanted]):
                found[wanted[place]] = stored
            again = [slo_index for slo_index in judged_otherwise if slo_index in known]
            for place, stored in reader.resumed([keys[slo_index] for slo_index in again]):
                found[again[place]] = stored
        name = self._connection.name
        self._connection.messages += [f"{name}: {message}" for message in reader.messages]
        return found

    def load_in_pieces(self, keys: Sequence[SloKey], taker: Taker) -> None:
        """Have a taker take over what is stored of some SLOs. The next writes are of these SLOs.

        Raises:
            StoreError: it cannot be read; something may have been taken over.
        """
        self._begin(keys)
        with self._connection.reading() as session:
            reader = SloReader(session, keys)
            wanted = taker.begin(reader.newest_end(keys))
            for piece in reader.pieces(keys, wanted):
                taker.take(piece)
        self._connection.messages += [f"{self.name}: {message}" for message in reader.messages]

    def step_back(self, keys: Sequence[SloKey], end: int | None = None) -> int:
        """Undo what was stored of SLOs by a clock that went ahead, if it is `end` now.

        Gives up to when anything is stored, Unix seconds; 0 for never.

        Raises:
            StoreError, StoreLostError: as `write`.
        """
        with self._connection.reading() as session:
            found = [] if end is None else clocks.wrong(session, keys, end)
            newest = SloReader(session).newest_end(keys)
        if found:
            with self._transaction() as session:
                clocks.undo(session, found)
        return newest

    def write(
        self,
        end: int,
        level_starts: Sequence[tuple[int, int]],
        changes: Sequence[ChunkChange],
        policy_states: PolicyStates | None = None,
        days: Sequence[ChunkChange] = (),
        *,
        more: bool = False,
    ) -> dict[SloIndex, History]:
        """Store what has changed up to `end` (Unix seconds), all of it or nothing.

        Args:
            end: up to when the ledger knows anything.
            level_starts: for every slot length of the ledger (seconds), since when it has slots of
                that length (Unix seconds); older ones are deleted.
            changes: the slots to store.
            policy_states: the tiers and incidents to store.
            days: the slots of a day to store, which are kept for thirteen months.
            more: whether further slots follow. Nothing is deleted before these: what has merged may
                be among them.

        Returns:
            What others that share the store know more of these slots, by SLO.

        Raises:
            StoreError: it cannot be written; the next call tries again.
            StoreLostError: the same, and what was stored before is gone.
        """
        with self._transaction() as session:
            learned = self._writer.write(
                *(session, end, level_starts, changes),
                policy_states=policy_states or PolicyStates(),
                days=days,
                more=more,
            )
        self._writer.stored(end)
        return learned

    def look(
        self, wanted: Mapping[SloIndex, Collection[int]], slot: int
    ) -> dict[SloIndex, History]:
        """What is stored of chunks (their numbers, by SLO) of slots of one length (seconds).

        Raises:
            StoreError: it cannot be read.
        """
        with self._connection.reading() as session:
            return self._writer.look(session, wanted, slot)

    def days(self, slo_indices: Collection[SloIndex]) -> dict[SloIndex, History]:
        """The slots of a day of some SLOs, as far as they are stored; raises as `look`."""
        with self._connection.reading() as session:
            return self._writer.days(session, slo_indices)

    def shared_records(self) -> SharedRecords:
        """What is stored of the policy states of all SLOs, in short, by their index and group.

        Raises:
            StoreError: it cannot be read.
        """
        with self._connection.reading() as session:
            return self._writer.shared_records(session)

    def policy_states(
        self, slo_indices: Sequence[SloIndex]
    ) -> dict[SloIndex, tuple[int, Mapping[Group, PolicyState]]]:
        """Until when the policy states of SLOs are final, and these, as they are stored.

        Raises:
            StoreError: it cannot be read.
        """
        with self._connection.reading() as session:
            return self._writer.policy_states(session, slo_indices)

    def overrides(self) -> tuple[Override, ...]:
        """All overrides that are stored, oldest first.

        Raises:
            StoreError: they cannot be read.
        """
        with self._connection.reading() as connection:
            return overrides.read(connection)

    def write_overrides(self, all_overrides: Iterable[Override]) -> None:
        """Store these overrides in place of all others; raises as `write`."""
        with self._transaction() as connection:
            overrides.write(connection, all_overrides)

    def share_overrides(self, own: Sequence[Override], since: float) -> tuple[Override, ...]:
        """Put overrides together with those that others have stored.

        Those that ended by `since` (Unix seconds) are left out, and deleted.

        Returns:
            All there are, oldest first.

        Raises:
            StoreError: it cannot be read or written.
        """
        with self._connection.reading() as session:
            stored = overrides.read(session)
        if overrides.together(stored, own, since) == stored:
            return stored
        with self._transaction() as session:
            all_overrides = overrides.together(overrides.read(session), own, since)
            overrides.write(session, all_overrides)
        return all_overrides

    def add_override(
        self, new: Override, own: Sequence[Override], limits: OverrideLimits, since: float
    ) -> tuple[Override, tuple[Override, ...]]:
        """Record an override, if those that all daemons have recorded leave room for it.

        Returns:
            It with its id, or the one that says the same already; and all there are.

        Raises:
            OverrideError, QuotaError: it is beyond the limits.
            StoreError: it cannot be read or written.
        """
        with self._transaction() as session:
            return overrides.add(session, new, own, limits, since)

    def changes(self, after: int = 0) -> tuple[int, tuple[Change, ...]]:
        """The changes with ids above `after`, and the highest id (`after` if there is none).

        Raises:
            StoreError: they cannot be read.
        """
        with self._connection.reading() as session:
            return changes.read(session, after)

    def add_changes(self, new: Iterable[Change]) -> None:
        """Store changes, unless somebody else has stored the same.

        Raises:
            StoreError, StoreLostError: as `write`.
        """
        with self._transaction() as session:
            changes.add(session, new)

    def check(self) -> None:
        """See whether the store is still where it was; raises as `write`."""
        try:
            self._connection.check()
        except BaseException:
            self._writer.forget()
            raise

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
