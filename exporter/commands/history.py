"""`history`: our series for the past, as OpenMetrics, so that graphs begin with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from exporter.commands.options import config_option
from exporter.commands.progress import progress
from exporter.commands.times import Moment
from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.daemon.logs import configure
from exporter.daemon.past_reader import PastReader, SpanWanted, lead, slot_length
from exporter.errors import RequestError
from exporter.evaluation.past_snapshots import PastOf, boundaries, past_snapshots
from exporter.exposition.past_series import PastSeries
from exporter.prometheus.client import PrometheusClient
from exporter.slo.durations import format_duration, parse_duration
from exporter.slo.types import DAY, HOUR, MINUTE, Times
from exporter.state.evaluation_state import EvaluationState

LONGEST = 366 * DAY

LOOK_BACK = 5 * MINUTE
"""How far back Prometheus looks for a sample: with longer steps, graphs have gaps."""


class HistoryError(RequestError):
    """What was asked for cannot be; the text says what would be right."""


def _last(_: click.Context, __: click.Parameter, value: str) -> int:
    return _within(value, HOUR, LONGEST)


def _step(_: click.Context, __: click.Parameter, value: str) -> int:
    return _within(value, MINUTE, LOOK_BACK)


def _within(value: str, least: int, most: int) -> int:
    try:
        seconds = int(parse_duration(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not least <= seconds <= most:
        raise click.BadParameter(
            f"must be from {format_duration(least)} to {format_duration(most)}"
        )
    return seconds


def _labels(_: click.Context, __: click.Parameter, value: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in value:
        name, equals, text = pair.partition("=")
        if not (equals and name.isidentifier() and name.isascii() and not name.startswith("__")):
            raise click.BadParameter(f"{pair!r} is not a label: write name=value")
        if text:  # an empty label is none
            found[name] = text
    return found


@click.command()
@config_option
@click.option("--last", default="30d", show_default=True, callback=_last, help="How far back.")
@click.option(
    "--until",
    type=Moment(),
    help="When it ends: when Prometheus began to scrape the exporter; now without it.",
)
@click.option(
    "--step",
    default="5m",
    show_default=True,
    callback=_step,
    help="How far apart samples are, 1m to 5m.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.",
)
@click.option(
    "--job",
    default="error-budget-exporter",
    show_default=True,
    help="The label job that a scrape of the exporter adds.",
)
@click.option(
    "--instance",
    default="localhost:9098",
    show_default=True,
    help="The label instance that a scrape of the exporter adds.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_labels,
    help="Another label that it adds; may be repeated.",
)
def history(
    *,
    config_file: Path,
    last: int,
    until: float | None,
    step: int,
    output: Path,
    job: str,
    instance: str,
    labels: Mapping[str, str],
) -> None:
    """Write our series (budget, burn rates, error ratios, tier) of the past as OpenMetrics.

    Reads what the configuration measures from Prometheus, and writes what the exporter would have
    exposed. For promtool tsdb create-blocks-from openmetrics. The exporter need not run.
    """
    configure("warning", "logfmt")
    settings = load_file(config_file)
    slot = slot_length(settings.evaluation.interval)
    if step % slot:
        raise HistoryError(f"--step must be a multiple of {format_duration(slot)}, as slots are")
    settled = time.time() - settings.evaluation.settle
    ends = boundaries(int(min(settled, settled if until is None else until)), last, step)
    if ends[0] <= 0:
        raise HistoryError("--until must be a time of the past")
    added = {"instance": instance, "job": job, **labels}
    try:
        with (
            PastSeries(output, {k: v for k, v in added.items() if v}, settings.metrics) as series,
            progress(len(settings.slos)) as told,
        ):
            asyncio.run(_run(settings, ends, series, told))
    except OSError as error:
        raise HistoryError(f"{output} cannot be written: {error.strerror}") from error
    begin, over = (f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%d %H:%M}" for at in ends[[0, -1]])
    click.echo(f"{output}: {series.samples} samples from {begin} to {over} UTC")


async def _run(
    settings: Settings,
    ends: Times,
    series: PastSeries,
    told: Callable[[int, int], None],
) -> None:
    levels = EvaluationState(settings.slos, settings.evaluation.interval).ledger.levels
    used = {each.datasource for slo in settings.slos for each in slo.measured_by}
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(
                PrometheusClient(item, name=name, concurrency=settings.evaluation.concurrency)
            )
            for name, item in settings.datasources.items()
            if name in used
        }
        first, last = int(ends[0]), int(ends[-1])
        # The coarse slot in which a period began then is read as a whole.
        wanted = [SpanWanted(slo, _before(lead(slo, first)), last) for slo in settings.slos]
        reader = PastReader(clients, settings.evaluation, told)
        async for place, pasts in reader.read(wanted):
            slo = settings.slos[place]
            interval = max(
                settings.datasources[each.datasource].scrape_interval for each in slo.measured_by
            )
            for past in pasts:
                of = PastOf(slo, slo.groups(past.group), past.history, past.slack, interval)
                series.write(past_snapshots(of, levels, ends))
                if past.problem:
                    click.echo(f"{slo.service}/{slo.name}: {past.problem}", err=True)


def _before(start: int) -> int:
    return start - start % DAY
