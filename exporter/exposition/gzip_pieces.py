"""A gzip file put together from pieces that were compressed before.

Each piece is compressed by itself, ends on a byte, and refers to nothing before it, so that pieces
follow each other in one stream as every reader takes it. The checksum of the whole is that of the
pieces put together, as zlib's `crc32_combine` does, which Python does not have.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

LEVEL = 1
"""Metric text is so repetitive that the cheapest level already shrinks it tenfold."""

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""Deflate, no time, the fastest level, any system: RFC 1952."""

_NO_MORE = b"\x03\x00"
"""An empty last block."""

_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
"""Bits are reversed: the highest is that of x^0."""


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
        deflate = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS)
        compressed = deflate.compress(content) + deflate.flush(zlib.Z_SYNC_FLUSH)
        return cls(compressed, zlib.crc32(content), len(content))


def gzip_of(pieces: Iterable[Piece]) -> bytes:
    """The gzip file of the texts of some pieces, one after the other."""
    parts, checksum, length = [_HEADER], 0, 0
    for piece in pieces:
        parts.append(piece.compressed)
        checksum = _times(_shift(piece.length), checksum) ^ piece.checksum
        length += piece.length
    return b"".join([*parts, _NO_MORE, struct.pack("<II", checksum, length & 0xFFFFFFFF)])


def _times(a: int, b: int) -> int:
    """The product of two polynomials over GF(2), modulo that of CRC-32."""
    product, bit = 0, _ONE
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


@cache
def _power(exponent: int) -> int:
    """x^(2^exponent)."""
    return 1 << 30 if exponent == 0 else _times(_power(exponent - 1), _power(exponent - 1))


@lru_cache(16_384)  # pieces stay as long as they are
def _shift(length: int) -> int:
    """What a checksum is multiplied by if so many bytes follow."""
    product, place = _ONE, 0
    while length:
        product = _times(_shift_by_digit(length & 0xFF, place), product)
        length >>= 8
        place += 1
    return product


@cache  # three of them make any usual length
def _shift_by_digit(digit: int, place: int) -> int:
    """The same for a length of `digit` * 256^`place`."""
    product, exponent = _ONE, 3 + 8 * place
    while digit:
        if digit & 1:
            product = _times(_power(exponent), product)
        digit >>= 1
        exponent += 1
    return product
