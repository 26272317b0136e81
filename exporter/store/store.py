"""The store: what the ledger knows, on disk, so that it outlives this process and Prometheus.

Everything of one evaluation is written in one transaction, so the file always holds the ledger as
it was at some evaluation. Nothing is written to a file that was not read first.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from exporter.errors import StoreError
from exporter.ledger.history import History, Stretch
from exporter.ledger.levels import CHUNK
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import DAY, HOUR, Group, SloIndex, enumerate_slos
from exporter.store import opening, tier_history
from exporter.store.chunks import DamagedChunkError, decode, encode
from exporter.store.opening import StoreLostError
from exporter.store.tier_history import PolicyStates

SLACK = DAY
"""Slots are kept for so long beyond the period that they are for, in seconds."""

PRUNE_EVERY = HOUR


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose slots they are: a hash of what is measured, and the SLO's names.

    `keep` is how far back slots are needed, in seconds.
    """

    measured: str
    service: str
    name: str
    keep: int

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it another one's slots when it changes."""
        return self.measured, self.service, self.name


@dataclass(frozen=True, slots=True)
class Stored:
    """A history out of the store; `own` tells whether all of it was stored for this very SLO.

    Otherwise it is, in part or whole, of one that measures the same under another name. `rebuild`
    tells whether Prometheus is to be asked for all of it anew. It was judged for good `until` then
    (Unix seconds; 0 for never).
    """

    history: History
    own: bool
    rebuild: bool = False
    until: int = 0
    policy_states: Mapping[Group, PolicyState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """Slots to store: a stretch within one chunk, a series per group, of an SLO."""

    slo_index: SloIndex
    number: int
    groups: Sequence[Group]
    stretch: Stretch


class Store:
    """The ledger on disk. Its methods block, and may be called from any thread, one at a time.

    `messages` are what an operator should know of its opening.
    """

    def __init__(self, folder: Path) -> None:
        """Open the store in a folder, which is made if need be.

        A damaged file is set aside. Where nothing can be written, what is there is read all the
        same.

        Raises:
            StoreInUseError: another daemon has it.
            StoreVersionError: it is a newer version's, or another program's.
            StoreError: it can neither be written nor read.
        """
        self.file = folder / opening.FILE
        self.messages: list[str] = []
        self._owners: Sequence[Owner] = ()
        self._ids: list[int] = []
        self._series: dict[tuple[SloIndex, Group], int] = {}
        self._pruned = 0
        self._read_only = False
        self._inode: int | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder} cannot be made: {error.strerror}") from error
        self._lock = opening.take(folder)
        self._connection: sqlite3.Connection | None
        try:
            self._connection = self._open()
        except BaseException:
            self._unlock()
            raise
        self._inode = opening.inode(self.file)

    def _open(self) -> sqlite3.Connection:
        try:
            return _sound(opening.connect(self.file))
        except sqlite3.Error as error:
            if opening.is_damage(error):
                return self._begin_anew(error)
            try:
                connection = _sound(opening.connect_read_only(self.file))
            except sqlite3.Error:
                raise StoreError(f"{self.file} cannot be opened: {error}") from error
            self.messages.append(f"{self.file} can be read but not written: {error}")
            self._read_only = True
            return connection

    def _begin_anew(self, damage: sqlite3.Error) -> sqlite3.Connection:
        try:
            aside = opening.set_aside(self.file)
            connection = opening.connect(self.file)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self.file} is damaged ({damage}), and {error}") from error
        self.messages.append(
            f"{self.file} is damaged ({damage}) and was kept as {aside.name}; "
            "the ledger is read from Prometheus anew, as far as it keeps its data"
        )
        return connection

    def load(
        self, owners: Sequence[Owner], known: Collection[SloIndex] = ()
    ) -> dict[SloIndex, Stored]:
        """Read what is stored for some SLOs, by their place; to be called before any write.

        Those at the places in `known` are not read: all of theirs is known already.

        Raises:
            StoreError: it cannot be read.
        """
        self._owners, self._ids, self._series = tuple(owners), [], {}
        found = {}
        try:
            for place, owner in enumerate_slos(owners):
                stored = None if place in known else self._load(owner)
                if stored is not None:
                    found[place] = stored
        except sqlite3.Error as error:
            raise StoreError(f"{self.file} cannot be read: {error}") from error
        return found

    def _load(self, owner: Owner) -> Stored | None:
        rows = self._reading.execute(
            "SELECT id, end, service = ? AND name = ? AS own, rebuild FROM slo WHERE measured = ?"
            " ORDER BY end DESC, own DESC",
            (owner.service, owner.name, owner.measured),
        ).fetchall()
        if not rows:
            return None
        (newest, end, own, _), *older = rows
        history = self._history(newest, end, owner.keep)
        for id_, end, older_own, _ in older:
            if older_own:  # it was called so before: what it has may reach back farther
                history = history.over(self._history(id_, end, owner.keep))
        asked_for = any(of_own and rebuild for _, _, of_own, rebuild in rows)
        mine = next((id_ for id_, _, of_own, _ in rows if of_own), newest)
        return Stored(history, bool(own), asked_for, *tier_history.read(self._reading, mine))

    def _history(self, id_: int, end: int, keep: int) -> History:
        series = self._reading.execute(
            "SELECT id, labels FROM series WHERE slo = ? ORDER BY labels", (id_,)
        ).fetchall()
        groups = tuple(tuple(json.loads(labels)) for _, labels in series)
        span = (end - keep - SLACK, end)
        return History(end, groups, tuple(self._stretches([of for of, _ in series], span)))

    def _stretches(self, series: Sequence[int], span: tuple[int, int]) -> Iterable[Stretch]:
        # A clock that was far off leaves chunks that are years away from the others.
        chunks: dict[int, dict[int, dict[int, bytes]]] = defaultdict(lambda: defaultdict(dict))
        for row, id_ in enumerate(series):
            for slot, number, counts in self._reading.execute(
                "SELECT slot, number, counts FROM chunk WHERE series = ?"
                " AND (number + 1) * slot * ? > ? AND number * slot * ? < ?",
                (id_, CHUNK, span[0], CHUNK, span[1]),
            ):
                chunks[slot][number][row] = counts
        for slot, of_slot in chunks.items():
            try:
                yield decode(slot, of_slot, len(series))
            except DamagedChunkError:
                sound = self._sound_chunks(slot, of_slot)
                if sound:
                    yield decode(slot, sound, len(series))

    def _sound_chunks(
        self, slot: int, chunks: Mapping[int, Mapping[int, bytes]]
    ) -> dict[int, Mapping[int, bytes]]:
        """Those of some chunks that are not damaged; the others are told of."""
        sound = {}
        for number, texts in chunks.items():
            try:
                decode(slot, {number: texts}, 1 + max(texts))
            except DamagedChunkError:
                start = number * CHUNK * slot
                self.messages.append(
                    f"{self.file}: {CHUNK} slots of {slot} s from {start} on are damaged, "
                    "and are asked for anew"
                )
            else:
                sound[number] = texts
        return sound

    @property
    def _reading(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def write(
        self,
        end: int,
        fences: Sequence[tuple[int, int]],
        changes: Iterable[Change],
        unsaved: PolicyStates = tier_history.NOTHING,
    ) -> None:
        """Store what has changed up to `end`, all of it or nothing.

        `fences` tells, for every slot length of the ledger, since when it has such slots; older
        ones are dropped.

        Raises:
            StoreError: it cannot be written; the next call tries again.
            StoreLostError: the same, and what was written before is gone.
        """
        try:
            self._check_there()
            if self._read_only:
                self._close_connection()
            if self._connection is None:
                self._connection = opening.connect(self.file)
                self._inode = opening.inode(self.file)
                self._read_only = False
            self._write(self._connection, end, fences, changes, unsaved)
        except (sqlite3.Error, StoreError) as error:
            self._series.clear()  # some may have been made in what was rolled back
            self._ids = []
            self._close_connection()
            if isinstance(error, StoreLostError):
                raise
            if isinstance(error, sqlite3.Error) and opening.is_damage(error):
                raise self._lost_to(error) from error
            raise StoreError(f"{self.file} cannot be written: {error}") from error

    def _check_there(self) -> None:
        """See whether the file is still the one that was written to: SQLite does not notice."""
        if self._inode is not None and opening.inode(self.file) != self._inode:
            self._inode = None
            raise StoreLostError(f"{self.file} was removed; what is known is stored anew")

    def _lost_to(self, damage: sqlite3.Error) -> StoreError:
        try:
            aside = opening.set_aside(self.file)
        except OSError as error:
            return StoreError(f"{self.file} is damaged ({damage}), and {error}")
        self._inode = None
        return StoreLostError(
            f"{self.file} is damaged ({damage}) and was kept as {aside.name}; "
            "what is known is stored anew"
        )

    def _write(
        self,
        connection: sqlite3.Connection,
        end: int,
        fences: Sequence[tuple[int, int]],
        changes: Iterable[Change],
        unsaved: PolicyStates,
    ) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not self._ids:
                self._ids = self._enlist(connection, end)
            self._take_back(connection, end)
            connection.execute("UPDATE slo SET end = ? WHERE current", (end,))
            connection.executemany(
                "INSERT INTO chunk VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET counts = excluded.counts",
                self._rows(connection, changes),
            )
            tier_history.write(connection, self._ids, unsaved)
            if end - self._pruned >= PRUNE_EVERY:
                self._prune(connection, end, fences)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _enlist(self, connection: sqlite3.Connection, end: int) -> list[int]:
        """Note which SLOs there are now; their numbers."""
        connection.execute("UPDATE slo SET current = 0")
        ids = []
        for owner in self._owners:
            (id_,) = connection.execute(
                "INSERT INTO slo (measured, service, name, keep, end, current, rebuild)"
                " VALUES (?, ?, ?, ?, ?, 1, 0) ON CONFLICT DO UPDATE"
                " SET keep = excluded.keep, current = 1 RETURNING id",
                (owner.measured, owner.service, owner.name, owner.keep, end),
            ).fetchone()
            ids.append(id_)
        return ids

    def _rows(
        self, connection: sqlite3.Connection, changes: Iterable[Change]
    ) -> Iterable[tuple[int, int, int, bytes]]:
        for change in changes:
            texts = encode(change.stretch, change.number)
            for group, text in zip(change.groups, texts, strict=True):
                series = self._series_of(connection, change.slo_index, group)
                yield series, change.stretch.slot, change.number, text

    def _series_of(self, connection: sqlite3.Connection, slo_index: SloIndex, group: Group) -> int:
        found = self._series.get((slo_index, group))
        if found is None:
            (found,) = connection.execute(
                "INSERT INTO series (slo, labels) VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET labels = labels RETURNING id",
                (self._ids[slo_index], json.dumps(group)),
            ).fetchone()
            self._series[slo_index, group] = found
        return found

    def _take_back(self, connection: sqlite3.Connection, end: int) -> None:
        """Drop what was stored of the time after `end` by a clock that was ahead."""
        (before,) = connection.execute("SELECT max(end) FROM slo WHERE current").fetchone()
        if before is not None and before > end:
            connection.execute(
                "DELETE FROM chunk WHERE number * slot * ? >= ? AND series IN"
                " (SELECT series.id FROM series JOIN slo ON series.slo = slo.id WHERE current)",
                (CHUNK, end),
            )

    def _prune(
        self, connection: sqlite3.Connection, end: int, fences: Sequence[tuple[int, int]]
    ) -> None:
        """Drop what has moved on into coarser slots, and what no period reaches any more."""
        connection.execute(
            "DELETE FROM chunk WHERE (number + 1) * slot * ? <= ? - ? - (SELECT keep FROM slo"
            " JOIN series ON series.slo = slo.id WHERE series.id = chunk.series)",
            (CHUNK, end, SLACK),
        )
        connection.executemany(
            "DELETE FROM chunk WHERE slot = ? AND number < ? AND series IN"
            " (SELECT series.id FROM series JOIN slo ON series.slo = slo.id WHERE current)",
            [(slot, fence // (slot * CHUNK)) for slot, fence in fences],
        )
        connection.execute(  # of another interval, say: all of it was stored anew in these
            "DELETE FROM chunk WHERE slot NOT IN (SELECT value FROM json_each(?)) AND series IN"
            " (SELECT series.id FROM series JOIN slo ON series.slo = slo.id WHERE current)",
            (json.dumps([slot for slot, _ in fences]),),
        )
        tier_history.prune(connection, end)
        connection.execute("DELETE FROM series WHERE id NOT IN (SELECT series FROM chunk)")
        self._series.clear()
        connection.execute(
            "DELETE FROM slo WHERE NOT current AND id NOT IN (SELECT slo FROM series"
            " UNION SELECT slo FROM tier_change UNION SELECT slo FROM incident)"
        )
        self._pruned = end

    def requests(self) -> list[SloIndex]:
        """The SLOs (by their place) that Prometheus is to be asked for anew.

        Raises:
            StoreError: it cannot be read.
        """
        try:
            rows = self._reading.execute("SELECT id FROM slo WHERE rebuild AND current").fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self.file} cannot be read: {error}") from error
        return [SloIndex(self._ids.index(id_)) for (id_,) in rows if id_ in self._ids]

    def answered(self, slo_index: SloIndex) -> None:
        """Note that a request was met.

        Raises:
            StoreError: it cannot be written.
        """
        try:
            self._reading.execute(
                "UPDATE slo SET rebuild = 0 WHERE id = ?", (self._ids[slo_index],)
            )
        except sqlite3.Error as error:
            raise StoreError(f"{self.file} cannot be written: {error}") from error

    @property
    def size(self) -> int:
        """The bytes that it takes on disk."""
        return opening.size(self.file)

    def close(self) -> None:
        """Let go of the file, for others to open."""
        self._close_connection()
        self._unlock()

    def _close_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _sound(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The connection itself, if its file is sound; otherwise it is closed.

    Raises:
        sqlite3.DatabaseError: it is damaged.
    """
    try:
        opening.check_sound(connection)
    except BaseException:
        connection.close()
        raise
    return connection
