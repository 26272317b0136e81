"""docs/reliability.md is held against the tests: it promises what they show, and all of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.helpers.faults.faults import FAULTS
from tests.helpers.paths import ROOT

SERVER = Path(__file__).parents[1]
MODULES = {
    path.name: path
    for each in ("faults", "query_layers")
    for path in (SERVER / each).glob("test_*.py")
}
UNIT = {path.name: path for path in (ROOT / "tests/unit").rglob("test_*.py")}
"""What needs no server to be shown."""

TEXT = (ROOT / "docs/reliability.md").read_text()
COLUMNS = ["fault", "what happens", "what is lost", "shown by"]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


BLOCKS = [re.findall(r"^\|.*\|$", block, re.MULTILINE) for block in TEXT.split("\n\n")]
TABLES = [[_cells(line) for line in block] for block in BLOCKS if block]


def table() -> list[list[str]]:
    """The cells of every row of every table of faults."""
    return [row for head, _, *rows in TABLES if head == COLUMNS for row in rows]


ROWS = table()
SHOWN_BY = [name for row in ROWS for name in re.findall(r"`([^`]+)`", row[-1])]


def defined(module: Path) -> set[str]:
    """The tests of a module, as pytest names them."""
    found = set()
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{each.name}" for each in node.body if hasattr(each, "name")}
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return {name for name in found if name.split("::")[-1].startswith("test_")}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_says_what_happens_and_what_is_lost_and_names_a_test(row):
    """A promise without a test is none."""
    assert len(row) == len(COLUMNS)
    assert all(row)
    assert re.fullmatch(r"`[^`]+`(, `[^`]+`)*", row[-1])


@pytest.mark.parametrize("name", SHOWN_BY)
def test_every_test_that_is_named_exists(name):
    """By its module and name, or by its module and its fault."""
    module, test, fault = re.fullmatch(r"(test_\w+\.py)(?:::([\w:]+))?(?:\[(.+)\])?", name).groups()
    assert test is None or test in defined((UNIT | MODULES)[module])
    assert fault is None or (module, fault) in {("test_faults.py", each.name) for each in FAULTS}
    assert test or fault


def test_every_fault_has_a_row():
    """What is tested is told."""
    assert {f"test_faults.py[{fault.name}]" for fault in FAULTS} <= set(SHOWN_BY)


def test_every_module_of_faults_has_a_row():
    """No kind of fault is tested that the document does not know."""
    named = {re.split(r"::|\[", name)[0] for name in SHOWN_BY}
    assert MODULES.keys() - {Path(__file__).name} == named - UNIT.keys()
