"""Writing what has changed of SLOs, within a transaction of the caller's."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice

from exporter.ledger.history import History
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import HOUR, Group, SloIndex
from exporter.store import clocks, merging, pruning, set_aside, shapes, sharing, tier_history
from exporter.store import days as day_slots
from exporter.store.checksums import intact, opened, seal_times, sealed
from exporter.store.chunks import encode, encode_alike
from exporter.store.errors import StoreLostError
from exporter.store.merging import ChunkKey, ChunkRow, histories
from exporter.store.session import Session
from exporter.store.sharing import MOST_SKEW
from exporter.store.stored import ChunkChange, PolicyStates, SeriesKey, SharedRecords, SloKey

PRUNE_EVERY = HOUR

ENCODED_AT_ONCE = 500
"""SLOs whose chunks are put into bytes together."""


class SloWriter:
    """Writes the SLOs of one configuration. It remembers their ids in the database.

    After a transaction that failed, `forget` has to be called: some ids may have been made in it.
    """

    def __init__(self, keys: Sequence[SloKey]) -> None:
        self._keys = tuple(keys)
        self._ids: list[int] = []
        self._series_ids: dict[tuple[SloIndex, Group], int] = {}
        self._written: dict[ChunkKey, int] = {}
        self._own: set[ChunkKey] = set()
        self._pruned_at = 0
        self._end = 0
        self._behind = False

    def stored(self, end: int) -> None:
        """Note that the transaction of a write up to `end` has gone well."""
        self._end = end

    def forget(self) -> None:
        """Look up every id again: the database may be another one."""
        self._ids = []
        self._series_ids = {}
        self._written = {}
        self._own = set()

    @property
    def registered(self) -> bool:
        """Whether the ids are known."""
        return bool(self._ids)

    def index_of(self, id_: int) -> SloIndex | None:
        """The SLO with this id; None if it is not one of them, or not written yet."""
        return SloIndex(self._ids.index(id_)) if id_ in self._ids else None

    def id_of(self, slo_index: SloIndex) -> int:
        """The id of an SLO that has been written."""
        return self._ids[slo_index]

    def write(
        self,
        session: Session,
        end: int,
        level_starts: Sequence[tuple[int, int]],
        changes: Sequence[ChunkChange],
        *,
        policy_states: PolicyStates,
        days: Sequence[ChunkChange],
        more: bool,
    ) -> dict[SloIndex, History]:
        """Write what has changed up to `end`, and prune now and then; see `Store.write`."""
        if session.shared:
            self._check_end(session, end)
        if not self._ids:
            self._register(session, end, [slot for slot, _ in level_starts])
        if self._behind or not self._end or not 0 <= end - self._end <= clocks.FAR:
            self._behind = clocks.note(session, self._ids, end)
        if self._behind:
            self._register_series(session, changes)
            seal_times(session, self._ids)
            return self._write_chunks(session, self._chunk_rows(changes), end)
        pruning.take_back(session, end, self._ids)
        ahead = end + MOST_SKEW if session.shared else end
        session.execute(
            f'UPDATE slo SET "end" = ? WHERE id IN {session.ids} AND ("end" < ? OR "end" > ?)',  # noqa: S608 - ours
            (end, json.dumps(self._ids), end, ahead),
        )
        self._register_series(session, changes)
        found = self._write_chunks(session, self._chunk_rows(changes), end)
        tier_history.write(session, self._ids, policy_states)
        seal_times(session, self._ids)
        day_slots.write(session, self._ids, days)
        if not more and end - self._pruned_at >= PRUNE_EVERY:
            pruning.prune(session, end, level_starts, self._ids)
            self._series_ids.clear()
            self._written.clear()
            self._own = {key for key in self._own if not pruning.over(key, level_starts)}
            self._pruned_at = end
        return found

    def look(
        self, session: Session, wanted: Mapping[SloIndex, Collection[int]], slot: int
    ) -> dict[SloIndex, History]:
        """What is stored of chunks (their numbers, by SLO) of slots of one length."""
        if not self._ids:
            return {}
        by_id = {self._ids[slo_index]: slo_index for slo_index in wanted}
        numbers = sorted(set().union(*wanted.values()))
        rows = session.execute(
            "SELECT series, slo, labels, number, counts FROM chunk"  # noqa: S608 - ours
            " JOIN series ON series.id = chunk.series"
            f" WHERE slo IN {session.ids} AND slot = ? AND number IN {session.ids}",
            (json.dumps(sorted(by_id)), slot, json.dumps(numbers)),
        )
        return histories(
            self._end,
            (
                (
                    *(by_id[slo_id], tuple(json.loads(labels)), slot, number),
                    intact(counts, series_id, slot, number),
                )
                for series_id, slo_id, labels, number, counts in rows
                if number in wanted[by_id[slo_id]]
            ),
        )

    def days(self, session: Session, slo_indices: Collection[SloIndex]) -> dict[SloIndex, History]:
        """The slots of a day that are stored of some SLOs."""
        return day_slots.read(session, self._ids, slo_indices, self._end) if self._ids else {}

    def shared_records(self, session: Session) -> SharedRecords:
        """What is stored of the policy states of the SLOs, in short."""
        by_id = {id_: SloIndex(index) for index, id_ in enumerate(self._ids)}
        stored = sharing.read(session, self._ids)

        def named(key: tuple[int, str]) -> SeriesKey:
            return by_id[key[0]], tuple(json.loads(key[1]))

        return SharedRecords(
            {named(key): at for key, at in stored.first_changes.items()},
            {named(key): words for key, words in stored.acknowledged.items()},
        )

    def policy_states(
        self, session: Session, slo_indices: Sequence[SloIndex]
    ) -> dict[SloIndex, tuple[int, Mapping[Group, PolicyState]]]:
        """Until when policy states of SLOs are final, and these."""
        by_id = {self._ids[slo_index]: slo_index for slo_index in slo_indices}
        states = tier_history.read(session, sorted(by_id))
        return {
            by_id[id_]: (until, states.get(id_, {}))
            for id_, until in session.execute(
                f"SELECT id, judged FROM slo WHERE id IN {session.ids}",  # noqa: S608 - ours
                (json.dumps(sorted(by_id)),),
            )
        }

    def _write_chunks(
        self, session: Session, rows: Iterable[ChunkRow], end: int
    ) -> dict[SloIndex, History]:
        """Write chunks; what others knew more of them."""
        if not session.shared:
            merging.write_alone(session, rows, self._own)
            return {}
        learned = merging.write(session, rows, self._written)
        if not learned:
            return {}
        of = {id_: key for key, id_ in self._series_ids.items()}
        return histories(
            end, ((*of[row[0]], *row[1:3], opened(row[3], *row[:3])) for row in learned)
        )

    def _check_end(self, session: Session, end: int) -> None:
        """See whether what was stored is still there.

        Raises:
            StoreLostError: it is not: the database was made again, or is one from before.
        """
        before = self._end
        if before and end >= before and self._stored_end(session) < before:
            self._end = 0
            raise StoreLostError(
                "the database has lost what was stored; what is known is stored again"
            )

    def _stored_end(self, session: Session) -> int:
        """Up to when these SLOs are stored: those of other shards go on being written."""
        if self._ids:
            found = session.execute(
                f'SELECT max("end") FROM slo WHERE id IN {session.ids}',  # noqa: S608 - ours
                (json.dumps(self._ids),),
            ).fetchone()
            return int(found[0] or 0)
        keys = {(key.measured, key.service, key.name) for key in self._keys}
        rows = session.execute(
            f'SELECT measured, service, name, "end" FROM slo WHERE service IN {session.texts}',  # noqa: S608 - ours
            (json.dumps(sorted({key.service for key in self._keys})),),
        )
        return max((end for *key, end in rows if tuple(key) in keys), default=0)

    def _register(self, session: Session, end: int, lengths: Sequence[int]) -> None:
        """Note which SLOs are configured now, and how, and learn their ids."""
        if not session.shared:
            session.execute("UPDATE slo SET current = 0")
        session.executemany(
            'INSERT INTO slo (measured, service, name, keep, "end", current, rebuild)'
            " VALUES (?, ?, ?, ?, ?, 1, 0) ON CONFLICT (measured, service, name) DO UPDATE"
            " SET current = 1",
            ((key.measured, key.service, key.name, key.keep, end) for key in self._keys),
        )
        ids = {
            tuple(key): id_
            for id_, *key in session.execute("SELECT id, measured, service, name FROM slo")
        }
        self._ids = [ids[key.measured, key.service, key.name] for key in self._keys]
        judged_otherwise = shapes.note(session, self._ids, self._keys, lengths, end)
        set_aside.set_aside(session, judged_otherwise, end)

    def _register_series(self, session: Session, changes: Sequence[ChunkChange]) -> None:
        """Learn the ids of the series that are about to be written; those that are new get one."""
        known = self._series_ids
        new = {
            (change.slo_index, group)
            for change in changes
            for group in change.groups
            if (change.slo_index, group) not in known
        }
        if not new:
            return
        session.executemany(
            "INSERT INTO series (slo, labels) VALUES (?, ?) ON CONFLICT (slo, labels) DO NOTHING",
            [(self._ids[slo_index], json.dumps(group)) for slo_index, group in sorted(new)],
        )
        slo_indices = {self._ids[slo_index]: slo_index for slo_index, _ in new}
        for id_, slo_id, labels in session.execute(
            f"SELECT id, slo, labels FROM series WHERE slo IN {session.ids}",  # noqa: S608 - ours
            (json.dumps(list(slo_indices)),),
        ):
            known[slo_indices[slo_id], tuple(json.loads(labels))] = id_

    def _chunk_rows(self, changes: Sequence[ChunkChange]) -> Iterator[ChunkRow]:
        for (slot, number, _, _, plain), alike in groupby(changes, _slots_of):
            while some := list(islice(alike, ENCODED_AT_ONCE if plain else 1)):
                stretches = [change.stretch for change in some]
                texts = encode_alike(stretches, number) if plain else encode(stretches[0], number)
                series = [(change.slo_index, group) for change in some for group in change.groups]
                for each, text in zip(series, texts, strict=True):
                    key = self._series_ids[each], slot, number
                    yield *key, sealed(text, *key)


def _slots_of(change: ChunkChange) -> tuple[int, int, int, int, bool]:
    """Which slots a change is of, and whether it is without maintenance windows."""
    stretch = change.stretch
    plain = stretch.excluded is None
    return stretch.slot, change.number, stretch.start, len(stretch.asked), plain
