"""The web configuration, reloaded when one of its files changes."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from exporter.web.server.settings import WebSettings, WebSettingsError
from exporter.web.server.tls import tls_context

SETTLE = 1.0
"""Seconds that the files must rest after a change: half a file is not read, nor a new
certificate with an old key."""

RETRY = 5.0
"""Seconds until files that cannot be used are tried again; what they name may come later."""

Mark = tuple[int, int, int] | None


class ReloadingConfig:
    """Holds the settings and what TLS connections are made with; both are swapped together.

    Args:
        read: reads the settings; raises WebSettingsError.
        clock: seconds that never go back.

    Raises:
        WebSettingsError: the first reading fails.
    """

    def __init__(
        self, read: Callable[[], WebSettings], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._log = structlog.get_logger()
        self._due: float | None = None
        self._trouble = ""
        # Before the reading that counts: a change after this is seen.
        self._seen = _marks(read().files)
        self.settings, self.context = self._load()

    def look(self) -> None:
        """Look whether a file has changed; to be called every second or so.

        Files that cannot be used change nothing, and are told of once.
        """
        marks = _marks(self.settings.files)
        if marks != self._seen:
            self._seen, self._due = marks, self._clock() + SETTLE
        if self._due is None or self._clock() < self._due:
            return
        self._due = None
        try:
            self.settings, self.context = self._load()
        except WebSettingsError as error:
            self._due = self._clock() + RETRY
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._log.warning(
                    "web configuration is invalid, the old one stays in force", error=self._trouble
                )
        else:
            self._trouble = ""
            # Files that were named before keep their marks: they may have changed meanwhile.
            self._seen = {
                file: marks.get(file, mark) for file, mark in _marks(self.settings.files).items()
            }
            self._log.info("web configuration was reloaded")

    def _load(self) -> tuple[WebSettings, ssl.SSLContext | None]:
        settings = self._read()
        return settings, tls_context(settings.tls) if settings.tls else None


def _marks(files: tuple[Path, ...]) -> dict[Path, Mark]:
    """What tells one state of a file from the next: its time, size and inode."""
    marks: dict[Path, Mark] = {}
    for file in files:
        try:
            found = file.stat()
        except OSError:
            marks[file] = None
        else:
            marks[file] = (found.st_mtime_ns, found.st_size, found.st_ino)
    return marks
