"""`check`: whether a configuration has mistakes, and what Prometheus says of its SLOs."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import click

from exporter.commands.options import config_option, web_config_option
from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.daemon.engine import Engine
from exporter.daemon.web_config import reloading_web_config
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.slo.snapshot import DataState, SloStatus


@click.command()
@config_option
@web_config_option
@click.option("--live", is_flag=True, help="Also ask Prometheus for every SLO's newest events.")
def check(config_file: Path, web_config_file: Path | None, live: bool) -> None:
    """Check a configuration file and name every mistake in it."""
    reloading_web_config(web_config_file)
    settings = load_file(config_file)
    click.echo(f"{config_file}: {len(settings.slos)} SLOs, no mistakes")
    for line in settings.ended_windows(time.time()):
        click.echo(line)
    if live and not asyncio.run(live_check(settings, click.echo)):
        sys.exit(1)


async def live_check(settings: Settings, echo: Callable[[str], None]) -> bool:
    """Ask Prometheus for the last hours of every SLO, and print a line on each.

    Returns:
        Whether every SLO has data and no problem.
    """
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(
                PrometheusClient(item, name=name, concurrency=settings.evaluation.concurrency)
            )
            for name, item in settings.datasources.items()
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
    return not silent and all(_sound(status) for status in statuses)


def _sound(status: SloStatus) -> bool:
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
