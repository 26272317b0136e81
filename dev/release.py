"""A release: its version in every file that names it, its notes, and whether a tag fits.

python -m dev.release set 1.2.3      writes the version, and begins its section of CHANGELOG.md
python -m dev.release check v1.2.3   fails unless all of that was done
python -m dev.release notes 1.2.3    what has changed, as Markdown
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]

_VERSION = r"\d+\.\d+\.\d+"

PLACE = re.compile(
    r"(?m)(?P<before>"
    r'^version = "'  # pyproject.toml
    r"|error-budget-exporter(?::|==)"  # images and requirements
    r'|newTag: "?|^appVersion: "?|^version: '  # Kustomize, Helm
    r'|image\.version="?'  # the image's label
    r'|"version": ")'  # answers of the API
    rf"(?P<version>{_VERSION})(?![\w.])"
)
"""What stands before the project's version, wherever it is written."""

UNRELEASED = "## Unreleased\n"

HEADING = rf"^## ({_VERSION}) - \d{{4}}-\d\d-\d\d$"


class ReleaseError(Exception):
    """What has to be done before this is a release."""


def files(root: Path) -> Iterator[Path]:
    """The files that name the version."""
    yield from (root / name for name in ("pyproject.toml", "Dockerfile", "README.md"))
    yield from sorted((root / "docs").rglob("*.md"))
    yield from sorted(path for path in (root / "deploy").rglob("*") if path.is_file())


def named(root: Path) -> dict[str, set[str]]:
    """Which versions of the project each file names, by its path; pyproject.toml comes first."""
    found = {
        path.relative_to(root).as_posix(): {
            match["version"] for match in PLACE.finditer(path.read_text(encoding="utf-8"))
        }
        for path in files(root)
    }
    return {path: versions for path, versions in found.items() if versions}


def set_version(root: Path, version: str, today: str) -> None:
    """Write a version into every file, and turn what is unreleased into its section.

    Raises:
        ReleaseError: it is no version, or there is nothing to release.
    """
    if not re.fullmatch(_VERSION, version):
        raise ReleaseError(f"{version} is no version such as 1.2.3")
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    if f"\n## {version} " not in text:
        before, heading, rest = text.partition(UNRELEASED)
        if not re.match(r"\s*### ", rest):
            raise ReleaseError("CHANGELOG.md has nothing under Unreleased")
        changelog.write_text(f"{before}{heading}\n## {version} - {today}\n{rest}", encoding="utf-8")
    for path in files(root):
        old = path.read_text(encoding="utf-8")
        new = PLACE.sub(rf"\g<before>{version}", old)
        if new != old:
            path.write_text(new, encoding="utf-8")


def check(root: Path, tag: str) -> None:
    """See whether a tree is the release that a tag says.

    Raises:
        ReleaseError: it is not.
    """
    version = tag.removeprefix("v")
    wrong = {path: found for path, found in named(root).items() if found != {version}}
    if tag != f"v{version}" or wrong:
        raise ReleaseError(f"the tag is {tag}, but there is {wrong or 'no v in it'}")
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    if re.findall(HEADING, text, re.MULTILINE)[:1] != [version]:
        raise ReleaseError(f"CHANGELOG.md has no section {version} with a date, before all others")


def notes(root: Path, version: str) -> str:
    """The section of a version in CHANGELOG.md, without its heading.

    Raises:
        ReleaseError: there is none.
    """
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(
        rf"^## {re.escape(version)} - .*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise ReleaseError(f"CHANGELOG.md has no section {version}")
    return found[1].strip() + "\n"


COMMANDS: dict[str, Callable[[str], str | None]] = {
    "set": lambda version: set_version(ROOT, version, f"{datetime.now(UTC):%Y-%m-%d}"),
    "check": lambda tag: check(ROOT, tag),
    "notes": lambda version: notes(ROOT, version),
}


def main(arguments: list[str]) -> int:
    """Run a command; its exit code."""
    if len(arguments) != 2 or arguments[0] not in COMMANDS:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        sys.stdout.write(COMMANDS[arguments[0]](arguments[1]) or "")
    except ReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
