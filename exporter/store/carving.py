"""Records out of the pages of a damaged SQLite file, whatever has become of the rest of it.

Every page is read by itself (https://www.sqlite.org/fileformat2.html): no tree is followed, so that
one damaged page costs its own records alone. What is found may be anything: whoever uses it has to
know by checksums what is right.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from struct import unpack, unpack_from

from exporter.errors import StoreError

Value = int | float | str | bytes | None

INDEX_INNER, INDEX_LEAF, TABLE_LEAF = 0x02, 0x0A, 0x0D
KINDS = (INDEX_LEAF, TABLE_LEAF, INDEX_INNER)
TABLE_INNER = 0x05

LONGEST = 1_000_000
"""Bytes of a record."""

MOST_SEARCHED = 500
"""Pages whose own list of records is damaged, and that are searched byte by byte."""

WAL_HEADER, FRAME_HEADER = 32, 24


class NotARecordError(StoreError):
    """There is no record where one was looked for."""


def records(file: Path, *, log_alone: bool = False) -> Iterator[list[Value]]:
    """All records of a file and of the write-ahead log beside it, or of the pages in that alone.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as source:
        if not file.stat().st_size:
            return
        with mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield from _Pages(content, log_of(file)).records(log_alone=log_alone)


def log_of(file: Path) -> bytes:
    """The write-ahead log of a file; empty if there is none."""
    log = file.with_name(file.name + "-wal")
    return log.read_bytes() if log.exists() else b""


class _Pages:
    """The pages of a file, the newest of each: the log's go before the file's."""

    def __init__(self, content: mmap.mmap, log: bytes) -> None:
        self._content = content
        size = int.from_bytes(content[16:18], "big")
        size = 65_536 if size == 1 else size
        self._size = size if size in {2**n for n in range(9, 17)} else 4_096
        self._log = log
        self._in_log = dict(frames(log, self._size))
        self._overflow: set[int] = set()
        self.count = max(len(content) // self._size, *self._in_log, 0)

    def page(self, number: int) -> bytes:
        """A page by its number; the first is 1."""
        at = self._in_log.get(number)
        if at is not None:
            return self._log[at : at + self._size]
        return self._content[(number - 1) * self._size : number * self._size]

    def records(self, *, log_alone: bool) -> Iterator[list[Value]]:
        """What all pages hold that are in use, or those of them that the log has."""
        free, suspicious = self._free(), []
        for number in sorted(self._in_log) if log_alone else range(1, self.count + 1):
            if number in free:
                continue
            found, whole = self._listed(number)
            yield from found
            if not whole:
                suspicious.append(number)
        searched = [number for number in suspicious if number not in self._overflow]
        for number in searched[:MOST_SEARCHED]:
            yield from self._searched(number)

    def _free(self) -> set[int]:
        """The pages that are not in use: what they hold was deleted."""
        free: set[int] = set()
        trunk = int.from_bytes(self.page(1)[32:36], "big")
        while 0 < trunk <= self.count and trunk not in free:
            free.add(trunk)
            page = self.page(trunk)
            if len(page) < self._size:
                break
            following, count = unpack_from(">II", page)
            count = min(count, self._size // 4 - 2)
            free.update(unpack_from(f">{count}I", page, 8))
            trunk = following
        return free

    def _listed(self, number: int) -> tuple[list[list[Value]], bool]:
        """The records that a page lists, and whether it is as it should be."""
        page, start = self.page(number), 100 if number == 1 else 0
        if len(page) < self._size:
            return [], False
        kind = page[start]
        if kind == TABLE_INNER:
            return [], True
        if kind not in KINDS:
            return [], not any(page)
        found, whole = [], True
        head = start + (12 if kind == INDEX_INNER else 8)
        count = min(int.from_bytes(page[start + 3 : start + 5], "big"), (self._size - head) // 2)
        for at in unpack_from(f">{count}H", page, head):
            try:
                found.append(self._record(page, at, kind))
            except NotARecordError:
                whole = False
        return found, whole

    def _searched(self, number: int) -> Iterator[list[Value]]:
        """Whatever may be a record in a page, at any place of it."""
        page = self.page(number)
        if not any(page):
            return
        for at in range(8, len(page) - 4):
            for kind in KINDS:
                with suppress(NotARecordError):
                    yield self._record(page, at, kind)

    def _record(self, page: bytes, at: int, kind: int) -> list[Value]:
        if kind == INDEX_INNER:
            at += 4
        rowid = None
        try:
            length, at = _varint(page, at)
            if kind == TABLE_LEAF:
                rowid, at = _varint(page, at)
            if not 3 <= length <= LONGEST:
                raise NotARecordError
            return _values(self._payload(page, at, length, kind), rowid)
        except (IndexError, struct.error, UnicodeDecodeError) as error:
            raise NotARecordError from error

    def _payload(self, page: bytes, at: int, length: int, kind: int) -> bytes:
        """The bytes of a record; what does not fit into its page is in others."""
        usable = self._size
        most = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        if length <= most:
            return page[at : at + length]
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = local if local <= most else least
        parts, rest = [page[at : at + local]], length - local
        following = int.from_bytes(page[at + local : at + local + 4], "big")
        while rest > 0:
            if not 0 < following <= self.count:
                raise NotARecordError
            self._overflow.add(following)
            more = self.page(following)
            parts.append(more[4 : 4 + min(rest, usable - 4)])
            rest -= usable - 4
            following = int.from_bytes(more[:4], "big")
        return b"".join(parts)


def frames(log: bytes, page_size: int) -> list[tuple[int, int]]:
    """The pages in a log up to its last commit: their numbers, and where each begins."""
    if len(log) < WAL_HEADER:
        return []
    salts, found, committed = log[16:24], [], 0
    for at in range(WAL_HEADER, len(log) - FRAME_HEADER - page_size + 1, FRAME_HEADER + page_size):
        number, commit = unpack(">II", log[at : at + 8])
        if log[at + 8 : at + 16] != salts:
            break
        found.append((number, at + FRAME_HEADER))
        if commit:
            committed = len(found)
    return found[:committed]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next begins."""
    value = 0
    for i in range(9):
        byte = data[at + i]
        if i == 8:
            return _signed((value << 8) | byte), at + 9
        value = (value << 7) | (byte & 0x7F)
        if byte < 0x80:
            break
    return value, at + i + 1


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _values(payload: bytes, rowid: int | None) -> list[Value]:
    """The columns of a record; one that is left to the rowid is that."""
    size, at = _varint(payload, 0)
    if not 2 <= size <= len(payload):
        raise NotARecordError
    kinds: list[int] = []
    while at < size:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    if at != len(payload):
        raise NotARecordError
    if rowid is not None and values[0] is None:
        values[0] = rowid
    return values


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in _INTEGERS:
        end = at + _INTEGERS[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind == 7:
        return float(unpack_from(">d", payload, at)[0]), at + 8
    if kind in {8, 9}:
        return kind - 8, at
    if kind < 12:
        raise NotARecordError
    end = at + (kind - 12) // 2
    raw = payload[at:end]
    return (raw.decode() if kind % 2 else raw), end


def whole_frames(log: bytes) -> tuple[int, int]:
    """How many frames of a log are read by SQLite, and how many were committed.

    The former are fewer where one is damaged: those behind it are left out in silence.
    """
    if len(log) < WAL_HEADER:
        return 0, 0
    size = int.from_bytes(log[8:12], "big")
    order = ">" if log[3] & 1 else "<"
    if size not in {2**n for n in range(9, 17)}:
        return 0, 0
    sums = _sum(log[:24], order, (0, 0))
    if unpack(">II", log[24:32]) != sums:
        return 0, len(frames(log, size))
    read, starts = 0, range(WAL_HEADER, len(log) - FRAME_HEADER - size + 1, FRAME_HEADER + size)
    for count, at in enumerate(starts, 1):
        frame = log[at : at + FRAME_HEADER]
        if frame[8:16] != log[16:24]:
            break
        page = log[at + FRAME_HEADER : at + FRAME_HEADER + size]
        sums = _sum(page, order, _sum(frame[:8], order, sums))
        if unpack(">II", frame[16:24]) != sums:
            break
        if frame[4:8] != b"\0\0\0\0":
            read = count
    return read, len(frames(log, size))


def _sum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    """The checksum of a log, as SQLite computes it."""
    one, two = sums
    words = unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
