"""What the daemon works with right now: its life sets it, and the other parts read it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from exporter.daemon.engine import Engine
from exporter.daemon.options import Options
from exporter.daemon.persister import Persister
from exporter.daemon.running_config import RunningConfig
from exporter.daemon.timekeeping import Timekeeper
from exporter.exposition.self_metrics import EvaluationFigures, SelfFigures, StoreFigures
from exporter.store.settings import Place


@dataclass(frozen=True, slots=True)
class LastReload:
    """When the configuration was last read with success (Unix seconds), and what was wrong since.

    `error` is None where the last reading went well.
    """

    at: float
    error: str | None = None


@dataclass(slots=True)
class Current:
    """The configuration at work, what is kept, and how things went.

    Every attribute is replaced as a whole, on the event loop. `swapping` is held while `running` is
    replaced, and by whoever must not be overtaken by that. `ready` tells whether an evaluation
    had the burn rates of all SLOs, but for datasources that do not answer. `storage` is where the
    store is, None where nothing is stored.
    """

    options: Options
    storage: Place | None
    running: RunningConfig
    persister: Persister
    reload: LastReload
    clock: Timekeeper = field(default_factory=Timekeeper)
    evaluations: EvaluationFigures = field(default_factory=EvaluationFigures)
    ready: bool = False
    started: float = field(default_factory=time.time)
    begun: float = field(default_factory=time.monotonic)
    swapping: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def engine(self) -> Engine:
        """The engine at work."""
        return self.running.engine

    def figures(self) -> SelfFigures:
        """What the metrics tell of the daemon; may be called from any thread."""
        store = self.persister.state
        return SelfFigures(
            evaluations=self.evaluations,
            reload_successful=self.reload.error is None,
            reload_timestamp=self.reload.at,
            shard=self.options.sharding.shard,
            datasources={name: client.up for name, client in self.running.clients.items()},
            clock_offset=self.clock.offset,
            clock_skews={name: self.clock.skew(name) for name in self.running.clients},
            store=None
            if self.storage is None
            else StoreFigures(
                up=store.problem is None,
                writes=store.writes,
                failures=store.failures,
                size=store.bytes,
                written=store.written,
            ),
        )
