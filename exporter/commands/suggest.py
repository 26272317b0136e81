"""`suggest`: a configuration for what a Prometheus holds."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click

from exporter.collection.settings import EvaluationSettings
from exporter.commands.printable import raw_stderr
from exporter.commands.prometheus_options import prometheus_options
from exporter.config.reading.loading import load
from exporter.config.settings import Settings
from exporter.daemon.engine import Engine
from exporter.daemon.logs import configure
from exporter.evaluation.backtest import backtest
from exporter.evaluation.chart_data import event_histories
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.selectors import Selector, parse_selector
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.durations import DAY, HOUR, format_duration, parse_duration
from exporter.slo.model import DEFAULT_DATASOURCE, THIRTY_DAYS, Objective
from exporter.slo.snapshot import SloStatus
from exporter.specs.writing import section_text, slos_text
from exporter.suggest.candidates import Candidate
from exporter.suggest.finding import find
from exporter.suggest.objectives import Past, Skipped, Suggestion, calmer, looser
from exporter.suggest.objectives import suggest as choose
from exporter.suggest.writing import configuration, slo_entry

SLOT = 300
"""Seconds of the slots in which the past is counted: what is not is the length of a page, and
counters are exact whatever it is."""


class Duration(click.ParamType[int]):
    """A duration as Prometheus writes it, in seconds."""

    name = "duration"

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read it."""
        try:
            seconds = int(parse_duration(str(value)))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not self.least <= seconds <= self.most:
            least, most = format_duration(self.least), format_duration(self.most)
            self.fail(f"must be between {least} and {most}, not {value}", param, ctx)
        return seconds


def _selectors(_: click.Context, __: click.Parameter, texts: Sequence[str]) -> tuple[Selector, ...]:
    found = []
    for text in texts:
        try:
            found.append(parse_selector(text))
        except ValueError as error:
            raise click.BadParameter(f"{text}: {error}") from error
    return tuple(found)


@click.command()
@prometheus_options
@click.option(
    "--match",
    "matches",
    multiple=True,
    callback=_selectors,
    help="A selector such as '{namespace=\"shop\"}': only its series are looked at, and its "
    "matchers are part of every SLO. Repeat it for more.",
)
@click.option(
    "--last",
    type=Duration(HOUR, 400 * DAY),
    default="30d",
    show_default=True,
    help="How much of the past is read.",
)
@click.option(
    "--least-history",
    type=Duration(300, 400 * DAY),
    default="1d",
    show_default=True,
    help="What is known for less time than this is skipped.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The file to write; the standard output without it.",
)
def suggest(
    prometheus: tuple[Mapping[str, object], PrometheusSettings],
    matches: tuple[Selector, ...],
    last: int,
    least_history: int,
    output: Path | None,
) -> None:
    """Suggest a configuration for what a Prometheus holds.

    Looks for instrumentation that it knows (docs/suggest.md), counts the past of every service
    exactly, and writes SLOs whose objectives are just below it, with the reasons of each. What was
    skipped is listed at the end, and why. Nothing is written if nothing is found: exit code 1.
    """
    configure("error", "logfmt")  # what goes on meanwhile is no part of the answer
    section, settings = prometheus
    last = -(-last // SLOT) * SLOT
    try:
        text, found = asyncio.run(
            _suggest(section, settings, matches, last, min(least_history, last))
        )
    except UnavailableError as error:
        raise click.ClickException(str(error)) from error
    if not found:
        raise click.ClickException(
            f"nothing of {settings.url} makes an SLO by itself.\n{_end_of(text)}\n"
            "docs/suggest.md lists what is known; docs/slis.md says how to write an SLO by hand."
        )
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error
    click.echo(f"{output}: {found} SLOs", err=True)


async def _suggest(
    section: Mapping[str, object],
    settings: PrometheusSettings,
    matches: Sequence[Selector],
    last: int,
    least_history: int,
) -> tuple[str, int]:
    """The configuration, and how many SLOs it has.

    Raises:
        UnavailableError: the Prometheus does not answer.
    """
    now = time.time()
    async with PrometheusClient(settings) as client:
        _say(f"Looking at what {settings.url} has ...")
        findings = await find(client, matches, int(now), last)
        number = sum(len(each.slis) for each in findings.candidates)
        if number:
            _say(f"Counting the last {format_duration(last)} of {number} indicators ...")
        counted = await _count(client, section, findings.candidates, last, now)
    chosen = []
    for index, candidate in enumerate(findings.candidates):
        pasts = [counted.pasts(index, at, last) for at in range(len(candidate.slis))]
        chosen.append(counted.calmed(index, choose(candidate, pasts, last, least_history)))
    suggestions = [each for each in chosen if isinstance(each, Suggestion)]
    text = configuration(
        suggestions,
        [each for each in chosen if isinstance(each, Skipped)],
        findings.skipped,
        prometheus=section,
        day=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d"),
        last=last,
    )
    return text, len(suggestions)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the engine has counted: an SLO for every way to measure every candidate."""

    engine: Engine | None
    statuses: Mapping[str, Sequence[SloStatus]]

    def pasts(self, index: int, variant: int, last: int) -> list[Past]:
        """The past of one way to measure a candidate: of it, or of each of its groups."""
        found = []
        for status in self.statuses.get(_name(index, variant), ()):
            window = status.windows.get(status.slo.period.label)
            found.append(
                Past(
                    bad=window.bad if window else None,
                    total=window.total if window else None,
                    known=status.coverage * last,
                    groups=status.groups,
                    problem=status.problem,
                )
            )
        return found

    def calmed(self, index: int, chosen: Suggestion | Skipped) -> Suggestion | Skipped:
        """A suggestion with the pages that it would have led to, by a backtest; not too many."""
        if isinstance(chosen, Skipped) or self.engine is None:
            return chosen
        statuses = [
            status
            for status in self.statuses[_name(index, chosen.way)]
            if not any(value in chosen.left_out for value in status.groups.values())
        ]
        objectives = [Objective.from_percent(Decimal(text)) for text in looser(chosen.objective)]
        pages: dict[float, float] = dict.fromkeys((each.ratio for each in objectives), 0)
        for status, history in zip(
            statuses, event_histories(self.engine.state, statuses), strict=True
        ):
            if history is not None:
                slo = replace(status.slo, period=THIRTY_DAYS)
                since = int(history.bounds[0])
                for outcome in backtest(history, slo, objectives, since=since).outcomes:
                    pages[outcome.objective.ratio] += len(outcome.of("page"))
        return calmer(chosen, [int(pages[each.ratio]) for each in objectives])


def _name(index: int, variant: int) -> str:
    return f"{index}.{variant}"


async def _count(
    client: PrometheusClient,
    section: Mapping[str, object],
    candidates: Sequence[Candidate],
    last: int,
    now: float,
) -> _Counted:
    """The past of every way to measure every candidate, as the daemon would count it."""
    if not candidates:
        return _Counted(None, {})
    settings = _settings(section, candidates, last)
    engine = Engine(settings.slos, EvaluationSettings(interval=SLOT), {DEFAULT_DATASOURCE: client})
    await engine.poll_datasource(DEFAULT_DATASOURCE, now)
    while await engine.fill_history(DEFAULT_DATASOURCE):
        if sys.stderr.isatty():
            click.echo(f"\r{engine.history_progress():.0%} ", nl=False, file=raw_stderr())
    statuses: dict[str, list[SloStatus]] = defaultdict(list)
    for status in engine.evaluate(now).slos:
        statuses[status.slo.name].append(status)
    return _Counted(engine, statuses)


def _settings(
    section: Mapping[str, object], candidates: Sequence[Candidate], last: int
) -> Settings:
    entries = []
    for index, each in enumerate(candidates):
        for variant, sli in enumerate(each.slis):
            period = {"name": _name(index, variant), "period": format_duration(last)}
            entries.append(slo_entry(each, sli, "99") | period)
    main = {
        "prometheus": dict(section),
        "evaluation": {"interval": format_duration(SLOT), "stale_after": format_duration(2 * SLOT)},
    }
    return load(section_text(main) + slos_text(entries), Path("suggestions"))


def _say(text: str) -> None:
    click.echo(text, err=True)


def _end_of(text: str) -> str:
    """What a file without SLOs says was skipped."""
    _, _, skipped = text.partition("\n# Skipped:\n")
    return "\n".join(line.removeprefix("# ") for line in skipped.splitlines()) or "It is empty."
