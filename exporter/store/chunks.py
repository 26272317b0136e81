"""Slots as bytes: how a chunk of them is stored, and read again.

A chunk is `CHUNK` slots of one length and one group, the first of them a multiple of `CHUNK`
slots since the epoch. It holds the bad events of every slot, then the totals (8 bytes each,
little-endian), then the known shares (4 bytes each); where any of it lies in a maintenance window,
the same three for that part. A known share of NaN says that the slot is not held; a negative one
that it is held but must be asked for again. All of it is compressed by zlib, whose checksum tells
damage.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from exporter.errors import StoreError
from exporter.ledger.history import Stretch
from exporter.ledger.levels import CHUNK
from exporter.ledger.ring_buffer import Slots
from exporter.ledger.slot_status import SlotStatus

_COUNTS = CHUNK * (8 + 8 + 4)


class DamagedChunkError(StoreError):
    """The bytes are not those that were written."""


def encode(stretch: Stretch, number: int) -> list[bytes]:
    """Write the slots of a stretch, all of which lie in chunk `number`: a text per group."""
    first = stretch.start // stretch.slot - number * CHUNK
    at = slice(first, first + len(stretch.asked))
    settled = stretch.asked == SlotStatus.SETTLED
    known = stretch.slots.known
    held = np.where(settled, known, np.where(known > 0, -known, np.nan))
    texts = []
    for row in range(len(known)):
        text = _write(stretch.slots, row, at, held[row])
        if stretch.excluded is not None and stretch.excluded.known[row].any():
            text += _write(stretch.excluded, row, at, stretch.excluded.known[row])
        texts.append(zlib.compress(text, level=1))
    return texts


def _write(slots: Slots, row: int, at: slice, known: NDArray[np.floating]) -> bytes:
    counts = np.zeros((2, CHUNK), dtype="<f8")
    counts[0, at], counts[1, at] = slots.bad[row], slots.total[row]
    shares = np.full(CHUNK, np.nan, dtype="<f4")
    shares[at] = known
    return counts.tobytes() + shares.tobytes()


def decode(slot: int, chunks: Mapping[int, Mapping[int, bytes]], groups: int) -> Stretch:
    """Read the chunks of one slot length: number -> group (by its place) -> text.

    What a group has no chunk of is not known of it.

    Raises:
        DamagedChunkError: a text is damaged.
    """
    first, last = min(chunks), max(chunks) + 1
    slots = Slots.none(groups, (last - first) * CHUNK)
    excluded: Slots | None = None
    settled = np.zeros((last - first) * CHUNK, dtype=np.bool_)
    for number, of_groups in chunks.items():
        at = slice((number - first) * CHUNK, (number - first + 1) * CHUNK)
        for row, text in of_groups.items():
            body = _unpack(text)
            shares = _read(body, slots, row, at)
            settled[at] |= shares >= 0
            if len(body) > _COUNTS:
                excluded = excluded or Slots.none(*slots.bad.shape)
                _read(body[_COUNTS:], excluded, row, at)
    return Stretch(
        slot=slot,
        start=first * CHUNK * slot,
        slots=slots,
        excluded=excluded,
        asked=np.where(settled, np.uint8(SlotStatus.SETTLED), np.uint8(SlotStatus.NO)),
    )


def _unpack(text: bytes) -> bytes:
    try:
        body = zlib.decompress(text)
    except zlib.error as error:
        raise DamagedChunkError(str(error)) from error
    if len(body) not in (_COUNTS, 2 * _COUNTS):
        raise DamagedChunkError(f"{len(body)} bytes")
    return body


def _read(body: bytes, slots: Slots, row: int, at: slice) -> NDArray[np.float32]:
    counts = np.frombuffer(body, dtype="<f8", count=2 * CHUNK).reshape(2, CHUNK)
    shares = np.frombuffer(body, dtype="<f4", count=CHUNK, offset=2 * CHUNK * 8)
    slots.bad[row, at], slots.total[row, at] = counts
    slots.known[row, at] = np.fmax(np.abs(shares), 0)  # 0 for NaN
    return shares
