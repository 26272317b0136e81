"""What the daemon does about clocks: it asks datasources for theirs, and goes on after steps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from exporter.daemon.timekeeping import Timekeeper
from exporter.ledger.levels import FINE_HORIZON
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError

SECONDS = 2.0
"""Time for a datasource to show its clock: a start waits for it."""


class ClockWatch:
    """Keeps a loop from judging slots of another time. `begin_again` reads what is stored."""

    def __init__(self, clock: Timekeeper, begin_again: Callable[[float], Awaitable[None]]) -> None:
        self.clock = clock
        self._begin_again = begin_again

    async def look(self, clients: Iterable[PrometheusClient]) -> None:
        """Have datasources show their clocks."""
        await asyncio.gather(*(client.ask_time(SECONDS) for client in clients))

    async def before_poll(self) -> None:
        """Begin again after a step that the ledger in memory cannot take in its stride."""
        if abs(self.clock.take_step()) > FINE_HORIZON:
            await self._begin_again(self.clock())

    async def check(self, client: PrometheusClient) -> None:
        """See whether a datasource can tell of our time; one that could not shows its clock again.

        Raises:
            UnavailableError: its clock is too far off.
        """
        if self.clock.why_not(client.name) is not None:
            await self.look([client])
        why = self.clock.why_not(client.name)
        if why is not None:
            raise UnavailableError(why)
