"""`error-budget-exporter rules`: what it writes, and what its options add."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.helpers.paths import ROOT
from tests.helpers.rules import EVERYTHING, UNIT_TESTS, command, promtool_says, rules

PER_SLO_TESTS = Path(__file__).with_name("per_slo_test.yaml")


@pytest.mark.parametrize(
    ("file", "form"),
    [
        ("deploy/prometheus/rules.yaml", "prometheus"),
        ("deploy/kubernetes/prometheusrule.yaml", "operator"),
    ],
)
def test_the_files_of_deploy_are_what_it_writes(file, form):
    """Made by `error-budget-exporter rules --format ... > file`."""
    assert (ROOT / file).read_text() == command(f"--format={form}").stdout


@pytest.mark.parametrize("arguments", [(), EVERYTHING], ids=["plain", "everything"])
def test_promtool_accepts_it(promtool, tmp_path, arguments):
    """Every rule is read, and none twice."""
    file = tmp_path / "rules.yaml"
    file.write_text(command(*arguments).stdout)
    assert f"SUCCESS: {len(rules(*arguments))} rules found" in promtool_says(
        promtool, "check", "rules", file
    )


def test_what_the_options_add_does_what_it_should(promtool, tmp_path):
    """Prometheus's own unit tests of the starter alert, the dashboard link and the aliases."""
    written = tmp_path / "rules.yaml"
    written.write_text(command(*EVERYTHING).stdout)
    tests = tmp_path / "test.yaml"
    tests.write_text(UNIT_TESTS.read_text().replace("RULES", str(written)))
    promtool_says(promtool, "test", "rules", tests)


def test_options_add_and_change_nothing_else():
    """The alerts of the plain file are all there, in the same words but for their links."""
    plain = {rule["alert"]: rule["expr"] for rule in rules()}
    more = {rule["alert"]: rule["expr"] for rule in rules(*EVERYTHING) if "alert" in rule}
    assert more.keys() - plain.keys() == {"ErrorBudgetSloBreached"}
    assert plain.items() <= more.items()


def test_only_alerts_on_slos_link_to_the_dashboard():
    """The others have no service to show."""
    linked = [rule for rule in rules(*EVERYTHING) if "dashboard_url" in rule.get("annotations", {})]
    assert len(linked) == 9
    assert all("$labels.service" in rule["annotations"]["summary"] for rule in linked)
    assert not any("dashboard_url" in rule["annotations"] for rule in rules())


def test_alerts_on_slos_link_to_the_page():
    """With what finds the SLO there; the others have no SLO to show."""
    found = rules("--page-url=https://budgets.example.com/")
    linked = {rule["alert"]: rule["annotations"].get("page_url") for rule in found}
    assert linked["ErrorBudgetBurnPage"] == (
        "https://budgets.example.com/?service={{ $labels.service | urlquery }}"
        "&q={{ $labels.slo | urlquery }}"
    )
    assert linked["ErrorBudgetExporterDown"] is None
    assert not any("page_url" in rule["annotations"] for rule in rules())


def test_labels_are_added_to_every_alert():
    """And none of the alert's own is lost."""
    for rule in rules("--label=team=sre", "--label=env=prod"):
        assert rule["labels"] | {"severity": "x"} == {"team": "sre", "env": "prod", "severity": "x"}
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_namespace_is_the_operators():
    """It is said where it would be lost."""
    resource = yaml.safe_load(command("--format=operator", "--namespace=monitoring").stdout)
    assert resource["metadata"]["namespace"] == "monitoring"
    result = command("--namespace=monitoring")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--namespace needs --format operator" in result.stderr


def test_every_group_has_an_interval():
    """Prometheus's default is a minute, and pages would be late."""
    groups = yaml.safe_load(command(*EVERYTHING).stdout)["groups"]
    assert {group["interval"] for group in groups} == {"15s"}


def test_the_job_is_the_callers():
    """Prometheus's `up` has no other tie to the exporter."""
    text = command("--job=budgets").stdout
    assert 'up{job="budgets"}' in text
    assert 'job="error-budget-exporter"' not in text


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("--runbook-url=runbooks", "write http://... or https://..."),
        ("--dashboard-url=https://g/{{ $x }}", "write http://... or https://..."),
        ("--aliases=nobl9", "'sloth', 'pyrra'"),
        ("--format=xml", "'prometheus', 'operator'"),
        ('--job=a"b', "write letters, digits"),
        ("--page-url=budgets", "write http://... or https://..."),
        ("--label=team", "write name=value"),
        ("--label=severity=page", "severity is each alert's own"),
        ("--label=a={{ $value }}", "must not be a template"),
        ("--namespace=My Space", "write a-z, 0-9 and -"),
    ],
)
def test_wrong_options_are_refused(argument, text):
    """With exit code 2, what would be right, and no rules."""
    result = command(argument)
    assert (result.exit_code, result.stdout) == (2, "")
    assert text in result.stderr


CONFIG = """\
alerting: {ticket: {labels: {team: "all"}}}
slos:
  - service: "check \\"out\\""
    name: availability
    objective: 99.9
    sli: {events: {bad: errors_total, total: requests_total}}
    labels: {owner: payments, runbook: "https://wiki/checkout"}
    alerting:
      name: CheckoutBurns
      page: {labels: {team: shop}, annotations: {note: "{{ $labels.slo }} of {{ $labels.region }}"}}
  - service: mail
    name: latency
    objective: 99
    sli: {events: {bad: errors_total, total: requests_total}}
    alerting: {page: {disabled: true}}
"""


def test_per_slo_writes_an_alert_for_each(promtool, tmp_path):
    """By its own name, labels and annotations; none of a severity that is disabled."""
    config, written, tests = (
        tmp_path / name for name in ("config.yaml", "rules.yaml", "test.yaml")
    )
    config.write_text(CONFIG)
    arguments = ("--per-slo", f"--config.file={config}", "--page-url=https://budgets")
    written.write_text(command(*arguments).stdout)
    promtool_says(promtool, "check", "rules", written)
    tests.write_text(PER_SLO_TESTS.read_text().replace("RULES", str(written)))
    promtool_says(promtool, "test", "rules", tests)
    burning = [rule for rule in rules(*arguments) if "slo_alert_burn_rate" in rule["expr"]]
    assert [(rule["alert"], rule["labels"]["severity"]) for rule in burning] == [
        ("CheckoutBurns", "page"),
        ("CheckoutBurns", "ticket"),
        ("ErrorBudgetBurnTicket", "ticket"),
    ]
    others = {rule["alert"] for rule in rules()} - {rule["alert"] for rule in rules(*arguments)}
    assert others == {"ErrorBudgetBurnPage"}


def test_per_slo_names_every_mistake_of_the_configuration(tmp_path):
    """And writes nothing."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.replace("disabled", "disable"))
    result = command("--per-slo", f"--config.file={config}")
    assert result.exit_code != 0
    assert result.stdout == ""
    assert "did you mean disabled?" in f"{result.stderr}{result.exception}"
