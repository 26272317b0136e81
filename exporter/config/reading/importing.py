"""Other tools' specs, written as files of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.config.errors import ConfigError, Mistake, key_text
from exporter.config.reading.documents import parts_of, take
from exporter.config.reading.files import read_text
from exporter.config.reading.loading import checked
from exporter.config.reading.source import Document
from exporter.specs.options import Options
from exporter.specs.writing import slos_text


@dataclass(frozen=True, slots=True)
class Imported:
    """A file for `slo_files` (or `--config.file`), how many SLOs it has, and what is to be said."""

    text: str
    slos: int
    notices: tuple[str, ...]


def import_specs(files: Sequence[Path], sloth_period: str | None) -> Imported:
    """Translate specs, which may refer to one another, into one file of ours.

    Raises:
        ConfigError: with every mistake of all files.
    """
    mistakes: list[Mistake] = []
    parts = []
    for file in files:
        try:
            found = parts_of(read_text(file), file)
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        for part in found:
            if part.found is None:
                message = "is no spec of Sloth, Pyrra or OpenSLO"
                mistakes.append(Mistake(file, part.document.first_line, "", message))
        parts += [part for part in found if part.found is not None]
    taken = take(parts, Options(sloth_period))
    documents = [document for document, _ in taken.documents]
    mistakes += [*taken.mistakes, *checked(documents)]
    if not documents and not mistakes:
        mistakes.append(Mistake(files[0], None, "", "holds no SLO"))
    if mistakes:
        order = {file: place for place, file in enumerate(files)}
        raise ConfigError(
            sorted(mistakes, key=lambda mistake: (order[mistake.file], mistake.line or 0))
        )
    slos = [slo for document in documents for slo in _slos(document)]
    places = [place for document in documents for place in _places(document)]
    head = "".join(f"# {file}\n" for file in files)
    text = slos_text(slos, lambda index: [places[index]])
    notices = tuple(map(str, taken.notices))
    return Imported(f"# Imported from:\n{head}\n{text}", len(slos), notices)


def _slos(document: Document) -> Sequence[object]:
    slos = document.values["slos"]
    return slos if isinstance(slos, Sequence) else ()


def _places(document: Document) -> Iterator[str]:
    for index in range(len(_slos(document))):
        mistake = document.mistake(("slos", index), "")
        where = f"{mistake.file}:{mistake.line}"
        yield f"{where}: {mistake.key}" if mistake.key != key_text(("slos", index)) else where
