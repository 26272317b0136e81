"""The alerting rules: Prometheus accepts them, each fires for its reason and has a runbook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from exporter.rules.rule import RuleOptions
from exporter.rules.writing import groups
from tests.helpers.deploy.deployed import DEPLOY, JOB, KUBERNETES, ROOT, RULES, alerts, read

UNIT_TESTS = Path(__file__).with_name("rules_test.yaml")
RUNBOOKS = "/runbooks/"
AT_ONCE = {"ErrorBudgetBurnPage", "ErrorBudgetBurnTicket"}
"""Their conditions have windows of their own; the exporter holds them back."""
AT_ONCE |= {"ErrorBudgetTierWorsened", "ErrorBudgetPostmortemRequired"}
"""What has been decided does not waver."""


def run(promtool: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """promtool's answer."""
    command = [str(promtool), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_promtool_accepts_the_scrape_configuration_and_the_rules(promtool):
    """The configuration names the rules, so both are read."""
    done = run(promtool, "check", "config", DEPLOY / "prometheus/prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alerts())} rules found" in done.stdout


def test_the_rules_fire_when_they_should(promtool):
    """Prometheus's own unit tests, annotations included."""
    done = run(promtool, "test", "rules", UNIT_TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", alerts())
def test_every_rule_is_seen_firing_and_silent(name):
    """A rule that no test has seen both ways is not tested."""
    seen = {
        bool(case.get("exp_alerts"))
        for test in read(UNIT_TESTS)["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    }
    assert seen == {True, False}


@pytest.mark.parametrize("name", alerts())
def test_a_rule_says_what_and_where_to_read_on(name):
    """It waits unless it must not, says it short and long, and its runbook's heading exists."""
    rule = alerts()[name]
    assert ("for" in rule) is (name not in AT_ONCE)
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert RUNBOOKS + name in rule["annotations"]["runbook_url"]
    assert "example.com" not in str(rule)
    assert f"\n### {name}\n" in (ROOT / "docs/operating.md").read_text()


def test_every_runbook_is_of_a_rule():
    """No runbook for an alert that nobody can get, and the severity is the rule's."""
    text = (ROOT / "docs/operating.md").read_text().partition("\n## Runbooks\n")[2]
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL))
    content = groups(RuleOptions(starter=True))["groups"]
    written = {rule["alert"]: rule for group in content for rule in group["rules"]}
    assert sections.keys() == written.keys()
    for name, section in sections.items():
        severity = written[name]["labels"]["severity"]
        assert set(re.findall(r"\*(Page|Ticket)\b", section)) == {severity.title()}, name
        parts = ", ".join(re.findall(r"^\*\*([\w, ]+)\.\*\*", section, re.MULTILINE))
        assert parts.lower() == "meaning, impact, look at, do", name


def test_the_rules_look_for_the_job_that_is_scraped():
    """The job's name is all that ties `up` to the exporter."""
    (scrape,) = read(DEPLOY / "prometheus/prometheus.yml")["scrape_configs"]
    assert scrape["job_name"] == JOB
    assert scrape["honor_labels"] is True
    jobs = re.findall(r'job="([^"]*)"', RULES.read_text())
    assert jobs
    assert set(jobs) == {JOB}


def test_every_metric_of_a_rule_is_one_that_the_documents_name():
    """A rule on a metric that does not exist is silent for ever."""
    expressions = " ".join(rule["expr"] for rule in alerts().values())
    used = set(re.findall(r"\b(?:slo|error_budget_exporter)_\w+", expressions))
    assert len(used) > 10
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs/metrics.md").read_text()))
    table = (ROOT / "docs/operating.md").read_text().partition("\n## Metrics about")[2]
    named |= {f"error_budget_exporter_{name}" for name in re.findall(r"`(\w+)`", table)}
    assert used <= named


def test_the_operators_rules_are_the_same():
    """The PrometheusRule repeats the plain file."""
    resource = read(KUBERNETES / "prometheusrule.yaml")
    assert (resource["apiVersion"], resource["kind"]) == (
        "monitoring.coreos.com/v1",
        "PrometheusRule",
    )
    assert resource["spec"] == read(RULES)
