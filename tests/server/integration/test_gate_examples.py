"""The examples of deploy/gate/ and docs/gate.md, run against a real daemon."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from exporter.commands.gate import gate
from exporter.demo.servers import PrometheusServer
from exporter.exposition.families import OVERRIDES, SERVICE_TIER
from exporter.exposition.slo_metrics import FAMILIES
from exporter.slo.policy import DEFAULT_POLICY, Gate
from tests.helpers.integration.exporters import PATIENCE, Exporter
from tests.helpers.integration.gated import gating, services, start
from tests.helpers.paths import ROOT

DEPLOY = ROOT / "deploy/gate"
DOC = (ROOT / "docs/gate.md").read_text()

BLOCKING = [tier.name for tier in DEFAULT_POLICY.tiers if tier.gate is Gate.BLOCK]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A Prometheus with services in every tier."""
    with services(tmp_path_factory.mktemp("services")) as server:
        yield server


@pytest.fixture(scope="module")
def daemon(prometheus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """A daemon that gates them."""
    with gating(tmp_path_factory.mktemp("examples"), prometheus.url) as daemon:
        start(daemon)
        yield daemon


def documents(name: str) -> list[dict[str, Any]]:
    """What a file of deploy/gate/ holds."""
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def shell(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a pipeline does; it finds the command of this environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        env={**os.environ, "PATH": path, "NO_PROXY": "*", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


class TestGithubActions:
    @pytest.mark.parametrize(
        ("service", "reason", "passes"),
        [
            ("well", "", True),
            ("slow", "", True),
            ("spent", "", False),
            ("spent", "security", True),
            ("spent", "a & b", False),
            ("absent", "", False),
        ],
    )
    def test_the_step_passes_what_the_gate_does(self, daemon, service, reason, passes):
        """And shows the answer either way."""
        [workflow] = documents("github-actions.yaml")
        [step] = workflow["jobs"]["gate"]["steps"]
        assert step["env"].keys() == {"EXPORTER", "SERVICE", "REASON"}
        done = shell(step["run"], EXPORTER=daemon.child.url, SERVICE=service, REASON=reason)
        assert (done.returncode == 0) is passes, done.stderr
        assert json.loads(done.stdout)["data"]["service"] == service
        assert workflow["jobs"]["deploy"]["needs"] == "gate"

    def test_the_step_fails_without_an_exporter(self):
        """Nothing is let pass by accident."""
        [workflow] = documents("github-actions.yaml")
        [step] = workflow["jobs"]["gate"]["steps"]
        done = shell(step["run"], EXPORTER="http://127.0.0.1:1", SERVICE="well", REASON="")
        assert done.returncode != 0


@pytest.mark.parametrize(
    ("service", "reason", "code"),
    [("well", "", 0), ("slow", "", 1), ("spent", "", 2), ("spent", "p0", 0), ("absent", "", 3)],
)
def test_the_job_of_gitlab_warns_of_caution_and_stops_at_worse(daemon, service, reason, code):
    """By the exit codes that it allows."""
    [pipeline] = documents("gitlab-ci.yaml")
    job = pipeline["gate"]
    assert job["allow_failure"]["exit_codes"] == [1]
    [script] = job["script"]
    done = shell(script, EXPORTER=daemon.child.url, SERVICE=service, REASON=reason)
    assert done.returncode == code, done.stderr + done.stdout


class TestArgoRollouts:
    @pytest.mark.parametrize(
        ("service", "result"),
        [("well", "allow"), ("slow", "caution"), ("spent", "block"), ("absent", "unknown")],
    )
    def test_the_web_provider_finds_the_decision(self, daemon, service, result):
        """With status 200, for it takes others for errors; unknown is neither good nor bad."""
        [metric] = documents("argo-rollouts.yaml")[0]["spec"]["metrics"]
        web = metric["provider"]["web"]
        parts = urlsplit(web["url"].replace("{{args.service}}", service))
        answer = httpx.get(f"{daemon.child.url}{parts.path}?{parts.query}", trust_env=False)
        assert answer.status_code == 200
        found = answer.json()
        for key in re.fullmatch(r"\{\$\.(\S+)\}", web["jsonPath"])[1].split("."):
            found = found[key]
        assert found == result
        assert (f'"{result}"' in metric["successCondition"]) is (result in ("allow", "caution"))
        assert (f'"{result}"' in metric["failureCondition"]) is (result == "block")


class TestFlagger:
    @pytest.mark.parametrize(
        ("service", "code"), [("well", 200), ("slow", 200), ("spent", 423), ("absent", 503)]
    )
    def test_its_webhook_is_answered_by_the_status(self, daemon, service, code):
        """It posts a description of the canary, and goes on with 200."""
        [webhook] = documents("flagger.yaml")[1]["spec"]["analysis"]["webhooks"]
        parts = urlsplit(webhook["url"].replace("service=auth", f"service={service}"))
        body = {
            "name": "auth",
            "namespace": "shop",
            "phase": "Progressing",
            "checksum": "85d557f47b",
        }
        answer = httpx.post(
            f"{daemon.child.url}{parts.path}?{parts.query}", json=body, trust_env=False
        )
        assert answer.status_code == code


QUERIES = {
    "Argo Rollouts": documents("argo-rollouts.yaml")[1]["spec"]["metrics"][0]["provider"][
        "prometheus"
    ]["query"],
    "Flagger": documents("flagger.yaml")[0]["spec"]["query"],
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_a_prometheus_takes_the_queries(prometheus, query):
    """They name metrics that there are, and the default policy's tiers that block."""
    query = re.sub(r"\{\{.*?\}\}", "auth", query)
    answer = httpx.get(f"{prometheus.url}/api/v1/query", params={"query": query}, trust_env=False)
    assert answer.json()["status"] == "success"
    named = set(re.findall(r"\bslo_\w+", query))
    assert named <= {family.name for family in FAMILIES} | {SERVICE_TIER[0], OVERRIDES[0]}
    assert re.search(r'tier=~"(.*?)"', query)[1].split("|") == BLOCKING


class TestDocument:
    def test_its_commands_do_what_it_says(self, daemon):
        """In their order: what they leave is what the next one finds."""
        here = DOC.replace("http://exporter.example.com:9098", daemon.child.url)
        codes = []
        for script in re.findall(r"```sh\n(.*?)```", here, re.DOTALL):
            done = shell(script)
            codes.append(done.returncode)
            assert "Traceback" not in done.stderr
        # Blocked; by the status, too; exempted; blocked, nothing to note; overridden and ended;
        # no such incident.
        assert codes == [2, 22, 0, 2, 0, 1]

    def test_its_example_has_the_shape_of_an_answer(self, daemon):
        """Key by key."""
        [example] = map(json.loads, re.findall(r"```json\n(.*?)```", DOC, re.DOTALL))
        url = f"{daemon.child.url}/api/v1/gate?service=spent"
        found = httpx.get(url, trust_env=False).json()["data"]
        assert list(found) == list(example)
        assert list(found["slos"][0]) == list(example["slos"][0])

    def test_every_option_of_the_gate_is_told(self):
        """Whoever adds one says so."""
        names = [flag for option in gate.params for flag in option.opts]
        options = [name for name in names if name.startswith("--")]
        assert [name for name in options if name not in DOC] == []

    def test_every_example_is_listed(self):
        """A file that nobody finds helps nobody."""
        assert [
            file.name for file in DEPLOY.iterdir() if f"deploy/gate/{file.name})" not in DOC
        ] == []
