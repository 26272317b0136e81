"""`check --live`: what Prometheus says of every SLO right now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from exporter.config.settings import Settings
from exporter.daemon.engine import Engine
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.slo.snapshot import DataState, SloStatus


async def live_check(settings: Settings, echo: Callable[[str], None]) -> bool:
    """Ask Prometheus for the last hours of every SLO and tell, a line each, what came back.

    Returns:
        Whether every SLO has data and no problem.
    """
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(
                PrometheusClient(of, name=name, concurrency=settings.evaluation.concurrency)
            )
            for name, of in settings.datasources.items()
        }
        engine = Engine(settings.slos, settings.evaluation, clients)
        now = time.time()
        polls = (engine.poll_datasource(name, now) for name in engine.datasources)
        results = await asyncio.gather(*polls, return_exceptions=True)
        silent = set()
        for name, result in zip(engine.datasources, results, strict=True):
            if isinstance(result, UnavailableError):
                silent.add(name)
                echo(f"datasource {name}: {result}")
            elif result is not None:
                raise result
        statuses = engine.evaluate(now).slos
        for status in statuses:
            if status.slo.datasource not in silent:
                echo(_line(status))
    return not silent and all(_well(status) for status in statuses)


def _well(status: SloStatus) -> bool:
    return status.problem is None and status.state in {DataState.OK, DataState.NO_TRAFFIC}


def _line(status: SloStatus) -> str:
    groups = "".join(f" {name}={value}" for name, value in status.groups.items())
    name = f"{status.slo.service}/{status.slo.name}{groups}"
    if status.problem:
        return f"{name}: {status.problem}"
    hour = status.windows.get("1h") or status.windows.get(status.slo.period.label)
    if status.state is DataState.NO_DATA:
        return f"{name}: no data: the series of its total do not exist"
    events = f"{hour.bad:g} bad of {hour.total:g} events in the last hour" if hour else ""
    return f"{name}: {status.state}: {events}"
