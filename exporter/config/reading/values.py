"""Values from the events of a YAML parser, in one pass, which collects mistakes on the way.

Nodes would have to be made of all events first, and a thousand SLOs have twenty thousand of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError

from exporter.config.errors import ConfigError, Mistake, key_text, quoted
from exporter.marked import KeyPath, Mapping, Sequence

Loader = type[yaml.SafeLoader] | type[yaml.CSafeLoader]

MOST_VALUES = 2_000_000
"""Values of one document, counted as often as aliases and merge keys lead to them."""

MAX_DEPTH = 32
"""Nesting allowed; the format needs six. Values are read recursively."""

_TAG = "tag:yaml.org,2002:"
TEXT_TAG = _TAG + "str"
NULL_TAG = _TAG + "null"
MERGE_TAG = _TAG + "merge"
_TEXT_TAGS = {_TAG + kind for kind in ("str", "int", "float", "bool", "timestamp", "value")}
_NOT_TEXT = frozenset(("", "~", "null", "Null", "NULL", "<<"))
"""What is something else than text where it stands without quotes and without a tag."""

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Root:
    """The value of a document: where it begins, and what is wrong in it."""

    value: object
    line: int
    mistakes: list[Mistake]


@dataclass(slots=True)
class _Anchored:
    """What an alias stands for, once it is read to its end; `tag` is that of a scalar."""

    line: int
    mark: Any
    value: object = None
    tag: str = ""
    open: bool = True


def values_of(text: str, file: Path, loader: Loader) -> list[Root]:
    """The value of each document of a text that is not empty.

    Raises:
        ConfigError: it is nested too deep.
        yaml.MarkedYAMLError: it is not YAML.
    """
    parser = loader(text)
    try:
        return _Values(file, parser).documents()
    finally:
        parser.dispose()


def _line(event: yaml.Event) -> int:
    # The stubs allow for events made by hand; what was parsed has a mark.
    line: int = event.start_mark.line  # type: ignore[union-attr]
    return line + 1


class _Values:
    """Reads values from a parser's events.

    What is anchored is read once however many aliases lead to it, so aliases cannot make a small
    file grow.
    """

    def __init__(self, file: Path, parser: Any) -> None:  # noqa: ANN401  (PyYAML's have no type)
        self._file = file
        self._next: Callable[[], Any] = parser.get_event
        self._resolve: Callable[..., str] = parser.resolve
        self._mistakes: list[Mistake] = []
        self._anchors: dict[str, _Anchored] = {}
        self._depth = 0
        self._merged = 0

    def documents(self) -> list[Root]:
        found = []
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            if not isinstance(event, yaml.DocumentStartEvent):
                continue  # the beginning of the stream
            self._mistakes, self._anchors = [], {}
            first = self._next()
            tag = self._tag(first) if isinstance(first, yaml.ScalarEvent) else ""
            value = self._value(first, ())
            if tag != NULL_TAG:
                found.append(Root(value, _line(first), self._mistakes))
            self._next()  # the end of the document
        return found

    def _value(self, event: Any, path: KeyPath) -> object:  # noqa: ANN401  (PyYAML's have no type)
        kind = type(event)
        if kind is yaml.AliasEvent:
            anchored = self._anchored(event)
            if anchored.open:
                self._wrong(anchored.line, path, "must not contain itself")
            return anchored.value
        if event.anchor is None:
            return self._fresh(kind, event, path)
        if event.anchor in self._anchors:
            first = self._anchors[event.anchor].mark
            message = "found duplicate anchor; first occurrence"
            raise ComposerError(message, first, "second occurrence", event.start_mark)
        anchored = _Anchored(_line(event), event.start_mark)
        self._anchors[event.anchor] = anchored
        if kind is yaml.ScalarEvent:
            anchored.tag = self._tag(event)
        anchored.value = self._fresh(kind, event, path)
        anchored.open = False
        return anchored.value

    def _anchored(self, alias: Any) -> _Anchored:  # noqa: ANN401  (PyYAML's have no type)
        if alias.anchor not in self._anchors:
            raise ComposerError(None, None, "found undefined alias", alias.start_mark)
        return self._anchors[alias.anchor]

    def _fresh(self, kind: type[yaml.Event], event: Any, path: KeyPath) -> object:  # noqa: ANN401  (PyYAML's have no type)
        if kind is yaml.ScalarEvent:
            tag = self._tag(event)
            if tag in _TEXT_TAGS:
                return self._text(event.value, event, path)
            if tag != NULL_TAG:
                self._wrong_tag(tag, event, path)
            return None
        own = "map" if kind is yaml.MappingStartEvent else "seq"
        if event.tag not in (None, "!", _TAG + own):
            told, self._mistakes = self._mistakes, []  # what is wrong in it is not told
            self._collection(kind, event, path)
            self._mistakes = told
            self._wrong_tag(event.tag, event, path)
            return None
        return self._collection(kind, event, path)

    def _collection(
        self, kind: type[yaml.Event], event: yaml.Event, path: KeyPath
    ) -> Mapping | Sequence:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"is nested more than {MAX_DEPTH} levels deep"
            raise ConfigError([Mistake(self._file, _line(event), "", message)])
        is_mapping = kind is yaml.MappingStartEvent
        value = self._mapping(path) if is_mapping else self._sequence(path)
        self._depth -= 1
        return value

    def _tag(self, event: yaml.ScalarEvent) -> str:
        tag: str | None = event.tag
        if tag is not None and tag != "!":
            return tag
        if event.value in _NOT_TEXT:
            return self._resolve(yaml.ScalarNode, event.value, event.implicit)
        return TEXT_TAG

    def _text(self, text: str, event: yaml.Event, path: KeyPath) -> str:
        if not text.isascii() and _SURROGATE.search(text):
            self._wrong(_line(event), path, "has half a surrogate pair, which is not a character")
            return ""
        return text

    def _sequence(self, path: KeyPath) -> Sequence:
        sequence = Sequence()
        lines = sequence.lines
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            line = _line(event)
            if type(event) is yaml.AliasEvent:
                line = self._anchored(event).line
            sequence.append(self._value(event, (*path, len(sequence))))
            lines.append(line)
        return sequence

    def _mapping(self, path: KeyPath) -> Mapping:
        mapping = Mapping()
        lines = mapping.lines
        merged: tuple[int, object] | None = None
        while type(event := self._next()) is not yaml.MappingEndEvent:
            read = self._key(event, path)
            if read is None:
                self._wrong(
                    _line(event), path, "has a list or a mapping as a key: keys must be text"
                )
                self._pass_over(path)
                continue
            key, tag, line = read
            if key in lines:
                self._wrong(line, (*path, key), f"is given twice, first on line {lines[key]}")
                self._pass_over(path)
                continue
            lines[key] = line
            following = self._next()
            value = self._value(following, (*path, key))
            if tag == MERGE_TAG:
                merged = _line(following), value
            else:
                mapping[key] = value
        if merged is not None:
            self._merge(mapping, *merged, path)
        return mapping

    def _key(self, event: Any, path: KeyPath) -> tuple[str, str, int] | None:  # noqa: ANN401  (PyYAML's have no type)
        """The text of a key, its tag and its line; None if it is not a scalar."""
        if type(event) is yaml.ScalarEvent:
            tag = self._tag(event)
            if event.anchor is not None:
                self._value(event, path)
            return self._text(event.value, event, path), tag, _line(event)
        if type(event) is yaml.AliasEvent:
            anchored = self._anchored(event)
            if anchored.tag:
                text = anchored.value if isinstance(anchored.value, str) else ""
                return text, anchored.tag, anchored.line
            return None
        self._unheard(event, path)
        return None

    def _pass_over(self, path: KeyPath) -> None:
        self._unheard(self._next(), path)

    def _unheard(self, event: Any, path: KeyPath) -> None:  # noqa: ANN401  (PyYAML's have no type)
        """Read a value that has no place: what is wrong in it is not told."""
        told, self._mistakes = self._mistakes, []
        self._value(event, path)
        self._mistakes = told

    def _merge(self, mapping: Mapping, line: int, value: object, path: KeyPath) -> None:
        """Take over the keys of `<<` that the mapping does not have itself."""
        for source in value if isinstance(value, Sequence) else [value]:
            if not isinstance(source, Mapping):
                self._wrong(line, (*path, "<<"), "must be a mapping or a list of mappings")
                continue
            self._merged += len(source)
            if self._merged > MOST_VALUES:
                message = f"takes over more than {MOST_VALUES:,} keys by <<"
                raise ConfigError([Mistake(self._file, line, key_text(path), message)])
            for key, inherited in source.items():
                if key not in mapping:
                    mapping[key] = inherited
                    mapping.lines[key] = source.lines[key]

    def _wrong_tag(self, tag: str, event: yaml.Event, path: KeyPath) -> None:
        if tag.startswith(_TAG):
            shown = quoted(tag.replace(_TAG, "!!"))
            message = f"has the YAML tag {shown}, which is not used here: remove it"
        else:  # perhaps a password, which must not be shown
            message = "has a YAML tag: put text that begins with ! in quotes"
        self._wrong(_line(event), path, message)

    def _wrong(self, line: int, path: KeyPath, message: str) -> None:
        self._mistakes.append(Mistake(self._file, line, key_text(path), message))
