"""Values of YAML that know the lines they are written on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

KeyPath = tuple[str | int, ...]
"""The way to a value from the top of a document: keys of mappings and indices of lists."""


class Place(NamedTuple):
    """Where a value was written."""

    file: Path
    path: KeyPath


class Mapping(dict[str, object]):
    """A YAML mapping and the line of each of its keys.

    `places` tells, for a mapping that was translated from another format, where each value was
    written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}
        self.places: dict[str, Place] = {}

    def put(self, key: str, value: object, line: int, place: Place) -> None:
        """Set a value that comes from elsewhere."""
        self[key] = value
        self.lines[key] = line
        self.places[key] = place


class Sequence(list[object]):
    """A YAML list and the line of each of its items; `places` as in a `Mapping`."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []
        self.places: dict[int, Place] = {}

    def add(self, value: object, line: int, place: Place) -> None:
        """Append an item that comes from elsewhere."""
        self.places[len(self)] = place
        self.append(value)
        self.lines.append(line)
