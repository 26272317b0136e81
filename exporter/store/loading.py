"""Reading SLOs back from the store: their slots, tiers and incidents."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from exporter.ledger.history import History, Stretch
from exporter.ledger.levels import CHUNK
from exporter.slo.figures import minute
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import DAY, Group, SloIndex, enumerate_slos
from exporter.store import set_aside, shapes, tier_history
from exporter.store.blocks import Chunks
from exporter.store.checksums import DamagedChunkError
from exporter.store.chunks import decode, unpack
from exporter.store.session import Session
from exporter.store.set_aside import PolicyPast
from exporter.store.stored import SloKey, StoredPiece, StoredSlo, Wanted

SLACK = DAY
"""How much longer than the period they are for slots are kept, in seconds."""

AT_ONCE = 200
"""SLOs that are read by one set of queries: each is a round trip, and all of it is in memory."""

OfLength = Mapping[int, Mapping[int, bytes]]
"""Chunks of one slot length: number -> series (its position) -> bytes."""


@dataclass(frozen=True, slots=True)
class _SloRow:
    """What the table has of an SLO."""

    id: int
    measured: str
    service: str
    name: str
    end: int
    final_until: int

    def is_of(self, key: SloKey) -> bool:
        return (self.service, self.name) == (key.service, key.name)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read of some SLOs: their series (id, group) and policy states by the SLO's id, and
    the chunks (slot, number, bytes) by the series' id. `judged_by` is what
    they were judged by when they were last written, and `resumed` as `set_aside.resumed`."""

    series: Mapping[int, list[tuple[int, Group]]]
    chunks: Mapping[int, list[tuple[int, int, bytes]]]
    policy_states: Mapping[int, Mapping[Group, PolicyState]]
    judged_by: Mapping[int, str]
    resumed: Mapping[int, PolicyPast]

    @property
    def series_ids(self) -> list[int]:
        """The ids of all series."""
        return [id_ for of_slo in self.series.values() for id_, _ in of_slo]


class SloReader:
    """Reads SLOs in a session. `messages` tell of damaged slots that were left out.

    `configured` are all SLOs that there are now: what measures the same and is none of them was
    renamed.
    """

    def __init__(self, session: Session, configured: Collection[SloKey] = ()) -> None:
        self._session = session
        self._configured = {(key.measured, key.service, key.name) for key in configured}
        self.messages: list[str] = []

    def read(self, keys: Sequence[SloKey]) -> Iterator[tuple[int, StoredSlo]]:
        """What is stored of SLOs, or of ones that measure the same, each with its place in `keys`.

        Those of which nothing is stored are left out. Errors are the database's.
        """
        for first in range(0, len(keys), AT_ONCE):
            some = keys[first : first + AT_ONCE]
            rows = self._slo_rows({key.measured for key in some})
            chosen = [_chosen(rows.get(key.measured, ()), key) for key in some]
            found = self._found(chosen, some)
            found = replace(found, chunks=self._chunks(found).by_series(found.series_ids))
            for place, (key, of_key) in enumerate(zip(some, chosen, strict=True), first):
                if of_key:
                    yield place, self._stored(key, of_key, found)

    def resumed(self, keys: Sequence[SloKey]) -> Iterator[tuple[int, StoredSlo]]:
        """What SLOs go on from that are judged again as they were once, without their slots."""
        for first in range(0, len(keys), AT_ONCE):
            some = keys[first : first + AT_ONCE]
            rows = self._slo_rows({key.measured for key in some})
            own = [[row for row in rows.get(key.measured, ()) if row.is_of(key)] for key in some]
            found = self._pasts(own, some)
            for place, (key, of_key) in enumerate(zip(some, own, strict=True), first):
                if of_key and of_key[0].id in found.resumed:
                    yield place, self._stored(key, of_key, found)

    def newest_end(self, keys: Sequence[SloKey]) -> int:
        """Up to when anything is stored of SLOs, or of ones that measure the same; 0 for never."""
        (end,) = self._session.execute(
            f'SELECT max("end") FROM slo WHERE measured IN {self._session.texts}',  # noqa: S608 - ours
            (json.dumps(sorted({key.measured for key in keys})),),
        ).fetchone()
        return end or 0

    def pieces(self, keys: Sequence[SloKey], wanted: Wanted) -> Iterator[StoredPiece]:
        """What `read` gives, some SLOs at a time, and of those that are wanted so in blocks."""
        for first in range(0, len(keys), AT_ONCE):
            some = keys[first : first + AT_ONCE]
            rows = self._slo_rows({key.measured for key in some})
            chosen = {
                slo_index: of_key
                for slo_index, key in enumerate_slos(some)
                if (of_key := _chosen(rows.get(key.measured, ()), key))
            }
            found = self._found([*chosen.values()], [some[place] for place in chosen])
            series_of = {
                slo_index: found.series.get(of_key[0].id, ())
                for place, of_key in chosen.items()
                # Two SLOs may measure the same, and one may have changed its name.
                if len(of_key) == 1 and of_key[0].end == wanted.end
                if (slo_index := SloIndex(first + place)) in wanted.plain
            }
            ungrouped = {
                slo_index: [id_ for id_, _ in series]
                for slo_index, series in series_of.items()
                if not any(group for _, group in series)
            }
            plain_of = {id_: slo_index for slo_index, ids in ungrouped.items() for id_ in ids}
            chunks = self._chunks(found)
            blocks, left_out = chunks.blocks(plain_of, wanted.slots)
            as_blocks = ungrouped.keys() - left_out
            # Chunks that are in a block may be those of another SLO, too.
            others = [
                id_
                for place, of_key in chosen.items()
                if SloIndex(first + place) not in as_blocks
                for row in of_key
                for id_, _ in found.series.get(row.id, ())
            ]
            found = replace(found, chunks=chunks.by_series(others))
            slos: dict[SloIndex, StoredSlo] = {}
            plain: dict[SloIndex, StoredSlo] = {}
            for place, of_key in chosen.items():
                slo_index = SloIndex(first + place)
                stored = self._stored(some[place], of_key, found)
                (plain if slo_index in as_blocks else slos)[slo_index] = stored
            yield StoredPiece(slos, plain, blocks)

    def _slo_rows(self, measured: Iterable[str]) -> dict[str, list[_SloRow]]:
        session = self._session
        final_until = "judged" if session.has("tier_change") else "0"
        by_measured: dict[str, list[_SloRow]] = defaultdict(list)
        for id_, of, service, name, end, until in session.execute(
            f'SELECT id, measured, service, name, "end", {final_until} FROM slo'  # noqa: S608 - ours
            f" WHERE measured IN {session.texts}",
            (json.dumps(sorted(measured)),),
        ):
            by_measured[of].append(_SloRow(id_, of, service, name, end, until))
        return by_measured

    def _pasts(self, chosen: Sequence[Sequence[_SloRow]], keys: Sequence[SloKey]) -> _Found:
        """The policy states of the rows that were chosen for some SLOs."""
        rows = {row.id: row for of_key in chosen for row in of_key}
        states = tier_history.read(self._session, sorted(rows))
        now = {id_: (row.final_until, states.get(id_, {})) for id_, row in rows.items()}
        by_id = {
            row.id: key
            for of_key, key in zip(chosen, keys, strict=True)
            for row in of_key
            if row.is_of(key)
        }
        end = max((row.end for row in rows.values()), default=0)
        judged_by = shapes.judged_by(self._session, rows)
        again = set_aside.resumed(self._session, by_id, now, judged_by, end)
        return _Found({}, {}, states, judged_by, again)

    def _found(self, chosen: Sequence[Sequence[_SloRow]], keys: Sequence[SloKey]) -> _Found:
        session = self._session
        wanted = sorted({row.id for of_key in chosen for row in of_key})
        series: dict[int, list[tuple[int, Group]]] = defaultdict(list)
        for id_, slo_id, labels in session.execute(
            f"SELECT id, slo, labels FROM series WHERE slo IN {session.ids} ORDER BY labels",  # noqa: S608 - ours
            (json.dumps(wanted),),
        ):
            series[slo_id].append((id_, tuple(json.loads(labels))))
        return replace(self._pasts(chosen, keys), series=series)

    def _chunks(self, found: _Found) -> Chunks:
        """The chunks of all series that were found."""
        session = self._session
        rows = session.execute(
            f"SELECT series, slot, number, counts FROM chunk WHERE series IN {session.ids}",  # noqa: S608 - ours
            (json.dumps(found.series_ids),),
        )
        return Chunks.of(rows.fetchall())

    def _stored(self, key: SloKey, rows: Sequence[_SloRow], found: _Found) -> StoredSlo:
        newest, *older = rows
        damaged = len(self.messages)
        history = self._history(newest, key.keep, found)
        for row in older:  # it had this name before: what it has may reach further back
            history = history.over(self._history(row, key.keep, found))
        own = self._past_of(key, rows, found)
        past = own.final_until, found.policy_states.get(own.id, {})
        final_until, policy_states = found.resumed.get(own.id, past)
        # Where chunks are damaged, Prometheus is asked for what it still has of the SLO.
        sound = len(self.messages) == damaged
        return StoredSlo(
            history,
            own=newest.is_of(key) and sound,
            rebuild=not sound,
            final_until=final_until,
            policy_states=policy_states,
            resumed=own.id in found.resumed,
        )

    def _past_of(self, key: SloKey, rows: Sequence[_SloRow], found: _Found) -> _SloRow:
        """The row whose tiers and incidents an SLO goes on from.

        That is the newest one if it was renamed, and its own where that is another SLO's.
        """
        newest = rows[0]
        own = next((row for row in rows if row.is_of(key)), None)
        renamed = (newest.measured, newest.service, newest.name) not in self._configured
        judged_alike = found.judged_by.get(newest.id, key.judged_by) == key.judged_by
        return newest if own is None or (renamed and judged_alike) else own

    def _history(self, row: _SloRow, keep: int, found: _Found) -> History:
        series = found.series.get(row.id, [])
        by_series = [found.chunks.get(id_, []) for id_, _ in series]
        groups = tuple(group for _, group in series)
        names = [" ".join((f"{row.service}/{row.name}", *group)) for group in groups]
        bounds = row.end - keep - SLACK, row.end
        return History(row.end, groups, tuple(self._stretches(by_series, *bounds, names)))

    def _stretches(
        self,
        by_series: Sequence[Iterable[tuple[int, int, bytes]]],
        start: int,
        end: int,
        names: Sequence[str],
    ) -> Iterator[Stretch]:
        by_slot: dict[int, dict[int, dict[int, bytes]]] = defaultdict(lambda: defaultdict(dict))
        for position, chunks in enumerate(by_series):
            for slot, number, counts in chunks:
                # The bounds leave out chunks that a clock years off has left behind.
                length = slot * CHUNK
                if not counts:  # it is damaged, its number perhaps
                    self._tell_damaged(names[position], slot, number)
                elif (number + 1) * length > start and number * length < end:
                    by_slot[slot][number][position] = counts
        for slot, chunks_of_slot in by_slot.items():
            try:
                yield decode(slot, chunks_of_slot, len(by_series))
            except DamagedChunkError:
                sound = self._sound(slot, chunks_of_slot, names)
                if sound:
                    yield decode(slot, sound, len(by_series))

    def _sound(self, slot: int, chunks: OfLength, names: Sequence[str]) -> OfLength:
        """Those of some chunks that are not damaged; a message names each of the others."""
        sound: dict[int, dict[int, bytes]] = {}
        for number, by_series in chunks.items():
            for position, counts in by_series.items():
                try:
                    unpack(counts)
                except DamagedChunkError:
                    self._tell_damaged(names[position], slot, number)
                else:
                    sound.setdefault(number, {})[position] = counts
        return sound

    def _tell_damaged(self, name: str, slot: int, number: int) -> None:
        begin = number * CHUNK * slot
        since = minute(begin) if 0 <= begin < 2**34 else str(begin)
        self.messages.append(
            f"{name}: {CHUNK} slots of {slot} s from {since} on are damaged, "
            "and are asked for again"
        )


def _chosen(rows: Sequence[_SloRow], key: SloKey) -> list[_SloRow]:
    """The SLOs that one goes on from: the newest that measures the same, and then its own."""
    ordered = sorted(rows, key=lambda row: (row.end, row.is_of(key)), reverse=True)
    return ordered[:1] + [row for row in ordered[1:] if row.is_of(key)]
