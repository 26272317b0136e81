"""A gzip file put together from pieces that were compressed before.

Each piece is compressed by itself, ends on a byte, and refers to nothing before it, so that pieces
follow each other in one stream as every reader takes it. The checksum of the whole is that of the
pieces put together. ISA-L does both several times faster than zlib, in the same format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from isal import isal_zlib

LEVEL = 1
"""Metric text is so repetitive that the cheapest level of use already shrinks it tenfold. At level
0 ISA-L takes three quarters of the time, and half as many bytes again."""

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""Deflate, no time, the fastest level, any system: RFC 1952."""

_NO_MORE = b"\x03\x00"
"""An empty last block."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text: compressed, and what is to be known of it before that."""

    compressed: bytes
    checksum: int
    length: int

    @classmethod
    def of(cls, text: str | bytes) -> Piece:
        """Compress a text."""
        content = text.encode() if isinstance(text, str) else text
        deflate = isal_zlib.compressobj(LEVEL, wbits=-isal_zlib.MAX_WBITS)
        compressed = deflate.compress(content) + deflate.flush(isal_zlib.Z_SYNC_FLUSH)
        return cls(compressed, isal_zlib.crc32(content), len(content))


def gzip_of(pieces: Iterable[Piece]) -> bytes:
    """The gzip file of the texts of some pieces, one after the other."""
    parts, checksum, length = [_HEADER], 0, 0
    for piece in pieces:
        parts.append(piece.compressed)
        checksum = isal_zlib.crc32_combine(checksum, piece.checksum, piece.length)
        length += piece.length
    return b"".join([*parts, _NO_MORE, struct.pack("<II", checksum, length & 0xFFFFFFFF)])
