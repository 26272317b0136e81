"""`backtest`: what would have happened with other objectives, from Prometheus's past."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from exporter.commands.api_client import Access
from exporter.commands.api_options import access_options, changes_server_option
from exporter.commands.backtest_text import text
from exporter.commands.backtests import Asked, run_backtests
from exporter.commands.known_changes import known_changes
from exporter.commands.options import config_option
from exporter.commands.progress import progress
from exporter.commands.times import Moment
from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.daemon.logs import configure
from exporter.evaluation.backtest import MIN_COVERAGE
from exporter.prometheus.client import PrometheusClient
from exporter.reports.backtest import BacktestReport
from exporter.reports.backtest_json import as_json
from exporter.reports.templates import Templates
from exporter.review.nearest import did_you_mean, listed
from exporter.slo.durations import parse_duration
from exporter.slo.model import Objective, Slo
from exporter.slo.recommendation import Criteria
from exporter.slo.types import DAY, MINUTE

USUAL = ("99", "99.5", "99.9", "99.95", "99.99")
"""Objectives that are tried beside the configured one."""


LONGEST = 366 * DAY


def _objectives(_: click.Context, __: click.Parameter, value: str | None) -> list[Objective]:
    found = []
    for each in (value or ",".join(USUAL)).split(","):
        try:
            found.append(Objective.from_percent(Decimal(each.strip().removesuffix("%"))))
        except (ValueError, InvalidOperation) as error:
            raise click.BadParameter(
                f"{each.strip()!r} must be a percentage above 0 and below 100, such as 99.9"
            ) from error
    return found


def _percent(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        number = float(value.strip().removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number < 100:
        raise click.BadParameter(f"{value!r} must be a percentage from 0 to below 100, such as 50%")
    return number / 100


def _last(_: click.Context, __: click.Parameter, value: str) -> int:
    try:
        seconds = int(parse_duration(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not MINUTE * 5 <= seconds <= LONGEST:
        raise click.BadParameter(f"must be from 5m to {LONGEST // DAY}d")
    return seconds


def _zone(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, tzinfo]:
    if value is None:
        return "UTC", UTC
    try:
        return value, ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"{value!r} is no time zone such as Europe/Berlin") from error


@click.command()
@click.argument("slos", metavar="[SERVICE[/SLO]]...", nargs=-1)
@config_option
@click.option(
    "--last",
    default="30d",
    show_default=True,
    callback=_last,
    help="How far back, from now or --to.",
)
@click.option("--from", "start", type=Moment(), help="When it begins, in place of --last.")
@click.option("--to", "end", type=Moment(), help="When it ends; now without it.")
@click.option(
    "--objectives",
    callback=_objectives,
    help=f"What is tried beside the configured one, in percent.  [default: {','.join(USUAL)}]",
)
@click.option(
    "--keep",
    default="50%",
    show_default=True,
    callback=_percent,
    help="Recommend what would have kept more of the budget than this.",
)
@click.option(
    "--pages-per-week",
    "pages",
    type=click.FloatRange(min=0, min_open=True),
    default=5,
    show_default=True,
    help="Recommend what would have paged less often than this.",
)
@click.option(
    "--min-coverage",
    default=f"{MIN_COVERAGE:.0%}",
    show_default=True,
    callback=_percent,
    help="How much of a period must be known for its budget to be judged.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json", "html"]),
    default="text",
    show_default=True,
    help="HTML is one file, with charts, that prints.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; standard output without it.",
)
@click.option(
    "--time-zone", "zone", callback=_zone, help="Time zone such as Europe/Berlin; UTC without it."
)
@changes_server_option
@access_options
def backtest(
    *,
    slos: Sequence[str],
    config_file: Path,
    last: int,
    start: float | None,
    end: float | None,
    objectives: Sequence[Objective],
    keep: float,
    pages: float,
    min_coverage: float,
    form: str,
    output: Path | None,
    zone: tuple[str, tzinfo],
    servers: Sequence[str],
    access: Access,
) -> None:
    """Replay the past with other objectives, and say which would have held.

    Reads what the configuration measures from Prometheus once, minute by minute, and replays
    burn-rate conditions, policy tiers and the deploy gate. The exporter need not run.
    """
    configure("warning", "logfmt")  # what goes on meanwhile is no part of the answer
    settings = load_file(config_file)
    chosen = _chosen(settings.slos, slos)
    since, until = _span(last, start, end, time.time(), settings.evaluation.settle)
    asked = Asked(
        chosen,
        since,
        until,
        objectives,
        Criteria(keep, pages),
        min_coverage,
        zone[0],
        known_changes(servers, access, since, until),
    )
    with progress(len(chosen)) as told:
        report = asyncio.run(_run(settings, asked, told))
    _write(_written(report, form, settings, zone[1]), output)
    if report.unavailable:
        for name, why in report.unavailable.items():
            click.echo(f"datasource {name}: {why}", err=True)
        sys.exit(1)


async def _run(
    settings: Settings, asked: Asked, told: Callable[[int, int], None]
) -> BacktestReport:
    async with AsyncExitStack() as stack:
        used = {each.datasource for slo in asked.slos for each in slo.measured_by}
        clients = {
            name: await stack.enter_async_context(
                PrometheusClient(item, name=name, concurrency=settings.evaluation.concurrency)
            )
            for name, item in settings.datasources.items()
            if name in used
        }
        return await run_backtests(clients, settings.evaluation, asked, told)


def _chosen(configured: Sequence[Slo], names: Sequence[str]) -> list[Slo]:
    """The SLOs of some names; all without any."""
    if not names:
        return list(configured)
    found: dict[int, Slo] = {}
    for name in names:
        own = [
            (i, slo)
            for i, slo in enumerate(configured)
            if name in (slo.service, f"{slo.service}/{slo.name}")
        ]
        if not own:
            known = {slo.service for slo in configured}
            known |= {f"{slo.service}/{slo.name}" for slo in configured}
            advice = did_you_mean(name, known) or f"known are {listed(known)}"
            raise click.UsageError(f"{name} is not configured: {advice}")
        found.update(own)
    return [found[i] for i in sorted(found)]


def _span(
    last: int, start: float | None, end: float | None, now: float, settle: float
) -> tuple[int, int]:
    """What is replayed, Unix seconds; only what has settled, so that two runs say the same."""
    settled = now - settle
    until = int(min(settled if end is None else end, settled)) // MINUTE * MINUTE
    since = until - last if start is None else int(start)
    since -= since % MINUTE
    if until - since < 5 * MINUTE:
        raise click.UsageError("--from must be at least five minutes before --to, and in the past")
    if until - since > LONGEST:
        raise click.UsageError(f"at most {LONGEST // DAY}d can be replayed at once")
    return since, until


def _written(report: BacktestReport, form: str, settings: Settings, zone: tzinfo) -> str:
    if form == "json":
        return json.dumps(as_json(report), indent=2) + "\n"
    if form == "text":
        return text(report, zone)
    # Drawing and templates take long to import, and are not needed above.
    from exporter.web.pages.backtest_charts import backtest_charts  # noqa: PLC0415
    from exporter.web.pages.documents import document  # noqa: PLC0415

    charts = backtest_charts(report) if form == "html" else {}
    values = {name: getattr(report, name) for name in report.__dataclass_fields__}
    written = Templates(settings.templates).write("backtest", values, zone, charts)
    return document(written, charts) if form == "html" else written


def _write(content: str, output: Path | None) -> None:
    if output is None:
        click.echo(content, nl=False)
        return
    try:
        output.write_text(content, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error
