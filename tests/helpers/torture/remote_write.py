"""Prometheus's remote-write protocol (1.0), as far as tests need it: floats and histograms.

Source: the specification's `prometheus.WriteRequest`. A staleness mark is a sample whose value
is one particular NaN.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cramjam
import httpx
import numpy as np

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""The value of a staleness mark."""

Labels = Iterable[tuple[str, str]]
Samples = Sequence[tuple[float, float]]


CUSTOM = -53
"""The schema of histograms with custom buckets."""


@dataclass(frozen=True)
class NativeHistogram:
    """A native histogram.

    Bucket n of schema s holds what lies in (2^((n-1)/2^s), 2^(n/2^s)]. With custom `bounds` (which
    are the upper ones) bucket n is the nth; the last has no bound.
    """

    buckets: Mapping[int, int]
    schema: int = 0
    bounds: Sequence[float] = ()

    def encoded(self, t: float) -> bytes:
        """The histogram as a message with a timestamp."""
        first, last = min(self.buckets), max(self.buckets)
        counts = [self.buckets.get(n, 0) for n in range(first, last + 1)]
        deltas = [after - before for before, after in zip([0, *counts], counts, strict=False)]
        span = _varint(1, _zigzag(first)) + _varint(2, len(counts))
        return (
            _varint(1, sum(counts))
            + _double(3, float(sum(counts)))
            + _varint(4, _zigzag(CUSTOM if self.bounds else self.schema))
            + _double(5, 0.0 if self.bounds else 1e-128)
            + _varint(6, 0)
            + _bytes(11, span)
            + b"".join(_varint(12, _zigzag(delta)) for delta in deltas)
            + _varint(15, round(t * 1000))
            + (
                _bytes(16, struct.pack(f"<{len(self.bounds)}d", *self.bounds))
                if self.bounds
                else b""
            )
        )


class StaleHistogram:
    """The staleness mark of a native histogram: an empty one whose sum is that NaN."""

    def encoded(self, t: float) -> bytes:
        """The mark as a message with a timestamp."""
        return _double(3, STALE) + _varint(15, round(t * 1000))


def write(
    url: str,
    series: Iterable[tuple[Labels, Samples]] = (),
    histograms: Iterable[
        tuple[Labels, Sequence[tuple[float, NativeHistogram | StaleHistogram]]]
    ] = (),
) -> None:
    """Send series, whose labels hold `__name__` too, to a receiver.

    Raises:
        httpx.HTTPStatusError: it did not take them.
    """
    parts = [_series(labels, _samples(samples)) for labels, samples in series if samples]
    parts += [
        _series(labels, b"".join(_bytes(4, sample.encoded(t)) for t, sample in samples))
        for labels, samples in histograms
    ]
    for n in range(0, len(parts), 50):
        answer = httpx.post(
            f"{url}/api/v1/write",
            content=bytes(cramjam.snappy.compress_raw(b"".join(parts[n : n + 50]))),
            headers={
                "Content-Type": "application/x-protobuf",
                "Content-Encoding": "snappy",
                "X-Prometheus-Remote-Write-Version": "0.1.0",
            },
            timeout=60,
        )
        assert answer.is_success, answer.text


def _series(labels: Labels, samples: bytes) -> bytes:
    pairs = (
        _bytes(1, _bytes(1, name.encode()) + _bytes(2, value.encode()))
        for name, value in sorted(labels)
    )
    return _bytes(1, b"".join(pairs) + samples)


def _samples(samples: Samples) -> bytes:
    """Every sample is 18 bytes: milliseconds of our times take six groups of seven bits."""
    out = np.zeros((len(samples), 18), dtype=np.uint8)
    out[:, :3] = (0x12, 16, 0x09)
    values = np.array([value for _, value in samples], dtype="<f8")
    out[:, 3:11] = values.view(np.uint8).reshape(-1, 8)
    out[:, 11] = 0x10
    times = np.array([round(t * 1000) for t, _ in samples], dtype=np.int64)
    for n in range(6):
        out[:, 12 + n] = (times >> (7 * n)) & 0x7F | (0x80 if n < 5 else 0)
    return out.tobytes()


def _zigzag(number: int) -> int:
    return number * 2 if number >= 0 else -number * 2 - 1


def _number(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _varint(field: int, value: int) -> bytes:
    return _number(field << 3) + _number(value)


def _double(field: int, value: float) -> bytes:
    return _number(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, content: bytes) -> bytes:
    return _number(field << 3 | 2) + _number(len(content)) + content
