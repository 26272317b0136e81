"""The configuration as text that may be shown: as it is written, without secrets and comments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast, get_args, get_origin
from urllib.parse import urlsplit

import yaml

from exporter.config.errors import quoted
from exporter.config.models import MainFile, SloFile
from exporter.config.reading.source import LOADER, FileText
from exporter.config.reading.values import MERGE_TAG, NULL_TAG, TEXT_TAG
from exporter.config.types.fields import Secret
from exporter.config.types.section import Section

MASK = "<secret>"
"""What stands in place of a secret, as in Prometheus's own /config."""

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_UNFOLDED = 1_000_000
"""A width that no line reaches: PromQL stays on its line."""


def masked(files: Iterable[tuple[Path, FileText]]) -> str:
    """Files, the main one first, as one text of a YAML document each.

    The texts must have been found right. What is secret is told by the models: see `Secret`.
    Comments are left out, as a secret may stand in one.
    """
    texts: list[str] = []
    for path, given in files:
        text = given if isinstance(given, str) else given()
        root = cast(yaml.Node, yaml.compose(text, LOADER))
        _Masking().mask(root, SloFile if texts else MainFile)
        dumped = yaml.serialize(root, Dumper=_DUMPER, allow_unicode=True, width=_UNFOLDED)
        name = str(path) if str(path).isprintable() else quoted(str(path))
        texts.append(f"# {name}\n{dumped}")
    return "---\n".join(texts)


class _Masking:
    """Masks what is secret in one document.

    A node is gone through once per type, however many aliases and merge keys lead to it: nine
    mappings that each merge the one before ten times would be a billion otherwise.
    """

    def __init__(self) -> None:
        self._done: set[tuple[int, int]] = set()

    def mask(self, node: yaml.Node, kind: Any) -> None:  # noqa: ANN401  (types have no common type)
        """Mask what is secret in a value of a type."""
        if isinstance(node, yaml.CollectionNode):
            step = id(node), id(kind)
            if step in self._done:
                return
            self._done.add(step)
        origin, parts = get_origin(kind), get_args(kind)
        if origin is Annotated:
            secret = next((part for part in parts if isinstance(part, Secret)), None)
            if secret is None:
                self.mask(node, parts[0])
            else:
                _hide(node, secret)
        elif isinstance(kind, type) and issubclass(kind, Section):
            of = _fields(kind)
            self._entries(node, kind, of.get)
        elif origin is dict:
            self._entries(node, kind, lambda _: parts[1])
        elif origin is list and isinstance(node, yaml.SequenceNode):
            for item in node.value:
                self.mask(item, parts[0])
        else:
            for part in parts:  # alternatives
                self.mask(node, part)

    def _entries(self, node: yaml.Node, kind: Any, kind_of: Callable[[str], Any]) -> None:  # noqa: ANN401  (as above)
        """Mask the values of a mapping, those that it takes over by `<<` included."""
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.tag != MERGE_TAG:
                of_value = kind_of(key.value)
                if of_value is not None:
                    self.mask(value, of_value)
            else:
                for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    self.mask(merged, kind)


@cache
def _fields(kind: type[Section]) -> dict[str, Any]:
    """The types of a section's values, each the same object at every call."""
    # A type that is Annotated itself comes apart in pydantic's hands.
    return {
        key: Annotated[field.annotation, None, *field.metadata]
        for key, field in kind.model_fields.items()
    }


def _hide(node: yaml.Node, secret: Secret) -> None:
    if node.tag == NULL_TAG:  # nothing is there
        return
    if secret.whole:
        node.tag, node.value, node.style = TEXT_TAG, MASK, None  # type: ignore[attr-defined]
        return
    user, at, _ = urlsplit(node.value).netloc.rpartition("@")
    if at:
        node.value = node.value.replace(f"{user}@", f"{MASK}@", 1)
