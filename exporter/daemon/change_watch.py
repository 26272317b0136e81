"""Watches Prometheus for changes: reads what runs of each service, and has changes noted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from exporter.collection.rollouts import RolloutReader
from exporter.collection.settings import EvaluationSettings
from exporter.errors import RequestError
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError
from exporter.slo.changes import TooManyChangesError
from exporter.slo.records import Change
from exporter.slo.types import DAY

PATIENCE = 60
"""Seconds after a slot's end from which it is read, if it has not settled earlier. What comes later
still would move a change by some slots, and it would be known for the same."""

See = Callable[[Change], object]
"""Notes a change that was seen.

Raises:
    ChangeError, TooManyChangesError: it may not be noted.
"""


class ChangeWatch:
    """Watches for as long as it runs; `reader` knows what was read before."""

    def __init__(
        self,
        reader: RolloutReader,
        settings: EvaluationSettings,
        clients: Mapping[str, PrometheusClient],
        see: See,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.reader = reader
        self._client = clients[reader.asked.datasource]
        self._interval = settings.interval
        self._wait = max(settings.delay, min(settings.settle, PATIENCE))
        self._see = see
        self._clock = clock
        self._problem = ""
        self._full: set[tuple[str, int]] = set()
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Read slot after slot, for ever."""
        while True:
            try:
                await self.read()
                self._tell("")
            except PrometheusError as error:
                self._tell(str(error))
            except Exception:  # noqa: BLE001 - a fault of ours must not end the daemon
                self._log.exception("looking for changes failed; it is tried again")
            await asyncio.sleep(self._interval)

    async def read(self) -> None:
        """Read all slots that have settled by now.

        Raises:
            PrometheusError: Prometheus does not answer; what was read stays so.
        """
        while span := self.reader.next_span(int(self._clock() - self._wait)):
            answer = await self.reader.ask(self._client, span)
            for change in await asyncio.to_thread(self.reader.take, answer, span):
                self._try_to_note(change)

    def _try_to_note(self, change: Change) -> None:
        try:
            self._see(change)
        except TooManyChangesError as error:
            day = change.service, change.at // DAY
            if day not in self._full:  # told once
                self._full = {(service, at) for service, at in self._full if at >= day[1] - 1}
                self._full.add(day)
                self._log.warning("more changes are seen than are kept", error=str(error))
        except RequestError as error:
            self._log.warning("a change that was seen is not noted", error=str(error))

    def _tell(self, problem: str) -> None:
        """Log a problem when it begins, changes or is over."""
        if problem and problem != self._problem:
            self._log.warning("Prometheus cannot be looked at for changes", error=problem)
        elif self._problem and not problem:
            self._log.info("Prometheus is looked at for changes again")
        self._problem = problem
