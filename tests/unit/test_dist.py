"""What is published: `make dist`, as a packager and as `pip install` have it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath

import click
import pytest

from dev.dist import build
from tests.helpers.paths import ROOT

pytestmark = pytest.mark.slow  # it builds the package


URL = "https://git.example.com/team/exporter"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder of both, as a release makes them."""
    folder = tmp_path_factory.mktemp("dist")
    build(folder, URL, "v1.2.3")
    return folder


@pytest.fixture(scope="module")
def metadata(built) -> Message:
    """What the index shows of the wheel."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as zipped:
        (told,) = [name for name in zipped.namelist() if name.endswith("METADATA")]
        return message_from_bytes(zipped.read(told))


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
    """Every file of it."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as zipped:
        names = {name for name in zipped.namelist() if ".dist-info/" not in name}
    assert names == {name for name in tracked() if name.startswith("exporter/")}


def test_the_index_shows_what_leads_somewhere(metadata):
    """The README's links and pictures are those of the release in the repository."""
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "Programming Language :: Python :: 3.11" in metadata.get_all("Classifier")
    assert f"Homepage, {URL}" in metadata.get_all("Project-URL")
    readme = metadata.get_payload()
    assert f"]({URL}/blob/v1.2.3/docs/config.md)" in readme
    assert f"]({URL}/raw/v1.2.3/docs/images/overview.png)" in readme


def test_the_wheel_runs_in_an_environment_of_its_own(built, tmp_path):
    """The command is installed, and finds the files that come with it; libraries are this one's."""
    (wheel,) = built.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True)
    run = subprocess.run(
        [tmp_path / "venv/bin/error-budget-exporter", "dashboards", f"--output={tmp_path}/out"],
        env={"PYTHONPATH": str(Path(click.__file__).parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert len(list((tmp_path / "out").iterdir())) == len(
        list((ROOT / "exporter/dashboards").iterdir())
    )
