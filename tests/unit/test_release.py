"""What a release needs: one version everywhere, its notes, and a workflow that publishes it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dev.dist import for_index, with_urls
from dev.release import ReleaseError, check, files, named, notes, set_version
from tests.helpers.paths import ROOT

WORKFLOW = ROOT / ".github/workflows/release.yaml"
JOBS = yaml.safe_load(WORKFLOW.read_text())["jobs"]
PUBLISHING = {"pypi", "image", "chart", "release"}

CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files that name the version, and a short changelog."""
    for path in files(ROOT):
        (tmp_path / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


class TestVersion:
    def test_is_the_same_wherever_it_is_named(self):
        """The image, the manifests and the documents are of the version that is built."""
        found = named(ROOT)
        assert set.union(*found.values()) == found["pyproject.toml"]
        assert {"deploy/helm/Chart.yaml", "deploy/kubernetes/kustomization.yaml"} <= found.keys()

    def test_is_written_into_every_file(self, tree):
        """Nothing else that looks like one is changed: not an address, not another's version."""
        (tree / "deploy/other.yaml").write_text("10.1.0.1 0.1.0\nimage: other:0.1.0\n")
        before = named(tree)
        set_version(tree, "7.8.9", "2027-01-02")
        assert named(tree) == {path: {"7.8.9"} for path in before}
        assert (tree / "deploy/other.yaml").read_text() == "10.1.0.1 0.1.0\nimage: other:0.1.0\n"
        check(tree, "v7.8.9")

    def test_begins_its_section_of_the_changelog(self, tree):
        """What comes next is unreleased again; a second time changes nothing."""
        for _ in range(2):
            set_version(tree, "7.8.9", "2027-01-02")
        text = (tree / "CHANGELOG.md").read_text()
        assert text.count("## Unreleased\n\n## 7.8.9 - 2027-01-02\n\n### Added") == 1
        assert notes(tree, "7.8.9") == "### Added\n\n- A thing.\n"

    def test_has_something_to_release(self, tree):
        """A version without changes is a mistake."""
        set_version(tree, "7.8.9", "2027-01-02")
        with pytest.raises(ReleaseError, match="nothing under Unreleased"):
            set_version(tree, "7.8.10", "2027-01-03")

    def test_is_a_version(self, tree):
        """As pip, Helm and a tag have it."""
        with pytest.raises(ReleaseError, match=r"v1\.2 is no version"):
            set_version(tree, "v1.2", "2027-01-02")


class TestTag:
    @pytest.mark.parametrize("tag", ["7.8.9", "v7.8.8", "v7.8.9rc1"])
    def test_is_the_version(self, tree, tag):
        """Otherwise nothing is published."""
        set_version(tree, "7.8.9", "2027-01-02")
        with pytest.raises(ReleaseError, match=f"the tag is {tag}, but there is"):
            check(tree, tag)

    def test_fits_every_file(self, tree):
        """One that was forgotten is named."""
        set_version(tree, "7.8.9", "2027-01-02")
        (tree / "deploy/forgotten.yaml").write_text("newTag: 7.8.8\n")
        with pytest.raises(ReleaseError, match=r"deploy/forgotten\.yaml"):
            check(tree, "v7.8.9")

    def test_has_notes(self, tree):
        """Of a day."""
        set_version(tree, "7.8.9", "2027-01-02")
        (tree / "CHANGELOG.md").write_text(CHANGELOG)
        with pytest.raises(ReleaseError, match=r"no section 7\.8\.9 with a date"):
            check(tree, "v7.8.9")


class TestIndex:
    """What an index shows of README.md."""

    URL = "https://git.example.com/team/exporter"

    def test_leads_into_the_repository(self):
        """At the release's tag; what is absolute already stays."""
        text = "![A](docs/a.png)\n[b](docs/b.md#c) [d](https://example.com/) [e](#f)\n"
        assert for_index(text, self.URL, "v1.2.3") == (
            f"![A]({self.URL}/raw/v1.2.3/docs/a.png)\n"
            f"[b]({self.URL}/blob/v1.2.3/docs/b.md#c) [d](https://example.com/) [e](#f)\n"
        )

    def test_has_no_dead_links_where_no_address_is_known(self):
        """Words stay, pictures go."""
        text = for_index((ROOT / "README.md").read_text())
        assert not re.findall(r"\]\((?!https?://|#)", text)
        assert "error-budget-exporter" in text

    def test_metadata_have_the_address_if_it_is_known(self):
        """Nobody invents one."""
        project = (ROOT / "pyproject.toml").read_text()
        assert "urls" not in with_urls(project, "", "main")
        assert f'[project.urls]\nHomepage = "{self.URL}"\n' in with_urls(project, self.URL, "v1")


class TestWorkflow:
    @pytest.mark.slow  # a process that loads a large schema
    def test_follows_githubs_schema(self):
        """As check-jsonschema has it."""
        checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
        checked = subprocess.run(
            [*checker, "vendor.github-workflows", WORKFLOW],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout

    @pytest.mark.parametrize("name", sorted(PUBLISHING))
    def test_publishes_what_was_tested_and_tagged(self, name):
        """Directly, or after those that do."""
        job = JOBS[name]
        assert {"test", "pypi"} & set(job["needs"])
        if "packages" in job["permissions"]:
            pushes = [step for step in job["steps"] if re.search("login|attest", str(step))]
            assert pushes
            assert all(step["if"] == "github.ref_type == 'tag'" for step in pushes)
        else:
            assert job["if"] == "github.ref_type == 'tag'"

    def test_gives_no_job_more_than_it_needs(self):
        """Reading is the default; who writes says so, and every job ends some day."""
        assert yaml.safe_load(WORKFLOW.read_text())["permissions"] == {"contents": "read"}
        assert {name for name, job in JOBS.items() if "permissions" in job} == PUBLISHING
        assert all("timeout-minutes" in job for job in JOBS.values())

    def test_runs_what_there_is(self):
        """Targets, modules and scripts of the project."""
        runs = "\n".join(step.get("run", "") for job in JOBS.values() for step in job["steps"])
        targets = set(re.findall(r"^ *make (\w+)", runs, re.MULTILINE))
        modules = set(re.findall(r"-m (dev\.\w+) (\w+)", runs))
        assert targets == {"dist"}
        assert modules == {("dev.release", "check"), ("dev.release", "notes")}
        assert ".ci/run" in runs
