"""The documents of configuration files: our own, and other tools' specs as our own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from exporter.config.errors import ConfigError, Mistake, key_text
from exporter.config.reading.source import Document, FileText, parse_all
from exporter.config.reading.values import MOST_VALUES
from exporter.marked import Mapping, Place, Sequence
from exporter.specs.node import Remark
from exporter.specs.options import Options
from exporter.specs.recognition import Found, recognise
from exporter.specs.translation import translate
from exporter.specs.writing import slos_text


@dataclass(frozen=True, slots=True)
class Part:
    """One YAML document of a file; `found` are the objects of one that is not our own."""

    document: Document
    text: str
    found: list[Found] | None

    @property
    def file(self) -> Path:
        """The file that it stands in."""
        return self.document.file


@dataclass(slots=True)
class Taken:
    """Documents in our own format, with a text each, and what was said of other tools' specs.

    The text of a translation is written when somebody asks for it.
    """

    documents: list[tuple[Document, FileText]] = field(default_factory=list)
    notices: list[Mistake] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def parts_of(text: str, file: Path) -> list[Part]:
    """Take a file apart into its documents.

    Raises:
        ConfigError: it is not YAML, or too much.
    """
    documents = parse_all(text, file)
    for document in documents:
        if _size(document.values, {}) > MOST_VALUES:
            message = f"has more than {MOST_VALUES:,} values, counted wherever aliases repeat them"
            raise ConfigError([Mistake(file, document.first_line, "", message)])
    if len(documents) <= 1:
        texts = [text] * len(documents)
    else:
        lines = text.splitlines(keepends=True)
        starts = [document.first_line - 1 for document in documents]
        ends = [*starts[1:], len(lines)]
        texts = [
            "".join(line for line in lines[start:end] if line.rstrip() not in {"---", "..."})
            for start, end in zip(starts, ends, strict=True)
        ]
    return [
        Part(document, own, recognise(document.values, file, document.first_line))
        for document, own in zip(documents, texts, strict=True)
    ]


def _size(value: object, known: dict[int, int]) -> int:
    """How many values there are in one, itself included; `known` are those of collections."""
    if not isinstance(value, Mapping | Sequence):
        return 1
    if id(value) not in known:
        inner = value.values() if isinstance(value, Mapping) else value
        known[id(value)] = 1 + sum(_size(each, known) for each in inner)
    return known[id(value)]


def take(parts: Iterable[Part], options: Options) -> Taken:
    """The parts as our own documents, in their order; specs are translated together."""
    taken = Taken()
    parts = list(parts)
    foreign = [part.found for part in parts if part.found is not None]
    translations = iter(translate(foreign, options))
    said = set()
    for part in parts:
        if part.found is None:
            taken.documents.append((part.document, part.text))
            continue
        translation = next(translations)
        if any(found.tool for found in part.found):  # what is passed over may be written anyhow
            taken.mistakes += part.document.mistakes
        for remark in sorted(translation.remarks, key=_line):
            node = remark.node
            place = node.place
            told = Mistake(place.file, node.line, key_text(place.path), remark.message)
            # Labels of a service concern each of its SLOs, but are one place.
            what = (place.file, remark.message, None if remark.once else node.line)
            if what not in said:
                said.add(what)
                (taken.mistakes if remark.is_mistake else taken.notices).append(told)
        if translation.slos:
            values = Mapping()
            values.put("slos", translation.slos, part.document.first_line, Place(part.file, ()))
            document = Document(part.file, values, part.document.first_line)
            taken.documents.append((document, partial(slos_text, translation.slos)))
    return taken


def _line(remark: Remark) -> int:
    return remark.node.line
