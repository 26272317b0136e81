"""What operators have asked for in the store: that everything of an SLO is read again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from exporter.daemon.engine import Engine
from exporter.slo.types import SloIndex
from exporter.store.store import Store


async def attend_to_rebuilds(store: Store, engine: Engine, done: Iterable[SloIndex]) -> None:
    """Note the requests that were met, those of the SLOs in `done`, and take up new ones.

    Raises:
        StoreError: the store fails.
    """
    state = engine.state
    for slo_index in done:
        await asyncio.to_thread(store.end_rebuild, slo_index)
        async with engine.turns:
            state.rebuilds.end(slo_index)
        slo = state.slos[slo_index]
        log = structlog.get_logger()
        log.info("everything was read again", service=slo.service, slo=slo.name)
    requests = await asyncio.to_thread(store.rebuild_requests)
    async with engine.turns:
        for slo_index in set(requests) - set(state.rebuilds.under_way):
            state.rebuilds.begin(slo_index)
