"""An engine on a fake Prometheus, polled at times of the test's choosing."""

from __future__ import annotations

import asyncio
import atexit
from typing import Any

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

NOW = 1_699_999_200 + 9 * HOUR
"""A slot boundary."""

DELAY = EvaluationSettings().delay
RUNNER = asyncio.Runner()
"""One event loop for all of a test's polls: each new one would bring new threads, and cost more."""
atexit.register(RUNNER.close)

RATES = {"requests_total": steady(1), "errors_total": steady(0.01)}


def engine(fake: FakePrometheus, *slos: Any, **settings: Any) -> Engine:
    return Engine(
        slos or (slo(period=7 * DAY),), EvaluationSettings(**settings), {"prometheus": fake}
    )


def poll(one: Engine, boundary: float) -> None:
    """Poll as the daemon does when `boundary` has just gone by."""
    RUNNER.run(one.poll(boundary + DELAY))


def fill(one: Engine) -> int:
    """Fill history whole; tell in how many chunks."""

    async def run() -> int:
        chunks = 0
        while await one.fill_history():
            chunks += 1
            assert chunks < 100
        return chunks

    return RUNNER.run(run())


def only(one: Engine, boundary: float) -> SloStatus:
    [status] = one.evaluate(boundary + DELAY).slos
    return status


def regions(one: Engine, boundary: float) -> dict[str, SloStatus]:
    return {status.groups["region"]: status for status in one.evaluate(boundary + DELAY).slos}
