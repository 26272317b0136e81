"""The demo's incident at a fixed time, lived through by a real engine: what the examples show.

Checkout has lost 17% of its budget eleven days before, auth in the EU has been leaking for six
days, and then checkout fails altogether for four minutes, with four times the traffic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry

from exporter.config.reading.loading import load
from exporter.daemon.engine import Engine
from exporter.demo.scene import EXPORTER_CONFIG
from exporter.evaluation.chart_data import event_histories
from exporter.evaluation.past_records import with_past
from exporter.exposition.publisher import Publisher
from exporter.prometheus.graph_queries import graph_queries
from exporter.slo.event_history import EventHistory
from exporter.slo.findings import Finding, ok, warn
from exporter.slo.maintenance import one_off
from exporter.slo.model import Slo
from exporter.slo.records import Change, Override
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.types import DAY, HOUR, MINUTE
from exporter.web.daemon import ChangeStatus, Source
from exporter.web.routes import create_app
from tests.helpers.evaluation.engines import DELAY, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import Events, FakePrometheus
from tests.helpers.web.serving import ToldDaemon

BASE = "http://slo.example.com:9098"

END = int(datetime(2026, 10, 29, 15, 0, tzinfo=UTC).timestamp())
"""Up to when figures are known at the end."""

ONSET = END - 40 * MINUTE
BEGUN = ONSET - 5 * MINUTE
RECOVERED = ONSET + 4 * MINUTE
DURING = ONSET + 3 * MINUTE
"""Unix seconds."""

INTERVAL = 60

Spell = tuple[float, float, float, float]
"""From when to when, the share of events that fail, and the multiple of the usual traffic."""


@dataclass(frozen=True)
class Part:
    """Events a second, the share that fails always, and spells in which more do."""

    rate: int
    failing: float
    spells: tuple[Spell, ...] = ()

    def total(self, at: float) -> float:
        extra = sum((more - 1) * self._within(at, a, b) for a, b, _, more in self.spells)
        return self.rate * (at + extra)

    def bad(self, at: float) -> float:
        count = self.failing * self.rate * at
        for start, end, share, more in self.spells:
            count += (share * more - self.failing) * self.rate * self._within(at, start, end)
        return float(int(count))

    @staticmethod
    def _within(at: float, start: float, end: float) -> float:
        return max(0.0, min(at, end) - start)


CHECKOUT = Part(
    40,
    0.0003,
    (
        (END - 11 * DAY, END - 11 * DAY + 30 * MINUTE, 0.2448, 1.0),
        (ONSET, RECOVERED, 1.0, 4.0),
    ),
)
SEARCH = Part(60, 0.0015)
AUTH = {"eu": Part(20, 0.003, ((END - 6 * DAY, END, 0.0085, 1.0),)), "us": Part(30, 0.0005)}


def _events(count: Callable[[float], float]) -> Events:
    return lambda start, end: count(end) - count(start)


def _by_region(count: Callable[[Part, float], float]) -> Events:
    return lambda start, end: {
        region: count(part, end) - count(part, start) for region, part in AUTH.items()
    }


def counters() -> dict[str, Events]:
    """What the selectors of the demo's configuration count."""
    checkout, search = 'http_requests_total{service="checkout"', "http_request_duration_seconds"
    auth, code = 'http_requests_total{service="auth"', ',code=~"5.."}'
    return {
        checkout + code: _events(CHECKOUT.bad),
        checkout + "}": _events(CHECKOUT.total),
        auth + code: _by_region(lambda part, at: part.bad(at)),
        auth + "}": _by_region(lambda part, at: part.total(at)),
        search + '_bucket{service="search",le=~"0\\\\.29999999999999999|0\\\\.3"}': _events(
            lambda at: SEARCH.total(at) - SEARCH.bad(at)
        ),
        search + '_count{service="search"}': _events(SEARCH.total),
    }


def slos() -> tuple[Slo, ...]:
    """Those of the demo, with a maintenance window to come."""
    text = EXPORTER_CONFIG.format(url="http://prometheus.example.com:9090")
    window = one_off("database move", END + 2 * DAY, END + 2 * DAY + HOUR)
    return tuple(
        replace(slo, maintenance=(window,)) if slo.service == "checkout" else slo
        for slo in load(text, Path("config.yaml")).slos
    )


@dataclass(frozen=True)
class Lived:
    """The engine after the incident, and the snapshots during and after it."""

    engine: Engine
    during: Snapshot
    after: Snapshot


@cache
def lived() -> Lived:
    """The month as an engine has seen it."""
    one = engine(FakePrometheus(counters()), *slos(), interval=INTERVAL)
    poll(one, BEGUN)
    fill(one)
    one.evaluate(BEGUN + DELAY)
    shots = []
    for at in (DURING, END):  # what lies between is caught up, and replayed slot by slot
        poll(one, at)
        shots.append(one.evaluate(at + DELAY))
    return Lived(one, *shots)


OVERRIDE = Override(
    service="checkout",
    slo=None,
    by="kim",
    why="roll back to v1.2.2",
    start=ONSET + 200,
    until=ONSET + 200 + HOUR,
    id=1,
)


CHANGE = Change(
    service="checkout",
    what="v1.2.3",
    at=ONSET - 5 * MINUTE,
    by="ci",
    link="https://git.example.com/shop/checkout/releases/v1.2.3",
)


@dataclass
class LivedDaemon(ToldDaemon):
    """Tells of that engine; `past` is False for a snapshot from before its end."""

    past: bool = True
    review: tuple[Finding, ...] | None = field(
        default_factory=lambda: (
            ok("data", "8 series, scraped every 30s"),
            warn("traffic", "a page needs 35 bad events in an hour", "watch the nights"),
        )
    )

    def __post_init__(self) -> None:
        self.kept.all = (OVERRIDE,)

    def changes(self) -> ChangeStatus:
        return ChangeStatus({"checkout": (CHANGE,)}, stored=True)

    def event_histories(self, statuses: Sequence[SloStatus]) -> list[EventHistory | None]:
        return event_histories(lived().engine.state, statuses)

    def with_past(self, statuses: Sequence[SloStatus]) -> Sequence[SloStatus]:
        return with_past(lived().engine.state, statuses) if self.past else statuses

    def source(self, status: SloStatus) -> Source | None:
        one = lived().engine
        way = one.way(status.slo)
        assert way is not None
        asked = graph_queries(
            status.slo, tuple(status.groups.values()), way, status.scrape_interval
        )
        return Source("http://prometheus.example.com:9090", one.queries(status.slo), None, asked)


class Reporting:
    """The application on a snapshot, asked without a server in between."""

    def __init__(self, shot: Snapshot, daemon: ToldDaemon | None = None) -> None:
        publisher = Publisher(CollectorRegistry())
        publisher.publish(shot)
        self.daemon = daemon or LivedDaemon()
        self._app = create_app(publisher, self.daemon, version="1.2.3")

    def ask(self, report: str, **query: str) -> httpx.Response:
        """A report; its parameters are the query."""

        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.get(f"/api/v1/reports/{report}", params=query)

        return asyncio.run(run())
