"""A Prometheus that answers from functions of time, for what the evaluation decides by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from exporter.prometheus.abilities import SHORT_QUERY
from exporter.prometheus.errors import QueryRefusedError, UnavailableError
from exporter.prometheus.matrix import Series
from exporter.prometheus.promql import PART_LABEL
from exporter.prometheus.settings import PrometheusSettings

_PART = re.compile(r'label_replace\((.+?), "slo_query_part", "(\d+)", "", ""\)+(?: or |$)')
_COUNTER = re.compile(r"^sum by \([^)]*\) \(\(+last_over_time\((.+?)\[")
"""What tells that a counter's events are counted."""

_CHECKSUM = re.compile(r"^sum(?: by \([^)]+\) )?\(sum_over_time\((.+?)\[[^]]*\]\) \+ 1\)$")
"""What tells that checksums of the samples behind counters are asked for."""

_ALWAYS = "vector(0)"
"""What is asked with checksums, since it has always an answer."""

_SUMMED_UP = re.compile(r"^sum_over_time\(\((.+)\)\[[^]]*:(\d+)s\]\)$")
"""What tells that checksums of slots are summed up, and how long these are."""

_PRESENCE = re.compile(r"^count(?: by \([^)]+\) )?\((\w+)\)$")
"""What tells that it is asked how many series there are."""

Labels = Mapping[str, str]
Events = Callable[[int, int], Mapping[str, float] | float | None]
"""The events in (start, end]: of everything, per value of the label `region`, or unknown."""


@dataclass(frozen=True)
class RangeQuery:
    """One range query that was asked: its times, and a selector per counter.

    What is asked besides counters stands in `selectors` as a whole.
    """

    selectors: tuple[str, ...]
    start: int
    end: int
    step: int
    text: str

    @property
    def points(self) -> int:
        return (self.end - self.start) // self.step + 1


class FakePrometheus:
    """Stands in for the client.

    `counters` maps a counter's selector to its events; any other expression is answered by the
    longest key that is a part of it. `checksums` tells the checksum of a counter's samples in
    (start, end], and `present` how many series there are at a moment. `closed` are ranges as
    Prometheus 2 takes them.
    """

    def __init__(
        self, counters: Mapping[str, Events], scrape_interval: int = 30, *, closed: bool = False
    ) -> None:
        self.settings = PrometheusSettings(scrape_interval=scrape_interval)
        self.counters = dict(counters)
        self.checksums: Callable[[int, int], float] = lambda start, end: (
            (end - start) / scrape_interval
        )
        self.present: Callable[[int], float] = lambda _at: 1.0
        self.instant: Callable[[str, int], list[Series]] = lambda _query, _at: []
        self.refuse: Callable[[RangeQuery], str | None] = lambda _query: None
        self.down = False
        self.closed = closed
        self.ranges: list[RangeQuery] = []
        self.checked: list[RangeQuery] = []
        self.looks: list[range] = []
        self.sums: list[range] = []
        self.instants: list[tuple[str, int]] = []

    async def range_query(self, query: str, start: int, end: int, step: int) -> list[Series]:
        parts = [(match[2], match[1]) for match in _PART.finditer(query)]
        summed = [match for _, text in parts if (match := _SUMMED_UP.match(text))]
        if summed:
            return self._summed_up(parts, range(start, end + 1, step), int(summed[0][2]))
        if not parts:  # a value at several moments
            of_each = [await self.instant_query(query, at) for at in range(start, end + 1, step)]
            return [series for found in of_each for series in found]
        keys = [(number, self._key(text)) for number, text in parts]
        if any(_PRESENCE.match(text) for _, text in parts):
            return self._presence(parts, range(start, end + 1, step))
        asked = RangeQuery(tuple(key for _, key in keys), start, end, step, query)
        of_checksums = any(_CHECKSUM.match(text) or text == _ALWAYS for _, text in parts)
        (self.checked if of_checksums else self.ranges).append(asked)
        if self.down:
            raise UnavailableError("nobody there")
        refusal = self.refuse(asked)
        if refusal:
            raise QueryRefusedError(refusal)
        return [
            Series({**labels, PART_LABEL: number}, samples)
            for number, key in keys
            for labels, samples in self._series(
                self.checksums if of_checksums else self.counters.get(key), start, end, step
            )
        ]

    def _summed_up(self, parts: list[tuple[str, str]], moments: range, slot: int) -> list[Series]:
        self.sums.append(moments)
        if self.down:
            raise UnavailableError("nobody there")

        def value(text: str, end: int) -> float:
            if not _SUMMED_UP.match(text):
                return 1.0
            ends = range(end - moments.step + slot, end + 1, slot)
            return sum(self.checksums(each - slot, each) for each in ends)

        return [
            Series({PART_LABEL: number}, [(float(at), value(text, at)) for at in moments])
            for number, text in parts
        ]

    def _presence(self, parts: list[tuple[str, str]], moments: range) -> list[Series]:
        self.looks.append(moments)
        if self.down:
            raise UnavailableError("nobody there")
        found = {
            number: [
                (float(at), count)
                for at in moments
                if (count := self.present(at) if _PRESENCE.match(text) else 0.5)
            ]
            for number, text in parts
        }
        return [Series({PART_LABEL: number}, samples) for number, samples in found.items()]

    def _key(self, expression: str) -> str:
        counter = _COUNTER.match(expression) or _CHECKSUM.match(expression)
        if counter:
            return counter[1]
        return max((key for key in self.counters if key in expression), key=len, default=expression)

    async def instant_query(self, query: str, at: int) -> list[Series]:
        self.instants.append((query, at))
        if self.down:
            raise UnavailableError("nobody there")
        return self.instant(query, at)

    async def ranges_closed(self) -> bool:
        if self.down:
            raise UnavailableError("nobody there")
        return self.closed

    async def blind_to_resets(self) -> bool:
        return False

    async def longest_query(self) -> int:
        return SHORT_QUERY

    def _series(
        self, events: Events | None, start: int, end: int, step: int
    ) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        found: dict[str | None, list[tuple[float, float]]] = {}
        for at in range(start, end + 1, step):
            counts = events(at - step, at) if events else None
            if counts is None:
                continue
            for region, count in (
                counts.items() if isinstance(counts, Mapping) else [(None, counts)]
            ):
                found.setdefault(region, []).append((float(at), count))
        return [
            ({} if region is None else {"region": region}, samples)
            for region, samples in found.items()
        ]


def steady(per_second: float) -> Events:
    """Events at a steady rate, for ever."""
    return lambda start, end: (end - start) * per_second


def odd(_start: int, _end: int) -> float:
    """A counter that PromQL cannot count: only its raw samples tell."""
    return inf
