"""What is told while an experiment runs: a live line on a terminal, log lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from exporter.commands.printable import printable, raw_stderr

QUIET = 10.0
"""Seconds between two lines about the course where no terminal shows a live one."""


class Telling:
    """Says what happens, each line with its time in UTC.

    Who listens may have gone away: that ends nothing.
    """

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._shown = False
        self._told = 0.0

    def say(self, text: str, *, bold: bool = False, error: bool = False) -> None:
        """Tell something that has happened."""
        self._wipe()
        at = datetime.fromtimestamp(time.time(), UTC).strftime("%H:%M:%S")
        self._echo(f"{at}  {text}", bold=bold, error=error)

    def plain(self, lines: Sequence[str]) -> None:
        """Tell some lines as they are."""
        self._wipe()
        for line in lines:
            self._echo(line)

    def course(self, text: str) -> None:
        """Tell how it goes."""
        if self._live:
            with contextlib.suppress(OSError, ValueError):
                stream = raw_stderr()
                stream.write(f"\r\x1b[K{printable(text)[: _width()]}")
                stream.flush()
            self._shown = True
        elif time.monotonic() - self._told >= QUIET:
            self._told = time.monotonic()
            self.say(text)

    def _wipe(self) -> None:
        if self._shown:
            with contextlib.suppress(OSError, ValueError):
                raw_stderr().write("\r\x1b[K")
                raw_stderr().flush()
            self._shown = False

    @staticmethod
    def _echo(text: str, *, bold: bool = False, error: bool = False) -> None:
        with contextlib.suppress(OSError, ValueError):
            click.secho(text, bold=bold or None, err=error)


def _width() -> int:
    import shutil  # noqa: PLC0415 - on a terminal alone

    return max(20, shutil.get_terminal_size().columns - 1)
