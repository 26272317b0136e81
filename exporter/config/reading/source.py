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

from exporter.config.errors import ConfigError, Mistake, key_text, quoted
from exporter.marked import KeyPath, Mapping, Place, Sequence

MAX_DEPTH = 32
"""Nesting allowed; the format needs six. libyaml's composer overflows the C stack without one."""

Loader = type[yaml.SafeLoader] | type[yaml.CSafeLoader]
LOADER: Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader is eight times as fast; PyYAML built without libyaml has its own alone."""

FileText = str | Callable[[], str]
"""A file's text, or what writes it when it is asked for."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"
TEXT_TAG = _TAG + "str"
NULL_TAG = _TAG + "null"
MERGE_TAG = _TAG + "merge"
_TEXT_TAGS = {_TAG + kind for kind in ("str", "int", "float", "bool", "timestamp", "value")}


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
    for root in _compose(text, file, loader):
        if root.tag == NULL_TAG:
            continue
        line = _line(root)
        reader = _NodeReader(file)
        values = reader.value(root, ())
        if not isinstance(values, Mapping):
            message = f"must be a mapping of keys to values, such as {needed[0]}: ..."
            raise ConfigError([*reader.mistakes, Mistake(file, line, "", message)])
        documents.append(Document(file, values, line, reader.mistakes))
    return documents


def _compose(text: str, file: Path, loader: Loader) -> list[yaml.Node]:
    bad = Reader.NON_PRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        message = f"is not valid YAML: the character U+{ord(bad[0]):04X} is not allowed"
        raise ConfigError([Mistake(file, line, "", message)])
    try:
        depth = 0
        for event in yaml.parse(text, loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                message = f"is nested more than {MAX_DEPTH} levels deep"
                raise ConfigError([Mistake(file, _line(event), "", message)])
        return list(yaml.compose_all(text, loader))
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


def _shown(text: str, number: int, column: int) -> str:
    """A line (from 0) with a caret below it; empty if what it holds may be secret."""
    lines = text.split("\n")
    if number >= len(lines):
        return ""
    indent, above = len(lines[number]) - len(lines[number].lstrip()) + 1, lines[number::-1]
    for line in above:
        own = len(line) - len(line.lstrip())
        if line.strip() and own < indent:
            indent = own
            if _SECRET.search(line):
                return ""
    return f"{lines[number]}\n{' ' * column}^"


def _line(marked: yaml.Node | yaml.Event) -> int:
    # The stubs allow for nodes made by hand; what was parsed has a mark.
    line: int = marked.start_mark.line  # type: ignore[union-attr]
    return line + 1


class _NodeReader:
    """Nodes of YAML into values, collecting mistakes on the way.

    A node is read once however many aliases lead to it, so aliases cannot make a small file
    grow.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self._read: dict[int, object] = {}
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        if id(node) in self._open:
            self._wrong(node, path, "must not contain itself")
            return None
        if id(node) not in self._read:
            self._open.add(id(node))
            self._read[id(node)] = self._fresh(node, path)
            self._open.discard(id(node))
        return self._read[id(node)]

    def _fresh(self, node: yaml.Node, path: KeyPath) -> object:
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return self._sequence(node, path)
        if isinstance(node, yaml.ScalarNode):
            if node.tag == NULL_TAG:
                return None
            if node.tag in _TEXT_TAGS:
                return self._text(node, path)
        if node.tag.startswith(_TAG):
            tag = quoted(node.tag.replace(_TAG, "!!"))
            self._wrong(node, path, f"has the YAML tag {tag}, which is not used here: remove it")
        else:  # perhaps a password, which must not be shown
            self._wrong(node, path, "has a YAML tag: put text that begins with ! in quotes")
        return None

    def _text(self, node: yaml.ScalarNode, path: KeyPath) -> str:
        text: str = node.value
        if _SURROGATE.search(text):
            self._wrong(node, path, "has half a surrogate pair, which is not a character")
            return ""
        return text

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath) -> Sequence:
        sequence = Sequence()
        for index, item in enumerate(node.value):
            sequence.append(self.value(item, (*path, index)))
            sequence.lines.append(_line(item))
        return sequence

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> Mapping:
        mapping = Mapping()
        merged: yaml.Node | None = None
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(key_node, path, "has a list or a mapping as a key: keys must be text")
                continue
            key = self._text(key_node, path)
            if key in mapping.lines:
                message = f"is given twice, first on line {mapping.lines[key]}"
                self._wrong(key_node, (*path, key), message)
                continue
            mapping.lines[key] = _line(key_node)
            if key_node.tag == MERGE_TAG:
                merged = value_node
            else:
                mapping[key] = self.value(value_node, (*path, key))
        if merged is not None:
            self._merge(mapping, merged, path)
        return mapping

    def _merge(self, mapping: Mapping, node: yaml.Node, path: KeyPath) -> None:
        """Take over the keys of `<<` that the mapping does not have itself."""
        value = self.value(node, (*path, "<<"))
        for source in value if isinstance(value, Sequence) else [value]:
            if not isinstance(source, Mapping):
                self._wrong(node, (*path, "<<"), "must be a mapping or a list of mappings")
                continue
            for key, inherited in source.items():
                if key not in mapping:
                    mapping[key] = inherited
                    mapping.lines[key] = source.lines[key]

    def _wrong(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.mistakes.append(Mistake(self.file, _line(node), key_text(path), message))
