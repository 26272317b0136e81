"""Data of many alike series for a local Prometheus, in seconds: they share the chunks of a few.

promtool takes minutes and gigabytes for a month of ten thousand SLOs. To a query a series costs the
same whether its samples are its own or not: each is looked up, and its chunks are decoded. Only
the page cache has less to hold. Prometheus documents the format (`tsdb/docs/format/index.md`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from struct import pack, unpack_from

MAGIC = pack(">IB", 0xBAAAD700, 2)
TOC = 52


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)  # noqa: PLW2901 - bit by bit
        table.append(value)
    return table


_TABLE = _crc_table()


def castagnoli(data: bytes, crc: int = 0) -> int:
    """CRC-32C, which the standard library does not have."""
    table, crc = _TABLE, ~crc & 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return ~crc & 0xFFFFFFFF


def _uvarint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _read_uvarint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at


def _text(text: str) -> bytes:
    raw = text.encode()
    return _uvarint(len(raw)) + raw


def _section(body: bytes) -> bytes:
    return pack(">I", len(body)) + body + pack(">I", castagnoli(body))


def _chunks_by_code(index: bytes) -> dict[str, bytes]:
    """The chunk references of each series of a block, as its index has them, by label `code`."""
    symbols_at, series_at, end, *_ = unpack_from(">6Q", index, len(index) - TOC)
    symbols, at = [], symbols_at + 8
    for _ in range(unpack_from(">I", index, symbols_at + 4)[0]):
        length, at = _read_uvarint(index, at)
        symbols.append(index[at : at + length].decode())
        at += length
    found = {}
    at = series_at + -series_at % 16
    while at < end:
        length, body = _read_uvarint(index, at)
        if not length:
            break
        labels, place = _read_uvarint(index, body)
        of = {}
        for _ in range(labels):
            name, place = _read_uvarint(index, place)
            value, place = _read_uvarint(index, place)
            of[symbols[name]] = symbols[value]
        found[of["code"]] = index[place : body + length]
        at = body + length + 4
        at += -at % 16
    return found


def multiply(block: Path, copies: int, labels_of: Callable[[int, str], Mapping[str, str]]) -> None:
    """Have a block hold `copies` of each of its series, which differ by their label `code`.

    `labels_of` gives the labels of a copy, by its number and its code.
    """
    file = block / "index"
    chunks = _chunks_by_code(file.read_bytes())
    series = sorted(
        (sorted(labels_of(n, code).items()), code) for n in range(copies) for code in chunks
    )
    symbols = sorted({"", *(text for labels, _ in series for pair in labels for text in pair)})
    ref = {symbol: n for n, symbol in enumerate(symbols)}
    out = bytearray(MAGIC)
    out += _section(pack(">I", len(symbols)) + b"".join(map(_text, symbols)))
    series_at = len(out)
    postings: dict[tuple[str, str], list[int]] = defaultdict(list)
    for labels, code in series:
        out += bytes(-len(out) % 16)
        for pair in [("", ""), *labels]:
            postings[pair].append(len(out) // 16)
        refs = b"".join(_uvarint(ref[text]) for pair in labels for text in pair)
        body = _uvarint(len(labels)) + refs + chunks[code]
        out += _uvarint(len(body)) + body + pack(">I", castagnoli(body))
    label_indices_at = len(out)
    out += bytes(-len(out) % 4)
    postings_at = len(out)
    table = bytearray(pack(">I", len(postings)))
    for (name, value), those in sorted(postings.items()):
        out += bytes(-len(out) % 4)
        table += b"\x02" + _text(name) + _text(value) + _uvarint(len(out))
        out += _section(pack(">I", len(those)) + pack(f">{len(those)}I", *those))
    label_table_at = len(out)
    out += _section(pack(">I", 0))
    table_at = len(out)
    out += _section(bytes(table))
    places = pack(">6Q", 5, series_at, label_indices_at, label_table_at, postings_at, table_at)
    file.write_bytes(out + places + pack(">I", castagnoli(places)))
    meta = json.loads((block / "meta.json").read_text())
    for name in ("numSeries", "numChunks", "numSamples"):
        meta["stats"][name] *= copies
    (block / "meta.json").write_text(json.dumps(meta))


def blocks(data: Path) -> Iterator[Path]:
    """The blocks of a data folder."""
    yield from (meta.parent for meta in sorted(data.glob("*/meta.json")))
