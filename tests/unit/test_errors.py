"""One tree of errors: every exception of the package is in it, and in its drawing."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import exporter
from exporter import errors
from exporter.errors import ExporterError

NAME = re.compile(r"^(?P<stem>[│├└─ ]*)(?P<name>\w+Error)\b")


def defined() -> dict[str, type[BaseException]]:
    """Every exception class that a module of the package defines, by its name."""
    found: dict[str, type[BaseException]] = {}
    for module in pkgutil.walk_packages(exporter.__path__, "exporter."):
        if module.name == "exporter.__main__":
            continue
        loaded = importlib.import_module(module.name)
        for name, getmember in inspect.getmembers(loaded, inspect.isclass):
            if issubclass(getmember, BaseException) and getmember.__module__ == module.name:
                assert name not in found, f"{name} is defined twice"
                found[name] = getmember
    return found


def drawn() -> dict[str, str | None]:
    """The drawing: each class, and the one above it."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = NAME.match(line)
        if match:
            depth = len(match["stem"]) // 4
            del above[depth:]
            assert len(above) == depth, line
            parents[match["name"]] = above[-1] if above else None
            above.append(match["name"])
    return parents


def test_every_exception_is_in_the_tree():
    """So that whoever catches the root catches all that is raised on purpose."""
    outside = {name for name, item in defined().items() if not issubclass(item, ExporterError)}
    assert outside == set()


def test_the_drawing_is_the_tree():
    """No class is left out, and each hangs where it belongs."""
    tree = {
        name: None if item is ExporterError else item.__bases__[0].__name__
        for name, item in defined().items()
    }
    assert drawn() == tree


def test_the_drawing_is_in_order():
    """By name below each, so that one finds a class."""
    below: dict[str | None, list[str]] = {}
    for name, parent in drawn().items():
        below.setdefault(parent, []).append(name)
    branches = ["ConfigurationError", "DatasourceError", "StoreError", "RequestError"]
    assert below.pop("ExporterError")[:4] == branches
    assert all(names == sorted(names) for names in below.values())
