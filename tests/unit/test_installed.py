"""What an operator's `pip install` brings, without development and without extras."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.helpers.paths import ROOT

pytestmark = pytest.mark.lengthy

PROJECT = "error-budget-exporter"

MOST_BYTES = 90e6
"""Of files as they are in wheels; bytecode, which pip adds, is a third more."""

OF_EXTRAS = {
    "exporter.commands.mcp_answers",
    "exporter.commands.mcp_tools",
    "exporter.store.postgres",
}
"""Modules that are imported only where an extra is used."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def required(name: str = PROJECT) -> frozenset[str]:
    """What a distribution requires on this machine, without extras."""
    needed = map(Requirement, distribution(name).requires or ())
    return frozenset(
        normal(each.name)
        for each in needed
        if each.marker is None or each.marker.evaluate({"extra": ""})
    )


@cache
def brought(name: str = PROJECT) -> frozenset[str]:
    """The same, and what these require in turn."""
    return required(name).union(*map(brought, required(name)))


@cache
def tops(name: str) -> frozenset[str]:
    """What a distribution has at the top of the folder that it is installed in."""
    files = distribution(name).files or ()
    return frozenset(file.parts[0] for file in files) - {"..", "__pycache__"}


def size(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.suffix != ".pyc" and path.is_file())


def test_it_is_not_large():
    """Most of it is numpy; what else is heavy is an extra, or not there at all."""
    sizes = {
        name: size([Path(file.locate()) for file in distribution(name).files or ()])
        for name in brought()
    }
    sizes[PROJECT] = size(list((ROOT / "exporter").rglob("*")))
    assert sizes["numpy"] > 40e6, "it is found"
    assert sum(sizes.values()) < MOST_BYTES, sizes


def test_every_dependency_is_used():
    """One that nobody imports is ballast; httpx and the standard library look for these two."""
    sources = "\n".join(path.read_text() for path in (ROOT / "exporter").rglob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) (\w+)", sources, re.MULTILINE))
    unused = {
        name
        for name in required()
        if not imported & {top.removesuffix(".py") for top in tops(name)}
    }
    assert unused == {"sniffio", "tzdata"}


ALL = f"""
import pkgutil, exporter
for module in pkgutil.walk_packages(exporter.__path__, "exporter."):
    if module.name not in {OF_EXTRAS!r} and not module.name.endswith("__main__"):
        __import__(module.name)
"""

COMMAND = "from exporter.cli import main; main()"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that has what an operator has, and nothing else."""
    site = tmp_path_factory.mktemp("site")
    (site / "exporter").symlink_to(ROOT / "exporter")
    # Of the project's own files, a checkout has many beside the package.
    linked = {(PROJECT, top) for top in tops(PROJECT) if top.endswith("-info")}
    linked |= {(name, top) for name in brought() for top in tops(name)}
    for name, top in linked:
        (site / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return site


def run(site: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program where nothing but that folder and the standard library is found."""
    return subprocess.run(
        [
            sys.executable,
            *("-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(site)!r})\n{program}"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("name", ["mcp", "psycopg", "pytest"])
def test_that_folder_lacks_the_rest(site, name):
    """Otherwise the next tests would say nothing."""
    assert not (site / name).exists()


def test_nothing_of_development_or_extras_is_missed(site):
    """Every module can be imported, but for those of the extras."""
    ended = run(site, ALL)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("mcp", "--server=http://localhost:1"), "mcp"),
        (("ledger", "copy", "postgresql://localhost/slo", "folder"), "postgres"),
    ],
)
def test_a_command_without_its_extra_names_it(site, arguments, extra):
    """In words, with what to type."""
    ended = run(site, COMMAND, *arguments)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith(f"pip install '{PROJECT}[{extra}]'")
