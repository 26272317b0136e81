"""Counters of many SLOs that begin in one scrape of one target: looked at once for all of them."""

from __future__ import annotations

import asyncio

from exporter.collection import surroundings
from exporter.collection.births import Birth, bases
from exporter.collection.surroundings import Surroundings, family_of
from exporter.collection.together import Together
from exporter.prometheus.abilities import SHORT_QUERY
from exporter.prometheus.births import Doubt
from exporter.prometheus.matrix import Series
from exporter.prometheus.selectors import parse_selector

SLOS, FIRST = 60, 500.0
"""Counters, and their first value: more than a target without any other events can have counted."""

AT, SLOT = 600, 30
TARGET = {"job": "shop", "instance": "a:80"}
SELECTORS = [f'requests_total{{service="s{i}"}}' for i in range(SLOS)]


def labels(i: int, name: str = "requests_total") -> dict[str, str]:
    """Those of the counter of an SLO."""
    return {"__name__": name, "service": f"s{i}", **TARGET}


class Target:
    """A target whose counters begin with its last scrape; every other one says that it is new."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def ranges_closed(self) -> bool:
        return False

    async def longest_query(self) -> int:
        return SHORT_QUERY

    async def instant_query(self, query: str, at: int) -> list[Series]:
        self.asked.append(query)
        await asyncio.sleep(0)
        assert at == AT
        if "up{" in query:
            scrapes = [(AT - SLOT, 1.0), (AT, 1.0)]
            return [Series({"__name__": "up", **TARGET}, scrapes)]
        if "requests_created" in query:
            new = [labels(i, "requests_created") for i in range(0, SLOS, 2)]
            return [Series(each, [(AT, AT - 1.0)]) for each in new]
        if query.startswith('{__name__=~"requests_total"'):
            return [Series(labels(i), [(AT, FIRST)]) for i in range(SLOS)]
        return []  # of the hours before, of processes, and of how busy others are


def test_what_they_begin_from_is_told_by_one_look(monkeypatch):
    """A thousand SLOs held two gigabytes while each looked for the creation of all counters."""
    looked = []
    created_key = surroundings._created_key
    monkeypatch.setattr(
        surroundings, "_created_key", lambda of: looked.append(of) or created_key(of)
    )
    target = Target()

    async def one(together: Together, i: int) -> object:
        family = family_of([parse_selector(SELECTORS[i])])
        around = Surroundings(together, family, 2 * SLOT, end=AT, slot=SLOT)
        [base] = await bases([Birth(labels(i), float(AT), FIRST)], around)
        return base

    async def all_of_them() -> list[object]:
        together = Together(target, 4)
        with together.batch():
            return await together.run([one(together, i) for i in range(SLOS)])

    assert asyncio.run(all_of_them()) == [0.0, Doubt.TOO_LARGE] * (SLOS // 2)
    assert len(looked) == SLOS
    assert len(target.asked) == len(set(target.asked))
