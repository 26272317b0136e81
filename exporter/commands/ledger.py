"""`ledger` and `ledger rebuild`: what the store holds, in words."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from exporter.commands.options import config_option, storage_option
from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.daemon.options import Options
from exporter.errors import ConfigurationError
from exporter.store.inspection import SloSummary, summarize
from exporter.store.lock import taken
from exporter.store.opening import FILE, size
from exporter.store.rebuild_requests import rebuild_pending, request_rebuild

HEADING = ("SLO", "groups", "from", "to", "known", "size", "")

POLL = 1.0
"""Seconds between two looks whether the daemon is done."""


@click.group(invoke_without_command=True)
@config_option
@storage_option
@click.pass_context
def ledger(context: click.Context, config_file: Path, storage: str | None) -> None:
    """Show what is stored of each SLO: since when, how much of it, and its size."""
    settings = load_file(config_file) if storage is None else Settings(slos=())
    folder = Options(storage=storage).storage_folder(settings)
    if folder is None:
        raise ConfigurationError("storage.path is none: nothing is stored")
    context.obj = folder
    if context.invoked_subcommand is None:
        _show(folder)


def _show(folder: Path) -> None:
    rows = [HEADING, *map(_row, summarize(folder))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADING))]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    daemon = "a daemon has it open" if taken(folder) else "no daemon has it open"
    click.echo(f"{folder / FILE}: {_bytes(size(folder / FILE))}, {daemon}")


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
        _bytes(held.bytes),
        ", ".join(notes),
    )


def _time(at: int | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _bytes(count: int) -> str:
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


@ledger.command()
@click.argument("slo", metavar="SERVICE/SLO")
@click.pass_obj
def rebuild(folder: Path, slo: str) -> None:
    """Read all of an SLO from Prometheus again.

    What Prometheus still has replaces what is stored; what it no longer has stays.
    """
    service, _, name = slo.partition("/")
    request_rebuild(folder, service, name)
    if not taken(folder):
        click.echo(
            f"{slo}: everything is read from Prometheus again when a daemon starts on this store."
        )
        return
    click.echo(
        f"{slo}: the daemon reads everything from Prometheus again; Ctrl-C does not stop it."
    )
    while rebuild_pending(folder, service, name):
        if not taken(folder):
            click.echo("The daemon has ended; the next one continues.")
            return
        time.sleep(POLL)
    click.echo("Done.")
