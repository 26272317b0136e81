"""The lines of numbers, written into forms that are made once: labels stay, numbers change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

import numpy as np
import orjson

from exporter.exposition.text import number
from exporter.slo.types import Bools, Floats

_FEWEST, _MOST = 1e-4, 1e16
"""Between these, numbers are written without an exponent."""

_ODD: Final = {"nan": number(np.nan), "inf": number(np.inf), "-inf": number(-np.inf)}


@dataclass(frozen=True, slots=True)
class _Form:
    """A line for each point of some series. Every line begins with its end of line: labels have
    none, so that is where the name goes."""

    labels: Sequence[str]
    lines: Sequence[str]
    whole: str


class LineForms:
    """The forms of some series' lines, which are kept from one page to the next.

    Metrics of the same series share them, whatever their names are.
    """

    def __init__(self) -> None:
        self._forms: dict[tuple[int, tuple[str, ...]], _Form] = {}
        self._before: dict[tuple[int, tuple[str, ...]], _Form] = {}

    def turn(self) -> None:
        """Begin with another page: what the last one did not use is let go of."""
        self._before, self._forms = self._forms, {}

    def write(
        self,
        name: str,
        series: tuple[int, Sequence[str]],
        more: Sequence[str],
        values: Floats,
        known: Bools,
    ) -> str:
        """A line for each value that is known: of every series a point per further label.

        Args:
            name: the metric's.
            series: the place of the first one on the page, and the labels of each.
            more: the further labels of each point; empty for none.
            values: series x points.
            known: which of them there are.
        """
        there: list[bool] = np.asarray(known.any(axis=0)).tolist()
        if not any(there):
            return ""
        if not all(there):
            more = [*compress(more, there)]
            values, known = values[:, there], known[:, there]
        form = self._form(series, tuple(more))
        whole = form.whole
        if not known.all():
            chosen: list[bool] = known.ravel().tolist()
            values, whole = values[known], "".join(compress(form.lines, chosen))
        found = whole.replace("\n", f"\n{name}") % tuple(texts(values.ravel()))
        return f"{found[1:]}\n"

    def _form(self, series: tuple[int, Sequence[str]], more: tuple[str, ...]) -> _Form:
        first, labels = series
        key = first, more
        form = self._forms.get(key) or self._before.get(key)
        if form is None or form.labels != labels:
            ends = [f",{_plain(each)}}} %s" if each else "} %s" for each in more]
            begun = ["\n{" + _plain(each) for each in labels]
            lines = [start + end for start in begun for end in ends]
            form = _Form(labels, lines, "".join(lines))
        self._forms[key] = form
        return form


def _plain(text: str) -> str:
    return text.replace("%", "%%")


def texts(values: Floats) -> list[str]:
    """`number` of each."""
    if not len(values):
        return []
    sizes = np.abs(values)
    plain = ((sizes >= _FEWEST) | (sizes == 0)) & (sizes < _MOST)
    found = orjson.dumps(
        np.ascontiguousarray(np.where(plain, values, 0.0)), option=orjson.OPT_SERIALIZE_NUMPY
    )
    written = found[1:-1].decode().split(",")
    odd = np.flatnonzero(~plain)
    if odd.size:
        # `repr` of all of them at once.
        parts = repr(values[odd].tolist())[1:-1].split(", ")
        for i, text in zip(odd.tolist(), parts, strict=True):
            written[i] = _ODD.get(text, text)
    return written
