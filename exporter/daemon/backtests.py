"""Backtests of SLOs from the ledger, in a thread, one at a time, and no more often than needed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Sequence

from exporter.evaluation.backtest import backtest_period
from exporter.slo.backtest import Backtest
from exporter.slo.event_history import EventHistory
from exporter.slo.model import Objective
from exporter.slo.snapshot import SloStatus
from exporter.web.server.pools import Pool

KEPT = 32
"""Backtests that are kept: pages that refresh ask for the same again and again."""

AS_OF = 300
"""Seconds for which one is kept."""


class LedgerBacktests:
    """Makes them, and keeps the newest."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._pool = Pool("backtests", 1)
        self._kept: OrderedDict[Hashable, Backtest] = OrderedDict()

    async def of(
        self,
        status: SloStatus,
        history: EventHistory,
        objectives: Sequence[Objective],
        slack: float,
    ) -> Backtest:
        """The backtest of an SLO over its period, as of at most five minutes ago.

        Args:
            status: the SLO, or a group of it.
            history: its events, which nobody changes any more.
            objectives: those that are tried beside its own.
            slack: how many seconds of events its counters may be apart.
        """
        slo = status.slo
        tried = tuple(sorted({each.ratio for each in objectives}))
        as_of = int(history.bounds[-1]) // AS_OF
        key = id(slo), tuple(status.groups.items()), tried, as_of
        async with self._turn:
            found = self._kept.get(key)
            if found is None or found.slo is not slo:
                found = await self._pool.run(
                    backtest_period,
                    history,
                    slo,
                    [*objectives, slo.objective],
                    slack=slack,
                    groups=dict(status.groups),
                )
                self._kept[key] = found
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return found
