"""Names and labels that other tools have for the same, which rules may be written under as well."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.helpers.rules import EVERYTHING, UNIT_TESTS, command, promtool_says, rules

GROUPED_TESTS = Path(__file__).with_name("grouped_test.yaml")


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
