"""Grafana's schema of dashboards, as its own library has it: the types of every field."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def mistakes(content: dict[str, Any]) -> list[str]:
    """Where a dashboard is not as the schema has it: path, value and what it should be."""
    register_default_plugins()
    return list(_of_object(Dashboard.from_json(content), "dashboard"))


def _of_object(value: object, path: str) -> Iterator[str]:
    hints = typing.get_type_hints(type(value).__init__)
    for name, found in vars(value).items():
        if name in hints:
            yield from _of(found, hints[name], f"{path}.{name}")


def _of(value: object, hint: Any, path: str) -> Iterator[str]:
    kind = typing.get_origin(hint) or hint
    if kind in (typing.Union, types.UnionType):
        ways = [way for way in typing.get_args(hint) if way is not types.NoneType]
        if value is not None or len(ways) == len(typing.get_args(hint)):
            yield from min((list(_of(value, way, path)) for way in ways), key=len)
    elif kind is typing.Literal:
        if value not in typing.get_args(hint):
            yield f"{path}: {value!r} is none of {typing.get_args(hint)}"
    elif kind is list:
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for number, each in enumerate(value):
            yield from _of(each, typing.get_args(hint)[0], f"{path}[{number}]")
    elif kind is dict:
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no object"
            return
        for key, each in value.items():
            yield from _of(each, typing.get_args(hint)[1], f"{path}.{key}")
    elif kind is not object and kind is not Any:
        yield from _of_scalar(value, kind, path)
    elif hasattr(value, "to_json"):
        yield from _of_object(value, path)  # a panel's options, which its kind knows


def _of_scalar(value: object, kind: type, path: str) -> Iterator[str]:
    if issubclass(kind, enum.Enum):
        if value not in [each.value for each in kind]:
            yield f"{path}: {value!r} is no {kind.__name__}"
        return
    if isinstance(value, dict) and hasattr(kind, "from_json"):
        value = kind.from_json(value)  # the library leaves some objects as they are
    numbers = (int, float) if kind is float else kind
    if not isinstance(value, numbers) or (isinstance(value, bool) and kind is not bool):
        yield f"{path}: {value!r} is no {kind.__name__}"
    elif hasattr(value, "to_json"):
        yield from _of_object(value, path)
