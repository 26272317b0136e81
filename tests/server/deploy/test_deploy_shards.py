"""The Kubernetes overlay for shards, built as `kubectl apply -k` builds it."""

from __future__ import annotations

import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from exporter.web.server.sharding import is_template
from tests.helpers.deploy.deployed import DEPLOY, JOB

SHARDS = DEPLOY / "kubernetes-shards"


@pytest.fixture(scope="module")
def manifests() -> dict[str, dict]:
    """What would be applied, by kind; without kubectl nobody can tell."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    command = [kubectl, "kustomize", str(SHARDS)]
    built = subprocess.run(command, capture_output=True, text=True, check=True)
    return {each["kind"]: each for each in yaml.safe_load_all(built.stdout)}


def test_there_are_as_many_pods_as_shards(manifests):
    """Each knows its own number, and where the others are: by the headless Service."""
    manifest = manifests["StatefulSet"]
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    flags = dict(each.split("=", 1) for each in container["args"] if "=" in each)
    assert int(flags["--total-shards"]) == manifest["spec"]["replicas"] == 3
    assert flags["--pod"] == "$(POD_NAME)"
    assert [each["name"] for each in container["env"]] == ["POD_NAME"]
    template = flags["--web.shard-url-template"]
    assert is_template(template)
    service = manifest["spec"]["serviceName"]
    (port,) = container["ports"]
    assert template == f"http://{JOB}-{{shard}}.{service}:{port['containerPort']}"
    assert flags["--config.file"]  # those of the base are there, too
