"""Reviews of SLOs for their pages: made when somebody looks, and kept for a while."""

from __future__ import annotations

import asyncio
import time

from exporter.daemon.running_config import RunningConfig
from exporter.prometheus.errors import UnavailableError
from exporter.review.review import review, review_composite
from exporter.slo.findings import Finding
from exporter.slo.snapshot import SloStatus

KEPT_SECONDS = 600
"""How long a review is shown before the next one is made."""

PATIENCE = 3.0
"""Seconds that a page waits for a review; it comes without one if Prometheus is slow."""


class Reviews:
    """Makes them one at a time, so that people who look ask little of Prometheus."""

    def __init__(self) -> None:
        self._of: RunningConfig | None = None
        self._made: dict[tuple[str, str], tuple[float, tuple[Finding, ...]]] = {}
        self._one = asyncio.Lock()

    async def of(
        self, running: RunningConfig, status: SloStatus, now: int
    ) -> tuple[Finding, ...] | None:
        """What is found of an SLO at `now` (Unix seconds); None if that cannot be told."""
        slo = status.slo
        key = slo.service, slo.name
        if slo.parts:
            return tuple(review_composite(status))
        way, client = running.engine.way(slo), running.clients.get(slo.datasource)
        if way is None or client is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE), self._one:
                if running is not self._of:  # after a reload nothing of before holds
                    self._of, self._made = running, {}
                kept = self._made.get(key)
                if kept is None or time.monotonic() - kept[0] > KEPT_SECONDS:
                    found = await review(client, way, status, now)
                    kept = time.monotonic(), tuple(found)
                    self._made[key] = kept
                return kept[1]
        except (TimeoutError, UnavailableError):
            return None
