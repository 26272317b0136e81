"""The Helm chart, rendered by helm itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.helpers.deploy.deployed import DEPLOY, JOB
from tests.helpers.paths import ROOT

CHART = DEPLOY / "helm"
NAMESPACE = "monitoring"
SCHEMAS = ROOT / "tests/server/deploy/schemas"


@cache
def find(tool: str) -> str:
    """Where a tool is: by a variable, in `.tools/helm`, on the PATH; else tests are skipped."""
    places = (os.environ.get(tool.upper()), ROOT / ".tools/helm" / tool, shutil.which(tool))
    for place in places:
        if place and Path(place).is_file():
            return str(place)
    pytest.skip(f"there is no {tool} here: `make helm`, which needs Go, or install it")


def helm(*arguments: object, values: dict | None = None) -> subprocess.CompletedProcess[str]:
    """What helm answers about the chart, with values in place of the default ones."""
    command = [find("helm"), *map(str, arguments), "--values=-"]
    return subprocess.run(
        command, input=json.dumps(values or {}), capture_output=True, text=True, check=False
    )


@cache
def _rendered(release: str, values: str) -> str:
    done = helm(
        "template", release, CHART, f"--namespace={NAMESPACE}", values=yaml.safe_load(values)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def render(values: dict | None = None, release: str = JOB) -> list[dict]:
    """The manifests that a release with these values has."""
    text = _rendered(release, json.dumps(values or {}))
    return [each for each in yaml.safe_load_all(text) if each]


def find_kind(manifests: list[dict], kind: str) -> dict:
    """The only one of a kind."""
    (found,) = [each for each in manifests if each["kind"] == kind]
    return found


def container(manifests: list[dict]) -> dict:
    """The container of the first StatefulSet's pods."""
    first = next(each for each in manifests if each["kind"] == "StatefulSet")
    (found,) = first["spec"]["template"]["spec"]["containers"]
    return found


def write_schemas(folder: Path, manifests: list[dict]) -> None:
    """Kubernetes's own schemas of these manifests' kinds, each in a file that needs no other."""
    version = kubernetes_validate.latest_version()
    source = Path(kubernetes_validate.__file__).parent
    source /= f"kubernetes-json-schema/v{version}-local-strict"

    def load(name: str) -> dict:
        text = (source / f"{name}.json").read_text()
        return json.loads(text.replace("/api/_definitions.json#", "#"))

    definitions = load("_definitions")["$defs"]
    for manifest in manifests:
        group, _, release = manifest["apiVersion"].rpartition("/")
        name = "-".join(
            part for part in (manifest["kind"].lower(), group.split(".")[0], release) if part
        )
        if (source / f"{name}.json").exists():
            schema = {**load(name), "$defs": definitions}
            (folder / f"{name}.json").write_text(json.dumps(schema))
