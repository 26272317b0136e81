"""`experiment`: chaos experiments that are judged by SLOs."""

from __future__ import annotations

import asyncio
import shlex
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click

from exporter.commands.api_client import Access
from exporter.commands.api_options import access_options, experiment_server_option
from exporter.commands.experiments.exporter_side import ExporterSide
from exporter.commands.experiments.interrupts import Interrupts
from exporter.commands.experiments.journal import (
    Entry,
    Journal,
    UnderWayError,
    default_folder,
    end_group,
)
from exporter.commands.experiments.measuring import Measuring
from exporter.commands.experiments.running import Asked, Run
from exporter.commands.experiments.steps import roll_back
from exporter.commands.experiments.telling import Telling
from exporter.commands.experiments.words import closing, plan_lines
from exporter.commands.experiments.writing import check_paths, write_reports
from exporter.commands.options import config_option
from exporter.config.reading.experiment_loading import load_experiment_file
from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.daemon.logs import configure
from exporter.errors import ExporterError
from exporter.experiment.judging import EXIT_CODES, WRONG, Outcome
from exporter.experiment.plan import Experiment
from exporter.experiment.result import Result, refused
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.slo.figures import second


def _wrong(error: click.ClickException) -> None:
    """Give it the exit code of a mistake."""
    setattr(error, "exit_code", WRONG)  # noqa: B010 - click has it on the class


class ExperimentGroup(click.Group):
    """Its mistakes have an exit code of their own: 1 and 2 tell of experiments that were run."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - click's
        """Read the command line."""
        try:
            return super().make_context(*args, **kwargs)
        except click.ClickException as error:
            _wrong(error)
            raise

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
        """Run the command."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            _wrong(error)
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except ExporterError as error:
            click.echo(str(error), err=True)
            sys.exit(WRONG)
        except KeyboardInterrupt:  # later ones are handled, and end the experiment in order
            click.echo("interrupted before it began", err=True)
            sys.exit(EXIT_CODES[Outcome.REFUSED])
        except Exception:  # noqa: BLE001 - Python's own exit code would say that it was refuted
            traceback.print_exc()
            sys.exit(EXIT_CODES[Outcome.ABORTED])


journal_option = click.option(
    "--journal",
    "journal",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder that keeps what is to be undone, should this process be killed.  "
    "[default: $XDG_STATE_HOME/error-budget-exporter]",
)


@click.group(cls=ExperimentGroup)
def experiment() -> None:
    """Run chaos experiments that are judged by SLOs."""


@experiment.command("run")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@config_option
@experiment_server_option
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Write a report: Markdown, or JSON or HTML if the file is called so. May be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, and do nothing.")
@click.option(
    "--force", "forced", metavar="WHY", help="Begin although something speaks against it; recorded."
)
@journal_option
@access_options
def run_experiment(
    *,
    file: Path,
    config_file: Path,
    servers: Sequence[str],
    reports: Sequence[Path],
    dry_run: bool,
    forced: str | None,
    journal: Path | None,
    access: Access,
) -> None:
    """Run the experiment in FILE, and judge its hypothesis by the SLOs.

    Exits with 0 if it held, 1 if it was refuted or not shown, 2 if it was aborted, 3 if it was
    refused, and 4 if nothing was begun as a file or the command line has a mistake. With --dry-run,
    0 and 3 tell whether it would begin.
    """
    configure("error", "logfmt")  # what goes on meanwhile is told in words
    if forced is not None and not forced.strip():
        raise click.UsageError("--force needs a reason, which is recorded")
    check_paths(reports)
    settings = load_file(config_file)
    asked = Asked(
        experiment=load_experiment_file(file, settings),
        file=file,
        objectives={slo.full_name: slo.objective.ratio for slo in settings.slos},
        forced=forced,
        dry_run=dry_run,
    )
    telling, kept = Telling(), Journal(journal or default_folder())
    if dry_run:
        telling.plain(plan_lines(asked.experiment))
    found = asyncio.run(_run(asked, settings, ExporterSide(servers, access), kept, telling))
    if dry_run and found.outcome is Outcome.HELD:
        telling.plain(["It would begin: nothing speaks against it."])
    else:
        telling.plain(closing(found))
    if not dry_run:
        write_reports(found, reports, settings, telling)
    sys.exit(EXIT_CODES[found.outcome])


@experiment.command("rollback")
@journal_option
def rollback_experiment(*, journal: Path | None) -> None:
    """Undo what an experiment has done whose process was killed.

    Exits with 0 if there is nothing left to undo, and 2 if the rollback fails.
    """
    kept, telling = Journal(journal or default_folder()), Telling()
    with kept.held():
        left = kept.left()
        if left is None:
            telling.plain(["There is nothing to undo."])
            return
        if not asyncio.run(_undo(left, kept, telling)):
            sys.exit(EXIT_CODES[Outcome.ABORTED])


async def _run(
    asked: Asked, settings: Settings, exporter: ExporterSide, journal: Journal, telling: Telling
) -> Result:
    interrupts = Interrupts()
    what, now = asked.experiment, time.time()

    def no(*why: str) -> Result:
        return refused(what, str(asked.file), now, why)

    async with AsyncExitStack() as stack:
        stack.enter_context(interrupts.handled())
        try:
            stack.enter_context(journal.held())
        except UnderWayError as error:
            return no(str(error))
        left = journal.left()
        if left is not None and asked.dry_run:
            telling.say(f"{left.title!r} was not undone; this would be done first:", bold=True)
            telling.plain(
                [
                    f"    {each}"
                    for each in map(shlex.join, (one.arguments for one in left.rollback))
                ]
            )
        elif left is not None:
            with interrupts.held_off(telling):
                undone = await _undo(left, journal, telling)
            if not undone:
                return no(f"what {left.title!r} has done is not undone")
            over = f"experiment over: {left.title} (killed, and undone later)"
            side = ExporterSide(left.servers or exporter.servers, exporter.access)
            await asyncio.to_thread(side.note, left.services, over, "experiment_over")
        used = _datasources(what, settings)
        clients = {
            name: await stack.enter_async_context(
                PrometheusClient(item, name=name, concurrency=settings.evaluation.concurrency)
            )
            for name, item in settings.datasources.items()
            if name in used
        }
        slos = {slo.full_name: slo for slo in settings.slos}
        measuring = Measuring(what, slos, clients, settings.evaluation)
        run = Run(
            asked,
            measuring=measuring,
            exporter=exporter,
            journal=journal,
            telling=telling,
            interrupts=interrupts,
        )
        try:
            return await run.run()
        except UnavailableError as error:
            return no(f"the baseline cannot be measured: {error}")


def _datasources(what: Experiment, settings: Settings) -> set[str]:
    """Those that are asked."""
    slos = {slo.full_name: slo for slo in settings.slos}
    used = {each.datasource for target in what.targets for each in slos[target.slo].measured_by}
    lines = (*what.hypothesis.steady, *what.abort)
    return used | {name for each in lines if (name := getattr(each, "datasource", None))}


async def _undo(left: Entry, journal: Journal, telling: Telling) -> bool:
    """Roll back what a killed process has left behind; whether that went well."""
    telling.say(
        f"{left.title!r}, begun {second(left.begun)}, was killed before it was undone", bold=True
    )
    if end_group(left.running):
        telling.say("a step that it left running is ended")
    if not left.rollback:
        telling.say(f"it has no rollback: see what of {left.file} is still in force", error=True)
    failed = await roll_back(left.rollback, Path(left.folder), lambda _, text: telling.say(text))
    if failed:
        telling.say("THE ROLLBACK FAILED. Undo by hand:", bold=True, error=True)
        telling.plain([f"    {each}" for each in failed])
        telling.plain([f"    and then remove {journal.path}"])
        return False
    journal.clear()
    telling.say("it is undone")
    return True
