"""`ledger` and `ledger rebuild`: what the store says, in words for the command line."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from exporter.store.inspection import Holding, holdings, rebuild_pending, request_rebuild
from exporter.store.opening import size, taken

HEADING = ("SLO", "groups", "from", "to", "known", "size", "")

POLL = 1.0

Echo = Callable[[str], None]


def show(folder: Path, echo: Echo) -> None:
    """Tell what is stored, a line per SLO.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    found = holdings(folder)
    rows = [HEADING, *(_row(of) for of in found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADING))]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        echo("  ".join(cells).rstrip())
    daemon = "a daemon has it open" if taken(folder) else "no daemon has it open"
    echo(f"{folder / 'ledger.sqlite'}: {_bytes(size(folder / 'ledger.sqlite'))}, {daemon}")


def _row(of: Holding) -> tuple[str, ...]:
    notes = ["no longer configured"] if not of.current else []
    if of.rebuild:
        notes.append("to be rebuilt")
    return (
        f"{of.service}/{of.name}",
        str(of.groups),
        _time(of.first),
        _time(of.last),
        f"{of.coverage * 100:.2f}%",
        _bytes(of.bytes),
        ", ".join(notes),
    )


def _time(at: int | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _bytes(count: int) -> str:
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def rebuild(folder: Path, slo: str, echo: Echo) -> None:
    """Have an SLO (`service/name`) read from Prometheus again, and wait until that is done.

    Raises:
        StoreError: there is no such SLO, or the store cannot be written.
    """
    service, _, name = slo.partition("/")
    request_rebuild(folder, service, name)
    if not taken(folder):
        echo(f"{slo}: everything is read from Prometheus again when a daemon starts on this store.")
        return
    echo(f"{slo}: the daemon reads everything from Prometheus again; Ctrl-C does not stop it.")
    while rebuild_pending(folder, service, name):
        if not taken(folder):
            echo("The daemon has ended; the next one continues.")
            return
        time.sleep(POLL)
    echo("Done.")
