"""The command line: flags and signals."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from exporter.commands import ledger as ledger_command
from exporter.commands.dashboards import dashboards
from exporter.commands.gate import COMMANDS
from exporter.commands.live_check import live_check
from exporter.config.errors import ConfigError
from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.daemon.app import App
from exporter.daemon.logs import FORMATS, LEVELS, configure
from exporter.daemon.options import Options, watched_web_settings
from exporter.demo.run import DemoOptions, run_demo
from exporter.errors import StoreError
from exporter.prometheus.errors import SettingsError
from exporter.rules.aliases import ALIASES
from exporter.rules.rule import RuleOptions
from exporter.rules.writing import FORMATS as RULE_FORMATS
from exporter.rules.writing import write as write_rules
from exporter.web.daemon import ReloadError
from exporter.web.server.listening import ListenError, parse_listen_address
from exporter.web.server.settings import WebSettingsError

web_config_option = click.option(
    "--web.config.file",
    "web_config_file",
    type=click.Path(path_type=Path),
    help="TLS, users and headers, in the format of the Prometheus exporter toolkit.",
)

config_option = click.option(
    "--config.file",
    "config_file",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="The configuration file.",
)

storage_option = click.option(
    "--storage.path",
    "storage",
    help="Folder of the ledger's store, or none; goes before the configuration's storage.path.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="error-budget-exporter", prog_name="error-budget-exporter")
def main() -> None:
    """Exact error budgets and burn rates for Prometheus, with policy tiers."""


for command in COMMANDS:
    main.add_command(command)


def _listen_address(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        parse_listen_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


@main.command()
@config_option
@click.option(
    "--web.listen-address",
    "listen_address",
    default=":9098",
    show_default=True,
    callback=_listen_address,
    help="Where to serve /metrics and the page.",
)
@web_config_option
@storage_option
@click.option(
    "--log.level", "log_level", type=click.Choice(LEVELS), default="info", show_default=True
)
@click.option(
    "--log.format", "log_format", type=click.Choice(FORMATS), default="logfmt", show_default=True
)
def run(
    *,
    config_file: Path,
    listen_address: str,
    web_config_file: Path | None,
    storage: str | None,
    log_level: str,
    log_format: str,
) -> None:
    """Run the daemon: poll Prometheus, evaluate, serve metrics.

    SIGHUP reads the configuration anew, SIGUSR1 logs where time and memory go, SIGTERM and SIGINT
    end it.
    """
    settings = _load(config_file)
    configure(log_level, log_format)
    options = Options(config_file, listen_address, web_config_file, storage)
    try:
        asyncio.run(_serve(settings, options))
    except (ListenError, SettingsError, StoreError, WebSettingsError) as error:
        _fail(str(error))


async def _serve(settings: Settings, options: Options) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    app = App(settings, options)
    under_way: set[asyncio.Task[None]] = set()

    def on(number: signal.Signals, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        def begin() -> None:
            task = asyncio.create_task(act())
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        loop.add_signal_handler(number, begin)

    on(signal.SIGHUP, lambda: _reload(app))
    on(signal.SIGUSR1, app.diagnose)
    try:
        await app.start()
        ended = asyncio.create_task(app.wait())
        told = asyncio.create_task(stopped.wait())
        await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if ended.done():
            ended.result()
        ended.cancel()
    finally:
        await app.stop()


async def _reload(app: App) -> None:
    with suppress(ReloadError):  # it is logged, and a metric
        await app.reload()


@main.command()
@config_option
@web_config_option
@click.option("--live", is_flag=True, help="Ask Prometheus for every SLO's newest events, too.")
def check(config_file: Path, web_config_file: Path | None, live: bool) -> None:
    """Check a configuration file and name every mistake in it."""
    try:
        watched_web_settings(web_config_file)
    except WebSettingsError as error:
        _fail(str(error))
    settings = _load(config_file)
    click.echo(f"{config_file}: {len(settings.slos)} SLOs, no mistakes")
    for line in settings.ended_windows(time.time()):
        click.echo(line)
    if live:
        try:
            well = asyncio.run(live_check(settings, click.echo))
        except SettingsError as error:
            _fail(str(error))
        sys.exit(0 if well else 1)


@main.group(invoke_without_command=True)
@config_option
@storage_option
@click.pass_context
def ledger(context: click.Context, config_file: Path, storage: str | None) -> None:
    """Show what is stored of each SLO: since when, how much of it, and its size."""
    settings = _load(config_file) if storage is None else Settings(slos=())
    folder = Options(storage=storage).storage_folder(settings)
    if folder is None:
        _fail("storage.path is none: nothing is stored")
    context.obj = folder
    if context.invoked_subcommand is None:
        with _store_errors():
            ledger_command.show(folder, click.echo)


@ledger.command()
@click.argument("slo", metavar="SERVICE/SLO")
@click.pass_obj
def rebuild(folder: Path, slo: str) -> None:
    """Ask Prometheus anew for all of an SLO.

    What Prometheus still has replaces what is stored; what it no longer has stays.
    """
    with _store_errors():
        ledger_command.rebuild(folder, slo, click.echo)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        _fail(str(error))


def _address(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"https?://[^\s{}]+", value):
        raise click.BadParameter(f"{value!r} is not an address: write http://... or https://...")
    return value


def _job(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[\w./:-]+", value):
        raise click.BadParameter(f"{value!r} is no job: write letters, digits and . / : _ -")
    return value


@main.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(RULE_FORMATS),
    default=RULE_FORMATS[0],
    show_default=True,
    help="A rule file, or a PrometheusRule for the Prometheus operator.",
)
@click.option(
    "--aliases",
    type=click.Choice(list(ALIASES)),
    multiple=True,
    help="Record our series under another tool's names, too, for its dashboards. May be repeated.",
)
@click.option("--starter", is_flag=True, help="Alert on any breach of an SLO over 5 minutes, too.")
@click.option(
    "--runbook-url",
    "runbooks",
    default=RuleOptions().runbooks,
    show_default=True,
    callback=_address,
    help="Where you keep docs/operating.md; the alert's name is put behind it.",
)
@click.option(
    "--dashboard-url",
    "dashboard",
    callback=_address,
    help="A dashboard with the variables service and slo, for alerts on SLOs to link to.",
)
@click.option(
    "--job",
    default=RuleOptions().job,
    show_default=True,
    callback=_job,
    help="The job by which Prometheus scrapes the exporter.",
)
def rules(
    *,
    form: str,
    aliases: tuple[str, ...],
    starter: bool,
    runbooks: str,
    dashboard: str | None,
    job: str,
) -> None:
    """Write alerting rules for Prometheus to the standard output.

    They are the same for every configuration: thresholds and states are the exporter's series.
    """
    options = RuleOptions(runbooks, dashboard, job, tuple(dict.fromkeys(aliases)), starter)
    click.echo(write_rules(options, form), nl=False)


main.add_command(dashboards)


@main.command()
@click.option(
    "--duration",
    type=click.FloatRange(min=60),
    help="End by itself after so many seconds, and fail unless the incident was seen.",
)
def demo(duration: float | None) -> None:
    """Watch an error budget burn: everything on this machine, with 30 days of data."""
    sys.exit(run_demo(DemoOptions(duration=duration)))


def _load(config_file: Path) -> Settings:
    try:
        return load_file(config_file)
    except ConfigError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)
