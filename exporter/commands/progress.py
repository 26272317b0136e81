"""The bar that long reads of the past show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from exporter.commands.printable import raw_stderr

STEPS = 1_000
"""Steps of the bar."""


@contextmanager
def progress(count: int) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error while the past is read, if that is a terminal."""
    words = "1 SLO" if count == 1 else f"{count} SLOs"
    bar = click.progressbar(
        length=STEPS,
        label=f"Reading the past of {words}",
        file=raw_stderr(),
        hidden=not sys.stderr.isatty(),
        show_pos=False,
    )
    shown = 0

    def tell(done: int, whole: int) -> None:
        nonlocal shown
        now = STEPS * done // max(whole, 1)
        if now > shown:
            bar.update(now - shown)
            shown = now

    with bar:
        yield tell
