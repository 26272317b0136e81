"""`error-budget-exporter rules`: what it writes, and what its options add."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from exporter.cli import main
from tests.helpers.paths import ROOT

UNIT_TESTS = Path(__file__).with_name("options_test.yaml")
GROUPED_TESTS = Path(__file__).with_name("grouped_test.yaml")
PER_SLO_TESTS = Path(__file__).with_name("per_slo_test.yaml")
EVERYTHING = (
    "--starter",
    "--aliases=sloth",
    "--aliases=pyrra",
    "--runbook-url=https://example.com/operating.md",
    "--dashboard-url=https://grafana.example.com/d/slo?orgId=1",
)


def command(*arguments: str) -> Result:
    """The command's result."""
    return CliRunner().invoke(main, ["rules", *arguments])


def rules(*arguments: str) -> list[dict]:
    """The rules that it writes."""
    content = yaml.safe_load(command(*arguments).stdout)
    return [rule for group in content["groups"] for rule in group["rules"]]


def promtool_says(promtool: Path, *arguments: object) -> str:
    """What promtool prints when it is content."""
    line = [str(promtool), *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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


GROUPED = """
slos:
  - service: mail
    name: sent
    objective: 75
    sli: {events: {bad: failures_total, total: mails_total}}
    group_by: [region]
    labels: {team: post, exported_service: smtp}
"""


@pytest.mark.parametrize(
    ("config", "own", "series"),
    [
        (GROUPED, (',team="post",service="smtp"', ',team="post",service="smtp"'), 2),
        (None, ("", ',service="mail"'), 4),
    ],
    ids=["known", "not known"],
)
def test_groups_have_their_owners_labels_where_the_configuration_is_known(
    promtool, tmp_path, config, own, series
):
    """Under their own names. Where it is not, groups do not break the series of others."""
    file = tmp_path / "config.yaml"
    file.write_text(config or "")
    arguments = [f"--config.file={file}"] if config else []
    written = tmp_path / "rules.yaml"
    written.write_text(command("--aliases=sloth", "--aliases=pyrra", *arguments).stdout)
    text = GROUPED_TESTS.read_text().replace("RULES", str(written)).replace("OWN", own[0])
    tests = tmp_path / "test.yaml"
    tests.write_text(text.replace("PYRRA", own[1]).replace("SERIES", str(series)))
    promtool_says(promtool, "test", "rules", tests)


def test_sloths_names_have_weeks_and_the_periods_that_there_are(tmp_path):
    """As Prometheus writes durations; other windows of burn-rate conditions are recorded, too."""
    config = tmp_path / "config.yaml"
    windows = "alerting: {windows: [{severity: page, budget: 1%, long: 90m, short: 10m}]}"
    config.write_text(
        "slos:\n"
        + "".join(
            f"  - {{service: mail, name: {name}, objective: 99, period: {period}, "
            f"sli: {{events: {{bad: a_total, total: b_total}}}}, {windows}}}\n"
            for name, period in (("sent", "21d"), ("read", "365d"))
        )
    )
    found = rules(f"--config.file={config}", "--aliases=sloth")
    of_windows = {
        rule["labels"]["sloth_window"]: rule["record"]
        for rule in found
        if "sloth_window" in rule.get("labels", {})
    }
    assert {"4w", "3w", "1y", "30d", "10m", "1h30m"} <= of_windows.keys()
    assert all(record.endswith(f":ratio_rate{window}") for window, record in of_windows.items())


def test_every_alias_is_tested():
    """A name that no unit test expects may hold anything."""
    (_, aliases) = yaml.safe_load(UNIT_TESTS.read_text())["tests"]
    tested = [test["expr"].split('"')[1] for test in aliases["promql_expr_test"]]
    assert tested == [rule["record"] for rule in rules(*EVERYTHING) if "record" in rule]


def test_options_add_and_change_nothing_else():
    """The alerts of the plain file are all there, in the same words but for their links."""
    plain = {rule["alert"]: rule["expr"] for rule in rules()}
    more = {rule["alert"]: rule["expr"] for rule in rules(*EVERYTHING) if "alert" in rule}
    assert more.keys() - plain.keys() == {"ErrorBudgetSloBreached"}
    assert plain.items() <= more.items()


def test_alerts_are_found_by_sloths_labels():
    """Its UI asks for `ALERTS{sloth_id!=""}`; only burn-rate alerts are what Sloth's are."""
    found = {rule["alert"]: rule["labels"] for rule in rules("--aliases=sloth") if "alert" in rule}
    sloth = {name for name, labels in found.items() if "sloth_id" in labels}
    assert sloth == {"ErrorBudgetBurnPage", "ErrorBudgetBurnTicket"}
    assert found["ErrorBudgetBurnPage"] == {
        "severity": "page",
        "sloth_id": "{{ $labels.service }}-{{ $labels.slo }}",
        "sloth_service": "{{ $labels.service }}",
        "sloth_slo": "{{ $labels.slo }}",
        "sloth_severity": "page",
    }


def test_alerts_of_sloths_specs_are_those_that_sloth_sent(tmp_path):
    """With a rule for each SLO they have their names, labels and even severities."""
    config = tmp_path / "sloth.yaml"
    config.write_text("""
version: prometheus/v1
service: shop
slos:
  - name: answers
    objective: 99
    labels: {severity: high, service: front, tier: "1"}
    sli:
      events: {error_query: "sum(rate(a[{{.window}}]))", total_query: "sum(rate(b[{{.window}}]))"}
    alerting:
      name: ShopBurns
      labels: {team: cart}
      page_alert: {labels: {severity: critical}}
      ticket_alert: {disable: true}
""")
    arguments = ("--per-slo", f"--config.file={config}", "--aliases=sloth")
    [labels] = [rule["labels"] for rule in rules(*arguments) if rule.get("alert") == "ShopBurns"]
    assert labels == {
        "team": "cart",
        "severity": "critical",
        "service": "front",
        "tier": "1",
        "sloth_id": "{{ $labels.service }}-{{ $labels.slo }}",
        "sloth_service": "{{ $labels.service }}",
        "sloth_slo": "{{ $labels.slo }}",
        "sloth_severity": "page",
    }
    [labels] = [
        rule["labels"] for rule in rules(*arguments[:2]) if rule.get("alert") == "ShopBurns"
    ]
    assert (labels["severity"], labels["exported_severity"]) == ("page", "critical")


def test_alerts_of_pyrras_specs_are_those_that_pyrra_sent(tmp_path):
    """By its usual name and severities, or the spec's, with the labels that it takes over."""
    config = tmp_path / "pyrra.yaml"
    config.write_text("""
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: answers, labels: {pyrra.dev/service: shop, pyrra.dev/team: cart}}
spec:
  target: "99"
  window: 4w
  indicator: {ratio: {errors: {metric: bad_total}, total: {metric: all_total}}}
  alerting: {severities: {slowBurn: p3, longTermBurn: p3}}
""")
    arguments = ("--per-slo", f"--config.file={config}", "--aliases=pyrra")
    found = [rule["labels"] for rule in rules(*arguments) if rule.get("alert") == "ErrorBudgetBurn"]
    assert found == [{"severity": "critical", "team": "cart"}, {"severity": "p3", "team": "cart"}]


def test_an_alias_asked_for_twice_is_written_once():
    """Two groups of one name are refused by Prometheus."""
    assert command("--aliases=sloth", "--aliases=sloth").stdout == command("--aliases=sloth").stdout


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
