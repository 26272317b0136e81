"""SLOs in the states that an SLO can be in, each with a history of its own, evaluated for real."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

from exporter.daemon.engine import Engine
from exporter.evaluation.chart_data import event_histories
from exporter.prometheus.graph_queries import graph_queries
from exporter.slo.event_history import EventHistory
from exporter.slo.maintenance import MaintenanceWindow, one_off
from exporter.slo.model import EventsSli, Slo
from exporter.slo.period import CalendarPeriod, Period, RollingPeriod
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.types import DAY, HOUR, MINUTE
from exporter.web.daemon import Source
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import Events, FakePrometheus
from tests.helpers.samples import slo
from tests.helpers.web.serving import ToldDaemon

BEGUN, END = NOW - 4 * HOUR, NOW + 750
"""When the engine is started, and when it is looked at: inside of coarse slots."""

INTERVAL = 30

Spell = tuple[float, float, float]
"""From when to when (Unix seconds), and the share of events that are bad."""

BASE = 0.0002
"""The share of events that are bad at all times, a fifth of what is allowed."""

SPELLS: dict[str, list[Spell]] = {
    "calm": [],
    "burning": [(END - 12 * DAY, END - 12 * DAY + HOUR, 0.03), (END - 25 * MINUTE, END, 0.05)],
    "after": [(END - 130 * MINUTE, END - 80 * MINUTE, 0.09)],
    "slow": [(END - 2 * DAY, END, 0.0045)],
    "young": [],
    "holes": [(END - 3 * DAY, END - 3 * DAY + 2 * HOUR, 0.02)],
    "invalid": [],
    "absent": [],
    "week": [(END - 5 * HOUR, END - 4.5 * HOUR, 0.02)],
    "month": [(END - 9 * DAY, END - 9 * DAY + HOUR, 0.02)],
    "short": [(END - 2 * HOUR, END - 1.9 * HOUR, 0.02)],
}

PERIODS: dict[str, Period] = {
    "week": CalendarPeriod("week", "Europe/Berlin"),
    "month": CalendarPeriod("month", "Europe/Berlin"),
    "short": RollingPeriod(6 * HOUR),
}


MAINTENANCE: dict[str, tuple[MaintenanceWindow, ...]] = {
    "holes": (one_off("database move", END - 5 * HOUR, END - 4 * HOUR),)
}


def traffic(start: float, end: float) -> float:
    """All events in (start, end], which come and go by day: 24 a second at most."""

    def until(at: float) -> float:
        return 16 * at - 8 * math.sin(2 * math.pi * at / DAY) * DAY / (2 * math.pi)

    return round(until(end)) - round(until(start))


def failing(name: str) -> Callable[[float, float], float]:
    """The bad events in (start, end]."""

    def until(at: float) -> int:
        count = BASE * traffic(0, at)
        for since, to, share in SPELLS[name]:
            count += share * traffic(since, min(max(at, since), to))
        if name == "invalid" and at > END - 40 * MINUTE:
            count += 2 * traffic(END - 40 * MINUTE, at)
        return int(count)

    return lambda start, end: float(until(end) - until(start))


def known(name: str, start: float, end: float) -> bool:
    """Whether the source has anything of a slot."""
    since = {"young": END - 2 * HOUR, "absent": math.inf}.get(name, 0.0)
    hole = name == "holes" and start < END - 100 * MINUTE and end > END - 140 * MINUTE
    return start >= since and not hole


def slos() -> list[Slo]:
    return [
        slo(
            service="shop",
            name=name,
            sli=EventsSli(total=f"{name}_total", bad=f"{name}_bad_total"),
            period=PERIODS.get(name, RollingPeriod(30 * DAY)),
            maintenance=MAINTENANCE.get(name, ()),
            labels={"owner": "team shop", "dashboard": "https://grafana.example.com/d/shop"},
        )
        for name in SPELLS
    ]


def _only_known(name: str, events: Callable[[float, float], float]) -> Events:
    return lambda start, end: events(start, end) if known(name, start, end) else None


@cache
def played() -> tuple[Engine, Snapshot]:
    """An engine that has lived through it, and what it shows at `END`."""
    counters = {f"{name}_total": _only_known(name, traffic) for name in SPELLS}
    counters |= {f"{name}_bad_total": _only_known(name, failing(name)) for name in SPELLS}
    one = engine(FakePrometheus(counters), *slos())
    poll(one, BEGUN)
    fill(one)
    one.evaluate(BEGUN + DELAY)
    for at in [*range(BEGUN + 5 * MINUTE, END, 5 * MINUTE), END]:
        poll(one, at)
        shot = one.evaluate(at + DELAY)
    return one, shot


class PlayedDaemon(ToldDaemon):
    """Tells of the engine that was played."""

    def event_histories(self, statuses: Sequence[SloStatus]) -> list[EventHistory | None]:
        return event_histories(played()[0].state, statuses)

    def source(self, status: SloStatus) -> Source | None:
        one = played()[0]
        way = one.way(status.slo)
        assert way is not None
        asked = graph_queries(status.slo, (), way, status.scrape_interval)
        return Source("http://prometheus.example.com", one.queries(status.slo), None, asked)
