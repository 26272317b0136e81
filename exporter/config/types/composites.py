"""Composites across the files: parts that are not there, that make a circle, or do not fit.

Checks what is written, as `exporter.config.types.names` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.config.errors import Mistake, quoted
from exporter.config.reading.source import Document
from exporter.config.types.names import entries, known_names
from exporter.marked import KeyPath, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class _Written:
    """An SLO as it is written: the names of its groups' labels, and of its parts."""

    document: Document
    index: int
    groups: frozenset[str]
    parts: tuple[tuple[int, str], ...]

    def mistake(self, place: int, message: str) -> Mistake:
        path: KeyPath = ("slos", self.index, "composite", "of", place, "slo")
        return self.document.mistake(path, message)


def wrong_parts(documents: list[Document], *, all_read: bool) -> Iterator[Mistake]:
    """Parts of composites that no file has, circles, and parts whose groups do not fit.

    Unless all files have been read, a part may be in one of the others.
    """
    slos = dict(_written(documents))
    for name, slo in slos.items():
        for place, part in slo.parts:
            if part not in slos:
                if all_read:
                    words = f"{quoted(part)} is not an SLO of any file, "
                    yield slo.mistake(place, words + known_names(part, list(slos)))
                continue
            circle = _way(slos, part, name)
            if circle:
                words = " -> ".join([name, *circle])
                yield slo.mistake(place, f"makes a circle: {words}")
            elif slos[part].groups not in (frozenset(), slo.groups):
                labels = ", ".join(sorted(slos[part].groups))
                words = f"has group_by: [{labels}]; the composite needs the same, "
                yield slo.mistake(place, words + _shown(slo.groups))
        if (
            slo.groups
            and slo.parts
            and not any(slos[part].groups for _, part in slo.parts if part in slos)
        ):
            message = "needs a part with the same group_by: none has any"
            yield slo.document.mistake(("slos", slo.index, "group_by"), message)


def _shown(groups: frozenset[str]) -> str:
    return f"not [{', '.join(sorted(groups))}]" if groups else "it has none"


def _way(slos: dict[str, _Written], start: str, goal: str) -> list[str]:
    """The shortest way from an SLO by its parts to another one; empty if there is none."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == goal:
            return way
        for _, part in slos[way[-1]].parts:
            if part in slos and part not in seen:
                seen.add(part)
                ways.append([*way, part])
    return []


def _written(documents: list[Document]) -> Iterator[tuple[str, _Written]]:
    for document in documents:
        for index, slo in entries(document, "slos"):
            service, name = slo.get("service"), slo.get("name")
            if isinstance(service, str) and isinstance(name, str):
                groups = frozenset(_groups(slo.get("group_by")))
                parts = tuple(_parts(slo.get("composite")))
                yield f"{service}/{name}", _Written(document, index, groups, parts)


def _groups(written: object) -> Iterator[str]:
    for label in written if isinstance(written, Sequence) else ():
        shown = label.get("as", label.get("label")) if isinstance(label, Mapping) else label
        if isinstance(shown, str):
            yield shown


def _parts(composite: object) -> Iterator[tuple[int, str]]:
    of = composite.get("of") if isinstance(composite, Mapping) else None
    for place, part in enumerate(of if isinstance(of, Sequence) else ()):
        name = part.get("slo") if isinstance(part, Mapping) else None
        if isinstance(name, str):
            yield place, name
