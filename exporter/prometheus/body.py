"""The body of an HTTP answer, bounded in memory whatever the server sends."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

import httpx

from exporter.prometheus.errors import UnavailableError

ACCEPT_ENCODING = "gzip"
"""What is asked for: what is read here, and nothing that httpx would unpack without a bound."""


async def read_body(response: httpx.Response, most: int) -> tuple[bytearray, bool]:
    """Read the body of a streamed response, unpacked: up to `most` bytes, and whether that is all.

    Raises:
        UnavailableError: it is packed in another way than was asked for, or damaged.
    """
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding == "gzip":
        pieces = _unpacked(response.aiter_raw(), most + 1)
    elif coding == "identity":
        pieces = response.aiter_raw()
    else:
        raise UnavailableError(f"Content-Encoding {coding[:20]!r}, which was not asked for")
    body = bytearray()
    ended = False
    try:
        async for piece in pieces:
            body += piece
            if len(body) > most:
                break
        ended = True
    finally:
        if not ended:
            body.clear()  # the error would hold it, for as long as somebody holds the error
    whole = len(body) <= most
    del body[most:]
    return body, whole


async def _unpacked(pieces: AsyncIterator[bytes], at_once: int) -> AsyncIterator[bytes]:
    """Unpack gzip, at most `at_once` bytes at a time: a few kilobytes may hold gigabytes."""
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        async for piece in pieces:
            packed = piece
            while packed and not inflate.eof:
                yield inflate.decompress(packed, at_once)
                packed = inflate.unconsumed_tail
    except zlib.error as error:
        raise UnavailableError("the answer's gzip is damaged") from error
    if not inflate.eof:
        raise UnavailableError("the answer's gzip was cut off")
