"""All field cases by name: the functions that the files `cases_*.py` list."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.field.case import FieldCase

FILES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))


def _cases() -> dict[str, FieldCase]:
    found: dict[str, FieldCase] = {}
    for file in FILES:
        for make in import_module(f"tests.field.{file}").CASES:
            assert make.__name__ not in found, f"two cases are called {make.__name__}"
            found[make.__name__] = make()
    return found


CASES = _cases()
