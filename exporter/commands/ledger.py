"""`ledger` and its commands: what the store holds, in words."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path

import click
from click.core import ParameterSource

from exporter.commands.options import config_option, storage_option
from exporter.commands.times import Moment
from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.daemon.options import Options
from exporter.errors import ConfigurationError, StoreError
from exporter.store import backup as backups
from exporter.store import copying, outside, restoring, verification
from exporter.store.inspection import SloSummary, summarize
from exporter.store.rebuild_requests import cancel_rebuild, rebuild_requests, request_rebuild
from exporter.store.settings import SCHEMES, Place, PostgresSettings

HEADING = ("SLO", "groups", "from", "to", "known", "days from", "size", "")

STREAM = Path("-")

POLL = 1.0
"""Seconds between two looks whether the daemon is done."""


def of_store(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the store; its options stand before the name of the command, or behind."""

    @config_option
    @storage_option
    @click.pass_context
    @wraps(command)
    def with_place(
        context: click.Context, /, config_file: Path, storage: str | None, **others: object
    ) -> None:
        before = (context.parent or context).params
        if context.get_parameter_source("config_file") is ParameterSource.DEFAULT:
            config_file = before["config_file"]
        if storage is None:
            storage = before["storage"]
        command(_store(config_file, storage), **others)

    return with_place


def _store(config_file: Path, storage: str | None) -> Place:
    settings = load_file(config_file) if storage is None else Settings(slos=())
    place = Options(storage=storage).store_place(settings)
    if place is None:
        raise ConfigurationError("storage.path is none: nothing is stored")
    return place


@click.group(invoke_without_command=True)
@config_option
@storage_option
@click.pass_context
def ledger(context: click.Context, config_file: Path, storage: str | None) -> None:
    """Show what is stored of each SLO: since when, how much of it, its days, and its size."""
    if context.invoked_subcommand is None:
        _show(_store(config_file, storage))


def _show(place: Place) -> None:
    rows = [HEADING, *map(_row, summarize(place))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADING))]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    words = {True: ", a daemon has it open", False: ", no daemon has it open", None: ""}
    daemon = words[outside.has_daemon(place)]
    click.echo(f"{outside.name(place)}: {_bytes(outside.size(place))}{daemon}")


def _row(held: SloSummary) -> tuple[str, ...]:
    notes = ["no longer configured"] if not held.current else []
    if held.rebuild:
        notes.append("to be rebuilt")
    return (
        f"{held.service}/{held.name}",
        str(held.groups),
        _time(held.first),
        _time(held.last),
        f"{held.coverage * 100:.2f}%",
        "-" if held.days is None else datetime.fromtimestamp(held.days, UTC).strftime("%Y-%m-%d"),
        _bytes(held.bytes),
        ", ".join(notes),
    )


def _time(at: int | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _bytes(count: int) -> str:
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


@ledger.command()
@click.argument("slo", metavar="[SERVICE/SLO]", required=False)
@click.option(
    "--since", type=Moment(), help="Only what came after this time; of all SLOs if none is named."
)
@click.option("--all", "every", is_flag=True, help="All SLOs.")
@click.option("--cancel", is_flag=True, help="End it: what is stored stays as it is.")
@of_store
def rebuild(
    place: Place, *, slo: str | None, since: float | None, every: bool, cancel: bool
) -> None:
    """Read all of an SLO from Prometheus again, or what came since a time.

    What Prometheus still has replaces what is stored; what it no longer has stays. It is tried
    again while Prometheus refuses, and goes on when a daemon is restarted.
    """
    if slo is not None and every:
        raise click.UsageError("name an SLO, or give --all")
    if slo is None and not every and (cancel or since is None):
        raise click.UsageError("name an SLO as SERVICE/SLO, or give --all")
    service, _, name = (slo or "").partition("/")
    if cancel:
        count = cancel_rebuild(place, service or None, name)
        click.echo(f"{count} {_slos(count)} no longer read again." if count else _NOTHING)
        return
    count = request_rebuild(place, service or None, name, int(since or 0))
    named = slo or f"{count} SLOs"
    what = "everything is" if since is None else f"what came since {_time(int(since))} is"
    if outside.has_daemon(place) is False:
        click.echo(
            f"{named}: {what} read from Prometheus again when a daemon starts on this store."
        )
        return
    reads = what.removesuffix(" is")
    click.echo(f"{named}: the daemon reads {reads} from Prometheus again; Ctrl-C does not stop it.")
    _follow(place, service or None, name)


_NOTHING = "nothing is being read again"


def _slos(count: int) -> str:
    return "SLO is" if count == 1 else "SLOs are"


def _follow(place: Place, service: str | None, name: str) -> None:
    """Tell how it goes until it is done."""
    told: set[str] = set()
    while True:
        left = [
            each
            for each in rebuild_requests(place)
            if service is None or (each.service, each.name) == (service, name)
        ]
        if not left:
            click.echo("Done.")
            return
        for each in left:
            problem = each.progress.problem
            line = f"{each.service}/{each.name} waits, and is tried again: {problem}"
            if problem and line not in told:
                told.add(line)
                click.echo(line)
        if outside.has_daemon(place) is False:
            click.echo("The daemon has ended; the next one continues.")
            return
        time.sleep(POLL)


@ledger.command()
@click.argument("target", metavar="FILE|-", type=click.Path(dir_okay=False, path_type=Path))
@of_store
def backup(place: Place, target: Path) -> None:
    """Copy the store into FILE, or to standard output, as of one moment.

    A daemon may be running. With - there has to be room for a copy beside the store.
    """
    if target != STREAM:
        click.echo(f"{target}: {_bytes(backups.backup(place, target))}")
        return
    if sys.stdout.isatty():
        raise click.UsageError("a backup is not text for a terminal: backup - > FILE")
    size = backups.stream(place, sys.stdout.buffer)
    click.echo(f"standard output: {_bytes(size)}", err=True)


@ledger.command()
@click.argument(
    "source",
    metavar="FILE|-",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
@of_store
def restore(place: Place, source: Path) -> None:
    """Put a backup, from FILE or standard input, in the store's place.

    The daemon has to be stopped. A backup that is damaged, or of a newer version, is refused. What
    was there is kept beside it.
    """
    stream = source == STREAM
    if stream and sys.stdin.isatty():
        raise click.UsageError("standard input is a terminal: restore - < FILE")
    of = sys.stdin.buffer if stream else source
    put = restoring.restore(of, "standard input" if stream else str(source), place)
    until = "" if put.end is None else f" until {_time(put.end)}"
    click.echo(f"{outside.name(place)}: {_bytes(put.size)}, {put.slos} SLOs{until}")
    if put.kept:
        click.echo(f"What was there before is {put.kept}")


@ledger.command()
@of_store
def verify(place: Place) -> None:
    """See whether everything that is stored is as it was written. A daemon may be running.

    Exit codes: 0, all of it is sound; 1, some of it is damaged; 2, it could not be looked at.
    """
    context = click.get_current_context()
    try:
        found = verification.verify(place)
    except StoreError as error:
        click.echo(str(error), err=True)
        context.exit(2)
    for line in found.damage:
        click.echo(line)
    looked = f"{found.records} records and {found.chunks} chunks of slots were looked at"
    if found.unsealed:
        looked += f", {found.unsealed} of them without a checksum, by an older version"
    if not found.damage:
        click.echo(f"{outside.name(place)} is sound: {looked}.")
        return
    click.echo(f"{outside.name(place)} is damaged in {len(found.damage)} places: {looked}.")
    click.echo(
        "The next start of a daemon restores what there is a copy of, and reads the slots again "
        "that Prometheus still has."
        if not isinstance(place, PostgresSettings)
        else "Slots are read again, as far as Prometheus still has them, at the next start."
    )
    context.exit(1)


@ledger.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy(source: str, target: str) -> None:
    """Copy a store as a whole: from SQLite to PostgreSQL, or back.

    FROM and TO are each a folder, the URL of a PostgreSQL database, or a file that holds one, which
    keeps its password out of the list of processes. TO has to be empty.
    """
    copied = copying.copy(_place(source), _place(target))
    rows = sum(copied.values())
    click.echo(f"{copied['slo']} SLOs were copied, in {rows} rows.")


def _place(text: str) -> Place:
    if text.startswith(SCHEMES):
        return PostgresSettings(url=text)
    path = Path(text)
    return PostgresSettings(url_file=path) if path.is_file() else path
