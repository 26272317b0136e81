"""What is published: `make dist`, as a packager and as `pip install` have it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path, PurePosixPath

import pytest

from tests.helpers.paths import ROOT

pytestmark = pytest.mark.slow  # it builds the package twice


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder of both, made of what is under version control, as a release is."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x"], cwd=source, input=archive.stdout, check=True)
    command = [sys.executable, "-m", "build", f"--outdir={folder}", str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def tracked() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.splitlines())


def test_the_sdist_has_all_that_the_project_has(built):
    """Documents, what operators install, and the tests; only git's own files are left out."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as tar:
        names = {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in tar.getnames()}
    assert tracked() - names == {".dockerignore", ".gitignore"}


def test_the_wheel_has_the_package_and_nothing_else(built):
    """Every file of it, and what the index shows of it."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as zipped:
        names = {name for name in zipped.namelist() if ".dist-info/" not in name}
        (told,) = [name for name in zipped.namelist() if name.endswith("METADATA")]
        metadata = message_from_bytes(zipped.read(told))
    assert names == {name for name in tracked() if name.startswith("exporter/")}
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "Programming Language :: Python :: 3.11" in metadata.get_all("Classifier")
