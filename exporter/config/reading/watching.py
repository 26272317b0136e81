"""Whether the configuration's files have changed: the main one, and its `slo_files`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from exporter.config.errors import ConfigError
from exporter.config.reading.documents import parts_of
from exporter.config.reading.files import matching
from exporter.marked import Sequence


class ConfigFiles:
    """Knows files by their paths and contents, so that it does not matter how they are replaced:
    written, renamed, or reached by a symbolic link that leads elsewhere, as in ConfigMaps.

    `marked` is their state when somebody last began to read them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: bytes | None = None
        self._patterns: tuple[str, ...] = ()
        self.marked = b""

    def mark(self) -> None:
        """Note that they are about to be read: what changes from now on is a change."""
        self.marked = self.state()

    def state(self) -> bytes:
        """What tells this state of the files from any other; a file that is not there has one."""
        digest = hashlib.sha256()
        main = _content(self._path)
        if main != self._text:  # to parse it takes seconds, where it is long
            self._text, self._patterns = main, self._read_patterns(main)
        folder = self._path.parent
        others = [path for pattern in self._patterns for path in matching(pattern, folder)]
        for file in [self._path, *others]:
            content = main if file is self._path else _content(file)
            known = b"absent" if content is None else hashlib.sha256(content).digest()
            digest.update(repr(str(file)).encode() + known)
        return digest.digest()

    def _read_patterns(self, main: bytes | None) -> tuple[str, ...]:
        try:
            parts = parts_of((main or b"").decode(), self._path)
        except (ConfigError, UnicodeDecodeError):
            return ()  # it is bad by itself; a change of it is seen
        named = [part.document.values.get("slo_files") for part in parts]
        patterns = [each for one in named if isinstance(one, Sequence) for each in one]
        return tuple(each for each in patterns if isinstance(each, str) and each.isprintable())


def _content(file: Path) -> bytes | None:
    try:
        # A named pipe would be waited for.
        return file.read_bytes() if file.is_file() else None
    except OSError:
        return None
