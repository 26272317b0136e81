"""The answer to a range query, read as a whole into arrays."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from exporter.prometheus.answer_text import Parted, checked_labels, labels_of
from exporter.prometheus.native_histograms import NativeHistogram, read_histogram
from exporter.slo.types import Floats

Item = dict[str, Any]
"""A series as JSON has it: `metric`, and `values` or `histograms`."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels and its samples as (Unix seconds, value), in order.

    Samples that are native histograms stand apart.
    """

    labels: dict[str, str]
    samples: list[tuple[float, float]]
    histograms: list[tuple[float, NativeHistogram]] = field(default_factory=list)


class Matrix(Sequence[Series]):
    """Series whose samples lie in arrays: `times` (Unix seconds) and `values`, one after the other.

    `rows` tells which series each sample is of. Labels are read when somebody wants them; matrices
    of equal `digest` have the same.
    """

    def __init__(
        self,
        labels: list[dict[str, str]] | Parted,
        counts: NDArray[np.intp],
        times: Floats,
        values: Floats,
    ) -> None:
        """Of some labels, or of those of a text, which have been read before."""
        self._labels = labels
        self._digest: bytes | None = None
        self.rows = np.repeat(np.arange(len(counts)), counts)
        self.times = times
        self.values = values
        self._ends = np.cumsum(counts)
        self.histograms: dict[int, list[tuple[float, NativeHistogram]]] = {}

    @classmethod
    def parted(cls, text: Parted, labels: list[dict[str, str]] | None) -> Matrix:
        """That of a text; its labels are None where they have been read before."""
        found = cls(text if labels is None else labels, text.counts, text.times, text.values)
        found._digest = text.digest
        return found

    @property
    def labels(self) -> list[dict[str, str]]:
        """The labels of each series."""
        if isinstance(self._labels, Parted):
            self._labels = labels_of(self._labels)
        return self._labels

    @property
    def digest(self) -> bytes:
        """A digest of all labels, in their order."""
        if self._digest is None:
            # Written in a form that knows nothing of which texts are the same object.
            written = marshal.dumps(self.labels, 2)
            self._digest = hashlib.blake2b(written, digest_size=16).digest()
        return self._digest

    def newest(self) -> Floats:
        """The newest value of each series; NaN where there is none."""
        some = np.diff(self._ends, prepend=0) > 0
        found = np.full(len(self), np.nan)
        found[some] = self.values[self._ends[some] - 1]
        return found

    @classmethod
    def read(cls, items: Sequence[Item]) -> Matrix:
        """Read an answer's `result`.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is none.
        """
        of_series = [item.get("values", ()) for item in items]
        counts = np.fromiter(map(len, of_series), dtype=np.intp, count=len(items))
        flat = list(chain.from_iterable(chain.from_iterable(of_series)))
        if len(flat) != 2 * counts.sum():
            raise ValueError("a sample is a time and a value")
        times, values = (
            np.fromiter(map(float, flat[i::2]), dtype=np.float64, count=len(flat) // 2)
            for i in (0, 1)
        )
        found = cls(checked_labels(items), counts, times, values)
        for i, item in enumerate(items):
            if "histograms" in item:
                found.histograms[i] = [
                    (float(at), read_histogram(each)) for at, each in item["histograms"]
                ]
        return found

    @classmethod
    def of(cls, series: Iterable[Series]) -> Matrix:
        """Series as a matrix, without their histograms; a matrix as it is."""
        if isinstance(series, Matrix):
            return series
        all_ = list(series)
        counts = np.array([len(each.samples) for each in all_], dtype=np.intp)
        pairs = np.array(
            [sample for each in all_ for sample in each.samples], dtype=np.float64
        ).reshape(-1, 2)
        return cls([each.labels for each in all_], counts, pairs[:, 0], pairs[:, 1])

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[Series]:
        """All of them: in one go, not one by one."""
        pairs = list(zip(self.times.tolist(), self.values.tolist(), strict=True))
        first = 0
        for i, (labels, last) in enumerate(zip(self.labels, self._ends.tolist(), strict=True)):
            yield Series(labels, pairs[first:last], self.histograms.get(i, []))
            first = last

    @overload
    def __getitem__(self, place: int) -> Series: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Series]: ...

    def __getitem__(self, place: int | slice) -> Series | Sequence[Series]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        i = range(len(self))[place]
        first, last = self._ends[i - 1] if i else 0, self._ends[i]
        samples = zip(
            self.times[first:last].tolist(), self.values[first:last].tolist(), strict=True
        )
        return Series(self.labels[i], list(samples), self.histograms.get(i, []))
