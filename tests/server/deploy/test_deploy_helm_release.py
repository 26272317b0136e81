"""The Helm chart as a whole: it renders to what Kubernetes takes, and refuses wrong values."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
import yaml
from click.testing import CliRunner

from exporter.cli import main
from exporter.commands.run import run
from tests.helpers.deploy.chart import (
    CHART,
    NAMESPACE,
    SCHEMAS,
    container,
    find,
    find_kind,
    helm,
    render,
    write_schemas,
)
from tests.helpers.deploy.chart_values import SETS
from tests.helpers.deploy.deployed import JOB

pytestmark = pytest.mark.slow  # helm is asked for every set of values


@pytest.fixture(params=SETS, scope="module")
def manifests(request: pytest.FixtureRequest) -> list[dict]:
    """The manifests of each set of values."""
    return render(SETS[request.param])


def test_helm_finds_no_fault():
    """Its own linter, which reads the schema of the values, too."""
    done = helm("lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kubernetes_and_its_operators_accept_it(tmp_path):
    """Unknown fields are refused, which a cluster drops in silence; with every set of values."""
    manifests = [each for values in SETS.values() for each in render(values)]
    write_schemas(tmp_path, manifests)
    folders = (tmp_path, SCHEMAS)
    places = [f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json" for folder in folders]
    done = subprocess.run(
        [
            *(find("kubeconform"), "-strict", "-summary", "-output=json"),
            *(f"-schema-location={place}" for place in places),
        ],
        input=yaml.safe_dump_all(manifests),
        capture_output=True,
        text=True,
        check=False,
    )
    summary = json.loads(done.stdout)["summary"]
    assert summary == {"valid": len(manifests), "invalid": 0, "errors": 0, "skipped": 0}, (
        done.stdout
    )


def test_every_object_says_where_it_belongs(manifests):
    """By namespace and labels; names fit in what Kubernetes takes."""
    for manifest in manifests:
        metadata = manifest["metadata"]
        assert metadata["namespace"] == NAMESPACE
        assert metadata["labels"]["app.kubernetes.io/instance"] == JOB
        assert len(metadata["name"]) <= 52  # a pod's label holds a StatefulSet's name and a hash


def test_every_flag_is_one_of_the_daemons(manifests):
    """`run` parses the arguments; only the files that they name are not here."""
    arguments = container(manifests)["args"]
    assert arguments[0] == "run"
    known = {flag for option in run.params for flag in option.opts}
    assert {argument.partition("=")[0] for argument in arguments[1:]} <= known


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"replica": 3}, "replica"),
        ({"replicas": 0}, "/replicas"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"web": {"tls": True}}, "/web/configKey"),
        ({"ingress": {"enabled": True}}, "/ingress/hosts"),
        ({"store": {"persistence": {"accessModes": ["ReadWriteMany"]}}}, "/accessModes"),
        ({"log": {"level": "loud"}}, "/log/level"),
        ({"configFiles": {"a": 1}}, "/configFiles/a"),
    ],
)
def test_wrong_values_are_refused_by_name(values, words):
    """By the schema, before anything is deployed."""
    done = helm("template", JOB, CHART, values=values)
    assert done.returncode != 0
    assert words in done.stderr


def test_the_notes_say_how_to_reach_it(tmp_path):
    """With the names of this release; helm shows them once it is installed, here in a manifest."""
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    notes = (chart / "templates/NOTES.txt").read_text()
    defined = '{{ define "notes" }}' + notes + "{{ end }}\n"
    shown = 'text: {{ include "notes" . | toJson }}\n'
    (chart / "templates/notes.yaml").write_text(defined + shown)
    options = (f"--namespace={NAMESPACE}", "--show-only=templates/notes.yaml")
    done = helm("template", JOB, chart, *options, values={"shards": 2})
    assert done.returncode == 0, done.stderr
    text = yaml.safe_load(done.stdout)["text"]
    assert f"kubectl -n {NAMESPACE} port-forward service/{JOB}-web 9098" in text
    assert "2 replica(s) of each of 2 shards" in text
    assert "Shards without PostgreSQL" in text


def test_the_configuration_passes_check(tmp_path):
    """As the pods have it."""
    file = tmp_path / "config.yaml"
    file.write_text(find_kind(render(), "ConfigMap")["data"]["config.yaml"])
    checked = CliRunner().invoke(main, ["check", f"--config.file={file}"])
    assert checked.exit_code == 0, checked.output
