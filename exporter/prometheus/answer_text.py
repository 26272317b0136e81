"""An answer's text, parted into its samples and the labels around them.

From one poll to the next the labels of an answer mostly are the same texts. What has been read of
them before is not read again: that is most of what an answer takes.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from exporter.slo.types import Floats

MOST_KNOWN = 2_000
"""Texts of labels that are remembered, by their digests: those of as many queries."""

_RANGE = b'},"values":[[', b'"]]}', b'},"values":[]}'
_INSTANT = b'},"value":[', b'"]}', b'},"value":[]}'
"""What stands before and behind the samples of a series, and what is left without them.

The texts of labels cannot hold the first: a quote in them is escaped. What follows it are numbers.
"""


@dataclass(frozen=True, slots=True)
class Parted:
    """An answer's text.

    - `labels`: all of it but samples, still JSON; `digest` is of what comes before its end.
    - `envelope`: the same with the first series alone.
    - `counts`: how many samples each series has; `times` (Unix seconds) and `values` are theirs,
      one after the other.
    """

    labels: bytes
    envelope: bytes
    digest: bytes
    counts: NDArray[np.intp]
    times: Floats
    values: Floats


def parted(body: bytes | bytearray) -> Parted | None:
    """Part a text; None if it is not written as Prometheus writes answers with samples."""
    text = bytes(body)
    opening, closing, nothing = _RANGE if _RANGE[0] in text else _INSTANT
    series = text.count(opening)
    if not series or text.count(closing) != series:  # as where a label's value begins with it
        return None
    pieces = text.replace(closing, opening).split(opening)
    flat = b'"],['.join(pieces[1::2]).replace(b'"],[', b',"').split(b',"')
    if len(flat) == 2 * series:
        counts = np.ones(series, dtype=np.intp)
    else:
        each = (samples.count(b'"],[') + 1 for samples in pieces[1::2])
        counts = np.fromiter(each, dtype=np.intp, count=series)
        if len(flat) != 2 * counts.sum():
            return None
    try:
        times, values = (
            np.fromiter(map(float, flat[i::2]), dtype=np.float64, count=len(flat) // 2)
            for i in (0, 1)
        )
    except ValueError:
        return None
    before, end = nothing.join(pieces[:-1:2]), nothing + pieces[-1]
    digest = hashlib.blake2b(before, digest_size=16).digest()
    return Parted(before + end, pieces[0] + end, digest, counts, times, values)


def checked_labels(items: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The labels of the series that an answer's `result` has.

    Raises:
        KeyError, TypeError, AttributeError: they are none.
    """
    labels: list[dict[str, str]] = [item["metric"] for item in items]
    for each in labels:
        for value in each.values():  # names are texts, as JSON has no others
            if not isinstance(value, str):
                raise TypeError("labels are texts")
    return labels


def labels_of(text: Parted) -> list[dict[str, str]]:
    """The labels of the series of a text.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no answer, or has more than these.
    """
    items = orjson.loads(text.labels)["data"]["result"]
    if len(items) != len(text.counts):
        raise ValueError("series without samples")
    for item in items:
        if len(item) != 2 or not (item.get("values") == [] or item.get("value") == []):
            raise ValueError("more than samples")
    return checked_labels(items)


class KnownLabels:
    """Remembers which texts of labels have been read, and of how many series they are."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, int] = OrderedDict()

    def read(self, text: Parted) -> tuple[Mapping[str, Any], list[dict[str, str]] | None]:
        """Read a text as far as it is new.

        Returns:
            The answer, with the first series alone; and all labels, None if they are known.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is no answer, or has more than
                series with samples.
        """
        answer: Mapping[str, Any] = orjson.loads(text.envelope)
        if len(answer["data"]["result"]) != 1:
            raise ValueError("more than samples")
        labels = None
        if self._known.pop(text.digest, None) != len(text.counts):
            labels = labels_of(text)
        self._known[text.digest] = len(text.counts)
        if len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return answer, labels
