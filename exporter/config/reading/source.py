"""YAML text into plain values that know their lines.

Every scalar stays the text that was written: the key it belongs to decides its type. So 99.9
keeps its digits, and a label `on: 01` stays "01".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from yaml.reader import Reader

from exporter.config.errors import ConfigError, Mistake, key_text
from exporter.config.reading.values import Loader, Root, values_of
from exporter.marked import KeyPath, Mapping, Place, Sequence

LOADER: Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader is eight times as fast; PyYAML built without libyaml has its own alone."""

FileText = str | Callable[[], str]
"""A file's text, or what writes it when it is asked for."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its values (text, None, Mapping, Sequence) and what YAML itself got wrong."""

    file: Path
    values: Mapping
    first_line: int
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, path: KeyPath) -> int:
        """The line of a path, or of the nearest thing above it that the file has."""
        return self._found(path)[1]

    def place(self, path: KeyPath) -> str:
        """Where a path is, as users read it: `config.yaml:2: slos[0]`."""
        file, line, written = self._found(path)
        return f"{file}:{line}: {key_text(written)}"

    def mistake(self, path: KeyPath, message: str) -> Mistake:
        """A mistake at a path of this file."""
        file, line, written = self._found(path)
        return Mistake(file, line, key_text(written), message)

    def _found(self, path: KeyPath) -> tuple[Path, int, KeyPath]:
        """File, line and path of what is written: of translated values, where they come from."""
        file, line, written = self.file, self.first_line, path
        value: object = self.values
        for depth, part in enumerate(path, 1):
            place: Place | None = None
            if isinstance(value, Mapping) and part in value:
                key = str(part)
                line, place, value = value.lines[key], value.places.get(key), value[key]
            elif isinstance(value, Sequence) and isinstance(part, int):
                line, place, value = value.lines[part], value.places.get(part), value[part]
            else:
                break
            if place is not None:
                file, written = place.file, (*place.path, *path[depth:])
        return file, line, written


def parse(
    text: str,
    file: Path,
    loader: Loader = LOADER,
    needed: tuple[str, ...] = ("slos", "slo_files"),
) -> Document:
    """Read the YAML of a configuration file; `file` is used in messages alone.

    `needed` are the keys that an empty file is missing.

    Raises:
        ConfigError: the text is not YAML, or not a mapping.
    """
    documents = parse_all(text, file, loader, needed)
    if not documents:
        message = f"is empty: {' or '.join(needed)} is needed"
        raise ConfigError([Mistake(file, 1, "", message)])
    if len(documents) > 1:
        message = "begins a second document: put everything into one"
        raise ConfigError([Mistake(file, documents[1].first_line, "", message)])
    return documents[0]


def parse_all(
    text: str,
    file: Path,
    loader: Loader = LOADER,
    needed: tuple[str, ...] = ("slos", "slo_files"),
) -> list[Document]:
    """Read every YAML document of a file that is not empty; `---` stands between them.

    Raises:
        ConfigError: the text is not YAML, or a document is not a mapping.
    """
    documents = []
    for root in _read(text, file, loader):
        if not isinstance(root.value, Mapping):
            message = f"must be a mapping of keys to values, such as {needed[0]}: ..."
            raise ConfigError([*root.mistakes, Mistake(file, root.line, "", message)])
        documents.append(Document(file, root.value, root.line, root.mistakes))
    return documents


def _read(text: str, file: Path, loader: Loader) -> list[Root]:
    bad = Reader.NON_PRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        message = f"is not valid YAML: the character U+{ord(bad[0]):04X} is not allowed"
        raise ConfigError([Mistake(file, line, "", message)])
    try:
        return values_of(text, file, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        # A mark at the end of the text stands behind its last line.
        line = min(mark.line, text.rstrip().count("\n")) + 1 if mark else 1
        problem = ", ".join(filter(None, (error.context, error.problem)))
        # A name may be a password without quotes: *secret is an alias to YAML, !secret a tag.
        problem = re.sub(r"(alias|anchor|handle) '[^']*'", r"\1", problem)
        shown = _shown(text, mark.line, mark.column) if mark else ""
        mistake = Mistake(file, line, "", f"is not valid YAML: {problem}", shown)
        raise ConfigError([mistake]) from error


_SECRET = re.compile(r"pass|secret|token|credential|auth|header|key", re.IGNORECASE)


MOST_SHOWN = 200
"""Characters of a line that is shown."""


def _shown(text: str, number: int, column: int) -> str:
    """A line (from 0) with a caret below it; empty if it is long, or may hold a secret."""
    lines = text.split("\n")
    if number >= len(lines) or len(lines[number]) > MOST_SHOWN:
        return ""
    indent, above = len(lines[number]) - len(lines[number].lstrip()) + 1, lines[number::-1]
    for line in above:
        own = len(line) - len(line.lstrip())
        if line.strip() and own < indent:
            indent = own
            if _SECRET.search(line):
                return ""
    return f"{lines[number]}\n{' ' * column}^"
