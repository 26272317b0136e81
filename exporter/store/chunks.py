"""Slots as bytes: how a chunk of them is written, and read back.

A chunk is `CHUNK` slots of one length and one series; its first slot is a multiple of `CHUNK` slots
since the epoch. It holds the bad events of every slot, then the totals (8 bytes each,
little-endian), then the known shares (4 bytes each); where any of it lies in a maintenance window,
the same three for that part. A known share of NaN means that nothing is known of the slot; a
negative one that its counts have not settled, and have to be asked for again. All of it is
compressed in zlib's format. The checksum that rows end with (`store/checksums.py`) is not seen
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from exporter.ledger.history import Stretch
from exporter.ledger.levels import CHUNK
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.store.checksums import DamagedChunkError

_IsalError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # stubs have an instance

_COUNTS = CHUNK * (8 + 8 + 4)
_CHUNK = np.dtype([("bad", "<f8", CHUNK), ("total", "<f8", CHUNK), ("known", "<f4", CHUNK)])


def encode(stretch: Stretch, number: int) -> list[bytes]:
    """The slots of a stretch, all of which lie in chunk `number`, as bytes: one per series."""
    first = stretch.start // stretch.slot - number * CHUNK
    at = slice(first, first + len(stretch.asked))
    settled = stretch.asked == SlotStatus.SETTLED
    known = stretch.slots.known
    shares = np.where(settled, known, np.where(known > 0, -known, np.nan))
    encoded = []
    for series in range(len(known)):
        body = _write(stretch.slots, series, at, shares[series])
        if stretch.excluded is not None and stretch.excluded.known[series].any():
            body += _write(stretch.excluded, series, at, stretch.excluded.known[series])
        encoded.append(isal_zlib.compress(body, level=1))
    return encoded


def encode_alike(stretches: Sequence[Stretch], number: int) -> list[bytes]:
    """`encode` of each, one after the other, of stretches of the same slots.

    Nothing of them lies in maintenance windows.
    """
    first = stretches[0].start // stretches[0].slot - number * CHUNK
    at = slice(first, first + len(stretches[0].asked))
    known = np.concatenate([each.slots.known for each in stretches])
    settled = np.array([each.asked == SlotStatus.SETTLED for each in stretches])
    settled = settled.repeat([len(each.slots.known) for each in stretches], axis=0)
    cells = np.zeros(len(known), dtype=_CHUNK)
    cells["bad"][:, at] = np.concatenate([each.slots.bad for each in stretches])
    cells["total"][:, at] = np.concatenate([each.slots.total for each in stretches])
    cells["known"] = np.nan
    cells["known"][:, at] = np.where(settled, known, np.where(known > 0, -known, np.nan))
    return [isal_zlib.compress(cell.tobytes(), level=1) for cell in cells]


def _write(slots: Slots, series: int, at: slice, known: NDArray[np.floating]) -> bytes:
    counts = np.zeros((2, CHUNK), dtype="<f8")
    counts[0, at], counts[1, at] = slots.bad[series], slots.total[series]
    shares = np.full(CHUNK, np.nan, dtype="<f4")
    shares[at] = known
    return counts.tobytes() + shares.tobytes()


def decode(slot: int, chunks: Mapping[int, Mapping[int, bytes]], series_count: int) -> Stretch:
    """Read chunks of one slot length: number -> series (its position) -> bytes.

    Nothing is known of a series where it has no chunk.

    Raises:
        DamagedChunkError: a chunk is damaged.
    """
    first, last = min(chunks), max(chunks) + 1
    slots = Slots.none(series_count, (last - first) * CHUNK)
    excluded: Slots | None = None
    settled = np.zeros((last - first) * CHUNK, dtype=np.bool_)
    for number, by_series in chunks.items():
        at = slice((number - first) * CHUNK, (number - first + 1) * CHUNK)
        for series, compressed in by_series.items():
            body = unpack(compressed)
            shares = _read(body, slots, series, at)
            settled[at] |= shares >= 0
            if len(body) > _COUNTS:
                excluded = excluded or Slots.none(*slots.bad.shape)
                _read(body[_COUNTS:], excluded, series, at)
    return Stretch(
        slot=slot,
        start=first * CHUNK * slot,
        slots=slots,
        excluded=excluded,
        asked=np.where(settled, np.uint8(SlotStatus.SETTLED), np.uint8(SlotStatus.NO)),
    )


def unpack_plain(chunks: Sequence[bytes]) -> list[bytes | None]:
    """The bytes of chunks as they were before they were compressed.

    None for those with maintenance windows, and for damaged ones.
    """
    bodies: list[bytes | None]
    try:
        bodies = list(map(isal_zlib.decompress, chunks))
    except _IsalError:
        bodies = [unpack(chunk) if is_sound(chunk) else None for chunk in chunks]
    return [body if body is not None and len(body) == _COUNTS else None for body in bodies]


def decode_plain(bodies: Sequence[bytes]) -> tuple[Slots, NDArray[np.uint8]]:
    """Read what `unpack_plain` gives, all in one go: chunks x slots, and their status."""
    cells = np.frombuffer(b"".join(bodies), dtype=_CHUNK)
    shares = cells["known"]
    asked = np.where(shares >= 0, np.uint8(SlotStatus.SETTLED), np.uint8(SlotStatus.NO))
    # 0 for NaN
    return Slots(cells["bad"], cells["total"], np.fmax(np.abs(shares), 0)), asked


def unpack(compressed: bytes) -> bytes:
    """The bytes of a chunk as they were before they were compressed.

    Raises:
        DamagedChunkError: they are not those that were written.
    """
    try:
        body = isal_zlib.decompress(compressed)
    except _IsalError as error:
        raise DamagedChunkError(str(error)) from error
    if len(body) not in (_COUNTS, 2 * _COUNTS):
        raise DamagedChunkError(f"{len(body)} bytes")
    return body


def is_sound(compressed: bytes) -> bool:
    """Whether a chunk can be read."""
    try:
        unpack(compressed)
    except DamagedChunkError:
        return False
    return True


def _read(body: bytes, slots: Slots, series: int, at: slice) -> NDArray[np.float32]:
    counts = np.frombuffer(body, dtype="<f8", count=2 * CHUNK).reshape(2, CHUNK)
    shares = np.frombuffer(body, dtype="<f4", count=CHUNK, offset=2 * CHUNK * 8)
    slots.bad[series, at], slots.total[series, at] = counts
    slots.known[series, at] = np.fmax(np.abs(shares), 0)  # 0 for NaN
    return shares
