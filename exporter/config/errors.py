"""What is wrong with a configuration: one mistake, and the error that carries them all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from exporter.errors import ConfigurationError
from exporter.marked import KeyPath

_PLAIN_KEY = re.compile(r"[\w-]+|<<")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: the file, the line (from 1), the path to the key, and what would be right.

    `line` is None where the file could not be read, `key` is empty where no key is at fault.
    `shown` is the line itself with a caret below, where its place alone would not help.
    """

    file: Path
    line: int | None
    key: str
    message: str
    shown: str = ""

    def __str__(self) -> str:
        place = str(self.file) if self.line is None else f"{self.file}:{self.line}"
        # Messages of parsers may hold line breaks; a mistake is one line.
        message = " ".join(self.message.split())
        told = ": ".join(part for part in (place, self.key, message) if part)
        return "\n    ".join([told, *filter(None, self.shown.split("\n"))])


class ConfigError(ConfigurationError):
    """A configuration that cannot be used; `mistakes` holds everything found wrong with it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


def key_text(path: KeyPath) -> str:
    """Write a path as users read it: `slos[1].sli.events.bad`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part if _PLAIN_KEY.fullmatch(part) else quoted(part)
            text += f".{plain}" if text else plain
    return text


def quoted(text: str) -> str:
    """A value of the file for use in a message: on one line, printable, not long."""
    return json.dumps(text if len(text) <= 60 else text[:57] + "...")
