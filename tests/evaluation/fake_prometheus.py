"""A Prometheus that answers from functions of time, for what the evaluation decides by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from exporter.prometheus.client import Series
from exporter.prometheus.errors import QueryRefusedError, UnavailableError
from exporter.prometheus.promql import PART_LABEL
from exporter.prometheus.settings import PrometheusSettings

_PART = re.compile(r'label_replace\((.+?), "slo_query_part", "(\d+)", "", ""\)(?: or |$)')
_SELECTOR = re.compile(r"last_over_time\((.+?)\[")

Labels = Mapping[str, str]
Events = Callable[[int, int], Mapping[str, float] | float | None]
"""The events in (start, end]: of everything, per value of the label `region`, or unknown."""


@dataclass(frozen=True)
class RangeQuery:
    """One range query that was asked: its selectors and its times."""

    selectors: tuple[str, ...]
    start: int
    end: int
    step: int
    text: str

    @property
    def points(self) -> int:
        return (self.end - self.start) // self.step + 1


class FakePrometheus:
    """Stands in for the client. `counters` maps a selector's text to its events."""

    def __init__(self, counters: Mapping[str, Events], scrape_interval: int = 30) -> None:
        self.settings = PrometheusSettings(scrape_interval=scrape_interval)
        self.counters = dict(counters)
        self.instant: Callable[[str, int], list[Series]] = lambda _query, _at: []
        self.refuse: Callable[[RangeQuery], str | None] = lambda _query: None
        self.down = False
        self.ranges: list[RangeQuery] = []
        self.instants: list[tuple[str, int]] = []

    async def range_query(self, query: str, start: int, end: int, step: int) -> list[Series]:
        parts = [(match[2], _SELECTOR.search(match[1])[1]) for match in _PART.finditer(query)]
        asked = RangeQuery(tuple(selector for _, selector in parts), start, end, step, query)
        self.ranges.append(asked)
        if self.down:
            raise UnavailableError("nobody there")
        refusal = self.refuse(asked)
        if refusal:
            raise QueryRefusedError(refusal)
        return [
            Series({**labels, PART_LABEL: number}, samples)
            for number, selector in parts
            for labels, samples in self._series(selector, start, end, step)
        ]

    async def instant_query(self, query: str, at: int) -> list[Series]:
        self.instants.append((query, at))
        if self.down:
            raise UnavailableError("nobody there")
        return self.instant(query, at)

    def _series(
        self, selector: str, start: int, end: int, step: int
    ) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        events = self.counters.get(selector)
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
