"""What is wrong with a configuration: one mistake, and the error that carries them all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from exporter.errors import ConfigurationError
from exporter.marked import KeyPath

MOST_TOLD = 20
"""Mistakes that an error's text has: nobody reads twenty thousand."""

LONGEST_MESSAGE = 1_000
LONGEST_KEY = 60

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
        if len(message) > LONGEST_MESSAGE:
            message = f"{message[:LONGEST_MESSAGE]}..."
        told = ": ".join(part for part in (place, self.key, message) if part)
        return "\n    ".join([told, *filter(None, self.shown.split("\n"))])


class ConfigError(ConfigurationError):
    """A configuration that cannot be used; `mistakes` holds everything found wrong with it.

    Its text has the first of them, a line each, and how many more there are.
    """

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        lines = [str(mistake) for mistake in self.mistakes[:MOST_TOLD]]
        more = len(self.mistakes) - MOST_TOLD
        if more > 0:
            lines.append(f"and {more:,} more")
        super().__init__("\n".join(lines))


def key_text(path: KeyPath) -> str:
    """Write a path as users read it: `slos[1].sli.events.bad`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            short = len(part) <= LONGEST_KEY and _PLAIN_KEY.fullmatch(part)
            plain = part if short else quoted(part)
            text += f".{plain}" if text else plain
    return text


def quoted(text: str) -> str:
    """A value of the file for use in a message: on one line, printable, not long."""
    return json.dumps(text if len(text) <= LONGEST_KEY else text[: LONGEST_KEY - 3] + "...")
