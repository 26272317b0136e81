"""A server of raw samples, and tasks that ask it together."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any

from exporter.collection.raw_questions import SELECTOR, RawQuestion
from exporter.collection.together import Together
from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from exporter.prometheus.matrix import Series
from exporter.prometheus.selectors import Selector, parse_selector
from exporter.slo.durations import parse_duration

TICK = 30
"""Seconds between the samples of a series, whose value is their time."""


class Server:
    """Answers with the series that a selector's matchers find, and notes what was asked."""

    def __init__(self, *labels: dict[str, str]) -> None:
        self.labels = labels
        self.asked: list[str] = []
        self.most = 100
        self.longest = 12_000
        self.closed = False
        self.down = False

    async def ranges_closed(self) -> bool:
        return self.closed

    async def longest_query(self) -> int:
        return self.longest

    async def instant_query(self, query: str, at: int) -> Sequence[Series]:
        found = await self._found(query)
        if not query.endswith("]"):
            return [Series(each, [(float(at), at)]) for each in found]
        back = int(parse_duration(query.rpartition("[")[2].rstrip("]")))
        times = [
            t for t in range(0, at + 1, TICK) if t > at - back or (self.closed and t == at - back)
        ]
        return [Series(each, [(float(t), float(t)) for t in times]) for each in found]

    async def range_query(self, query: str, start: int, end: int, step: int) -> Sequence[Series]:
        times = [float(at) for at in range(start, end + 1, step)]
        return [Series(each, [(at, at) for at in times]) for each in await self._found(query)]

    async def _found(self, query: str) -> list[dict[str, str]]:
        self.asked.append(query)
        await asyncio.sleep(0)
        if self.down:
            raise UnavailableError("nobody there")
        [text] = re.findall(r"a\{[^}]*\}|up\{[^}]*\}", query)
        selected = selecting(parse_selector(text))
        found = [each for each in self.labels if selected(each)]
        if len(found) > self.most:
            raise QueryRefusedError("too many samples")
        return found


def selecting(selector: Selector) -> Callable[[dict[str, str]], bool]:
    """Whether labels are selected. Read once: a selector may name thousands of values."""
    wanted = [
        (m.label, re.compile(m.value if m.op == "=~" else re.escape(m.value)))
        for m in selector.matchers
    ]
    return lambda labels: all(value.fullmatch(labels[label]) for label, value in wanted)


def service(i: int, at: int = 600, back: int = 60, query: str = SELECTOR) -> RawQuestion:
    return RawQuestion(query, parse_selector(f'a{{service="s{i}"}}'), at, slot=30, back=back)


def run(server: Server, *tasks: list[RawQuestion]) -> list[Any]:
    """Run tasks, each a list of questions; the labels that answer each of them, or the error."""
    return [
        each if isinstance(each, Exception) else [[one.labels for one in found] for found in each]
        for each in answers(server, *tasks)
    ]


def answers(server: Server, *tasks: list[RawQuestion]) -> list[Any]:
    """The same with all that is answered."""

    async def one(together: Together, questions: list[RawQuestion]) -> Any:
        try:
            return [await together.series(each) for each in questions]
        except PrometheusError as error:
            return error

    async def all_of_them() -> list[Any]:
        together = Together(server, 4)
        with together.batch():
            return await together.run([one(together, each) for each in tasks])

    return asyncio.run(all_of_them())


SERVICES = [{"service": f"s{i}"} for i in range(20)]
