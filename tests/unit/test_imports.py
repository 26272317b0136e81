"""The directions of the imports: a pure core, adapters at its edge, one place that wires them."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import exporter

ROOT = Path(exporter.__file__).parent

WIRING = {"__main__", "cli", "commands", "daemon"}
"""What starts, wires and stops; nobody below imports it."""

EVERYWHERE = "errors"
"""What every package may import: the root and the branches of the tree of errors."""

ALLOWED: dict[str, dict[str, str]] = {
    EVERYWHERE: {},
    "marked": {},
    "version": {},
    "slo": {},
    "ledger": {"slo": "sums over windows are what it gives to the evaluation"},
    "store": {
        "slo": "the tiers, incidents and overrides that it keeps",
        "ledger": "the slots that it keeps",
    },
    "prometheus": {
        "slo": "an SLI is turned into PromQL; durations are written as PromQL does",
        "version": "who asks",
    },
    "collection": {
        "slo": "what is counted",
        "ledger": "which slots are missing",
        "prometheus": "whom it asks",
    },
    "state": {
        "slo": "the SLOs, their tiers and overrides",
        "ledger": "the slots of all of them",
        "store": "what is read from disk, and written to it",
        "collection": "the counts that it takes up",
    },
    "evaluation": {
        "slo": "the evaluation of one SLO",
        "ledger": "sums over windows",
        "state": "what it evaluates",
    },
    "review": {
        "slo": "what it looks at, and what it finds",
        "prometheus": "whom it asks",
    },
    "exposition": {
        "slo": "the snapshot that it writes as metrics",
        "version": "a metric tells it",
    },
    "experiment": {"slo": "the SLOs that it is judged by"},
    "reports": {
        "slo": "the snapshot, the events and the records that they tell of",
        "experiment": "what an experiment came to",
    },
    "web": {
        "slo": "the snapshot that the page shows",
        "exposition": "the metrics that it serves",
        "reports": "the reports that it serves",
        "experiment": "what the charts of an experiment show",
    },
    "specs": {
        "marked": "specs and what becomes of them know their lines",
        "slo": "the labels that our own metrics have",
        "prometheus": "what a query of theirs counts",
    },
    "config": {
        "marked": "what files hold",
        "specs": "other tools' specs stand among our own files",
        "slo": "what a file describes",
        "prometheus": "its settings, and selectors, which are checked as they are read",
        "collection.settings": "its settings",
        "ledger.levels": "time slices must fit the ledger's slots",
        "store.settings": "where the store is",
        "reports.templates": "a team's own templates, which are checked as they are read",
        "web.server": "its settings",
        "exposition.selection": "which series there are to be selected",
        "experiment": "what a file of an experiment describes",
    },
    "suggest": {
        "slo": "what is suggested",
        "prometheus": "whom it asks",
        "specs.writing": "suggestions are written as our configuration",
    },
    "rules": {},
    "demo": {},
}
"""Package -> what of the exporter it may import besides itself, and why."""

THIRD_PARTIES: dict[str, dict[str, str]] = {
    "numpy": {
        "slo": "sums of all SLOs at once",
        "ledger": "the slots",
        "exposition": "columns of figures",
        "store": "slots as bytes",
        "prometheus": "the values of an answer, slot by slot",
        "collection": "slots on their way into the ledger",
        "state": "slots on their way into the ledger",
        "evaluation": "figures of many SLOs at once",
        "experiment": "the slots of an SLO at once",
        "demo": "30 days of history, made in one go",
    },
    "httpx": {
        "prometheus": "asks Prometheus",
        "commands": "the command line asks a daemon: no part of the daemon itself",
        "web": "leads requests to another shard",
    },
    "orjson": {
        "prometheus": "reads its answers",
        "web": "writes the API's",
        "exposition": "writes columns of numbers",
    },
    "isal": {
        "exposition": "compresses the metrics page",
        "store": "packs and unpacks slots, in zlib's format",
    },
    "promql_parser": {
        "prometheus": "reads selectors and rates",
        "config": "checks expressions",
        "specs": "takes their queries apart",
    },
    "psycopg": {"store": "speaks to PostgreSQL; an extra"},
    "dateutil": {"config": "reads recurrence rules"},
    "yaml": {
        "config": "reads files",
        "rules": "writes rules",
        "specs": "writes them as our configuration",
    },
    "pydantic": {
        "config": "checks them",
        "web": "reads bodies; describes them and the answers in the OpenAPI document",
    },
    "pydantic_core": {
        "config": "checks them",
        "web": "names the mistakes of a body",
    },
    "prometheus_client": {
        "exposition": "metric families",
        "daemon": "makes the registry",
        "demo": "the demo's service has metrics of its own, and its story reads the exporter's",
    },
    "starlette": {"web": "routes"},
    "uvicorn": {"web": "the server"},
    "h11": {"web": "what uvicorn's protocol speaks; its states tell whether one may still answer"},
    "bcrypt": {"web": "checks passwords"},
    "jinja2": {"web": "the page", "reports": "templates, ours and a team's"},
    "markdown_it": {"web": "reports as HTML"},
    "markupsafe": {
        "web": "HTML that is finished",
        "reports": "Markdown that is finished, and not to be escaped",
    },
    "click": {
        "cli": "flags",
        "commands": "flags of commands",
        "demo": "prints its story",
    },
    "mcp": {"commands": "what assistants speak; an extra"},
    "structlog": {
        "state": "what became of overrides is logged",
        "web": "the server and its changing files log",
        "daemon": "is set up, and logs",
    },
}
"""Library -> the packages that know it, and what for."""

ONLY_STORE = {"sqlite3"}
"""Of the standard library: the database is the store's business."""


def unit(path: Path) -> str:
    """The package (or module at the top) that a file belongs to."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports() -> Iterator[tuple[str, str, str]]:
    """Every import as (unit, module imported, place)."""
    for path in sorted(ROOT.rglob("*.py")):
        own, file = unit(path), path.relative_to(ROOT.parent)
        for node in ast.walk(ast.parse(path.read_text())):
            place = f"{file}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                yield from ((own, alias.name, place) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{place}: write imports from the top"
                if node.module == "exporter" or node.module in {f"exporter.{u}" for u in ALLOWED}:
                    for alias in node.names:
                        yield own, f"{node.module}.{alias.name}", place
                else:
                    yield own, str(node.module), place


@functools.cache
def all_imports() -> list[tuple[str, str, str]]:
    """The same, read once, and only by who needs it."""
    return list(imports())


def test_every_package_has_its_directions_here():
    """A new package must say what it may import."""
    units = {unit(path) for path in ROOT.rglob("*.py")} - {"__init__"}
    assert units == ALLOWED.keys() | WIRING


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_lies_inwards(package):
    """Arrows point inwards only."""
    allowed = [f"exporter.{name}" for name in (package, EVERYWHERE, *ALLOWED[package])]
    wrong = [
        f"{place} imports {module}"
        for each, module, place in all_imports()
        if each == package
        and module.split(".")[0] == "exporter"
        and not any(module == name or module.startswith(f"{name}.") for name in allowed)
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ALLOWED)
def test_every_direction_that_is_allowed_is_used(package):
    """What nobody needs is not allowed any longer."""
    used = [module for each, module, _ in all_imports() if each == package]
    for name in ALLOWED[package]:
        assert any(f"{module}.".startswith(f"exporter.{name}.") for module in used), name


def test_a_library_is_known_in_one_place():
    """Replacing one of them touches one package."""
    found: dict[str, set[str]] = {}
    for each, module, _ in all_imports():
        library = module.split(".")[0]
        if library not in sys.stdlib_module_names and library != "exporter":
            found.setdefault(library, set()).add(each)
    assert found == {library: set(users) for library, users in THIRD_PARTIES.items()}


def test_the_core_knows_no_input_or_output():
    """No clock, no files, no network: the evaluation is pure.

    `datetime` is the calendar, but nobody may ask it what time it is.
    """
    impure = {"asyncio", "time", "os", "pathlib", "socket", "random", "logging", "io"}
    wrong = [
        f"{place} imports {module}"
        for each, module, place in all_imports()
        if each == "slo" and module.split(".")[0] in impure
    ]
    assert wrong == []


def test_the_core_never_asks_for_the_time():
    """It is given every moment that it needs."""
    asking = {"now", "today", "utcnow"}
    wrong = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "slo").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in asking
    ]
    assert wrong == []


def test_only_the_store_knows_a_database():
    """Nobody else reads or writes the store."""
    wrong = [
        place for each, module, place in all_imports() if module in ONLY_STORE and each != "store"
    ]
    assert wrong == []


def test_nobody_imports_the_wiring_from_below():
    """The application is usable without its command line, and nothing depends on either."""
    wrong = [
        f"{place} imports {module}"
        for each, module, place in all_imports()
        if each not in WIRING
        and module.split(".")[1:2]
        and module.split(".")[1] in WIRING
        and module.startswith("exporter.")
    ]
    assert wrong == []
