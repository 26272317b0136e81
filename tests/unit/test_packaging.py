"""What is installed: the package's files, its command, its version."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import entry_points, metadata, version
from importlib.resources import files
from pathlib import Path

import exporter

ROOT = Path(exporter.__file__).parents[1]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_page_and_the_type_marker_are_part_of_the_package():
    """Every file beside the code is named as package data, so that a wheel has it."""
    package = ROOT / "exporter"
    patterns = project()["tool"]["setuptools"]["package-data"]["exporter"]
    named = {path for pattern in patterns for path in package.glob(pattern)}
    others = {
        path for path in package.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert others == named
    assert {path.name for path in named} >= {"py.typed", "overview.html", "style.css"}


def test_the_page_is_found_as_a_resource():
    """Wherever the package is installed."""
    page = files("exporter.web.pages").joinpath("templates", "base.html")
    assert page.read_text().startswith("<!doctype html>")


def test_every_folder_with_code_is_a_package():
    """Folders without `__init__.py` would be left out of a wheel."""
    folders = {path.parent for path in (ROOT / "exporter").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_command_is_installed():
    """Under the project's name."""
    [command] = entry_points(group="console_scripts", name="error-budget-exporter")
    assert command.value == "exporter.cli:main"


def test_the_installed_version_is_the_projects():
    """One place tells it; the program reads what is installed."""
    assert version("error-budget-exporter") == project()["project"]["version"]


def test_uvicorn_is_bound_to_one_minor_version():
    """Its internals are overridden, in one file, and any release may change them."""
    server = ROOT / "exporter/web/server/server.py"
    users = [
        file
        for file in (ROOT / "exporter").rglob("*.py")
        if re.search(r"^(import|from) uvicorn", file.read_text(), re.MULTILINE)
    ]
    assert users == [server]
    [bound] = [text for text in project()["project"]["dependencies"] if "uvicorn" in text]
    low, high = re.fullmatch(r"uvicorn>=0\.(\d+),<0\.(\d+)", bound).groups()
    assert int(high) == int(low) + 1


def test_every_dependency_has_bounds():
    """A new major version of a library is taken on purpose."""
    for requirement in project()["project"]["dependencies"]:
        assert ">=" in requirement, requirement
    assert metadata("error-budget-exporter")["Requires-Python"] == ">=3.11"
