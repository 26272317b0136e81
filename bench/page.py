"""How long the status page takes in the server, with thousands of SLOs whose ledger is full.

HTTP and network are left out. The first request after an evaluation puts the SLOs in order, and the
first one that sorts by a column in that order; the others find that done.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from bench.cpu import slos
from bench.table import show
from exporter.collection.resample import Resampled
from exporter.collection.slot_range import SlotRange
from exporter.evaluation.build_snapshot import build_snapshot
from exporter.evaluation.chart_data import event_histories
from exporter.exposition.publisher import Publisher
from exporter.ledger.slots import Slots
from exporter.slo.event_history import EventHistory
from exporter.slo.findings import Finding
from exporter.slo.model import Slo
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.types import SloIndex
from exporter.state.evaluation_state import EvaluationState
from exporter.web.daemon import ConfigStatus, EvaluationStatus, Source, Status
from exporter.web.routes import create_app

SIZES = (10_000,)
"""SLOs, unless the command line names other numbers."""

INTERVAL = 30
END = 1_700_000_100
REQUESTS = 15

PATHS = {
    "first page": "/",
    "sorted": "/?sort=-burn_1h",
    "by service": "/?view=services",
    "last page": "/?page=9999",
    "text": "/?q=S99",
    "one service": "/?service=s7",
    "one SLO": "/slo/s7/availability",
}


@dataclass
class ShownDaemon:
    """A daemon that only has its state."""

    state: EvaluationState

    def event_histories(self, statuses: Sequence[SloStatus]) -> Sequence[EventHistory | None]:
        """As the application does."""
        return event_histories(self.state, statuses)

    async def findings(self, status: SloStatus) -> tuple[Finding, ...] | None:
        """No Prometheus stands behind it."""
        del status
        return None

    def source(self, slo: Slo) -> Source | None:
        """No Prometheus stands behind it."""
        del slo
        return None

    def status(self) -> Status:
        """All is well."""
        config, evaluation = ConfigStatus("", True, 0.0, None), EvaluationStatus(0.0, 0.0, 1.0)
        return Status("bench", 0.0, 0.0, True, "", config, evaluation, {}, None)


def full_state(count: int) -> EvaluationState:
    """A state in which every slot of every SLO is known."""
    state = EvaluationState(slos(count), INTERVAL)
    state.go_to(END)
    chance = np.random.default_rng(1)
    bad_share = chance.random(count) ** 4 / 400
    for level, each in enumerate(state.ledger.levels):
        span = SlotRange(*state.ledger.cover(level), each.slot)
        total = chance.poisson(each.slot * 10, (1, span.count)).astype(float)
        known = np.ones((1, span.count))
        for slo_index in range(count):
            slots = Slots(total * bad_share[slo_index], total, known)
            state.record(level, SloIndex(slo_index), span, {(): Resampled(slots, None)}, END)
    return state


async def ask(app: Starlette, url: str) -> float:
    """Seconds until the application has answered."""
    path, _, query = url.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [],
    }

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        assert message.get("status", 200) == 200

    started = time.perf_counter()
    await app(scope, receive, send)
    return time.perf_counter() - started


async def measure(count: int) -> list[object]:
    """One row of the table, in milliseconds."""
    state = full_state(count)
    publisher = Publisher(CollectorRegistry())
    shot = build_snapshot(state, {}, 0)
    app = create_app(publisher, ShownDaemon(state), version="bench")  # type: ignore[arg-type]
    firsts = []
    for _ in range(REQUESTS):
        publisher.publish(Snapshot(shot.at, shot.slos, shot.services))
        firsts.append(await ask(app, "/"))
    row: list[object] = [f"{count:,} SLOs", 1000 * median(firsts), 1000 * max(firsts)]
    for url in PATHS.values():
        row.append(1000 * median([await ask(app, url) for _ in range(REQUESTS)]))
    return row


def main(sizes: Sequence[int] = SIZES) -> None:
    """Print the table."""
    rows = [asyncio.run(measure(count)) for count in sizes]
    columns = ["", "after an evaluation", "worst of these", *PATHS]
    show(f"Server time of the status page, median of {REQUESTS}, ms", columns, rows)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or SIZES)
