"""`check`: whether a configuration has mistakes, and what a review of its SLOs finds."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from exporter.commands.needed_series import all_texts, lacks
from exporter.commands.options import config_option, output_option, web_config_option
from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.daemon.engine import Engine
from exporter.daemon.logs import configure
from exporter.daemon.web_config import reloading_web_config
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.review.review import review, review_composite, worst
from exporter.slo.findings import Finding, Level
from exporter.slo.model import Slo
from exporter.slo.snapshot import SloStatus


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a live check found: per SLO, and which datasources do not answer, and why."""

    slos: Sequence[tuple[Slo, Sequence[Finding]]]
    unavailable: dict[str, str]

    @property
    def failed(self) -> bool:
        """Whether anything is not as it has to be."""
        levels = (worst(findings) for _, findings in self.slos)
        return bool(self.unavailable) or Level.FAIL in levels


@click.command()
@config_option
@web_config_option
@click.option(
    "--live",
    is_flag=True,
    help="Also review every SLO by what Prometheus has of it; exit code 1 if one fails.",
)
@output_option("How --live tells what it finds.")
def check(config_file: Path, web_config_file: Path | None, live: bool, output: str) -> None:
    """Check a configuration file and name every mistake in it."""
    reloading_web_config(web_config_file)
    settings = load_file(config_file)
    if output == "text":
        click.echo(f"{config_file}: {len(settings.slos)} SLOs, no mistakes")
        lacking = lacks(all_texts(), settings.metrics)
        for line in (*settings.notices, *settings.ended_windows(time.time()), *lacking):
            click.echo(line)
    if live:
        configure("warning", "logfmt")  # what goes on meanwhile is no part of the answer
        reviewed = asyncio.run(live_check(settings))
        (_print_json if output == "json" else _print_text)(reviewed, click.echo)
        if reviewed.failed:
            sys.exit(1)


async def live_check(settings: Settings) -> Reviewed:
    """Read every SLO's period from its Prometheus, and go through the checklist."""
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(
                PrometheusClient(item, name=name, concurrency=settings.evaluation.concurrency)
            )
            for name, item in settings.datasources.items()
        }
        engine = Engine(settings.slos, settings.evaluation, clients)
        now = time.time()
        answers = await asyncio.gather(*(_count(engine, name, now) for name in engine.datasources))
        unavailable = {
            name: answer for name, answer in zip(engine.datasources, answers, strict=True) if answer
        }
        first: dict[tuple[str, str], SloStatus] = {}
        for status in engine.evaluate(now).slos:
            first.setdefault((status.slo.service, status.slo.name), status)
        slos = []
        for status in first.values():
            if status.slo.parts:
                slos.append((status.slo, review_composite(status)))
                continue
            way = engine.way(status.slo)
            if status.slo.datasource not in unavailable and way is not None:
                client = clients[status.slo.datasource]
                slos.append((status.slo, await review(client, way, status, int(now))))
    return Reviewed(slos, unavailable)


async def _count(engine: Engine, datasource: str, now: float) -> str | None:
    """Count the periods of a datasource's SLOs; why that cannot be done."""
    try:
        await engine.poll_datasource(datasource, now)
        while await engine.fill_history(datasource):
            pass
    except UnavailableError as error:
        return str(error)
    return None


def _print_text(reviewed: Reviewed, echo: Callable[[str], None]) -> None:
    for name, reason in reviewed.unavailable.items():
        echo(f"datasource {name}: {reason}")
    for slo, findings in reviewed.slos:
        echo(f"{slo.service}/{slo.name}")
        for finding in findings:
            echo(f"  {finding}")
    levels = [worst(findings) for _, findings in reviewed.slos]
    echo(
        f"{len(levels)} SLOs reviewed: {levels.count(Level.OK)} ok, "
        f"{levels.count(Level.WARN)} with warnings, {levels.count(Level.FAIL)} failed"
    )


def _print_json(reviewed: Reviewed, echo: Callable[[str], None]) -> None:
    slos = [
        {
            "service": slo.service,
            "slo": slo.name,
            "level": worst(findings),
            "findings": [asdict(finding) for finding in findings],
        }
        for slo, findings in reviewed.slos
    ]
    echo(json.dumps({"slos": slos, "unavailable": reviewed.unavailable}, indent=2))
