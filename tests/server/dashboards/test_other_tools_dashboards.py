"""Panels of dashboards that are made for Sloth and Pyrra, on a real Prometheus with the aliases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from exporter.cli import main
from tests.helpers.dashboards.watched_shop import Watched, watched_shop

pytestmark = pytest.mark.slow

SPECS = """
version: prometheus/v1
service: checkout
labels: {{team: payments, tier: "1"}}
slos:
  - name: availability
    objective: 99.9
    sli:
      events:
        error_query: >-
          sum(rate(http_requests_total{{service="checkout", code=~"5.."}}[{{{{.window}}}}]))
        total_query: sum(rate(http_requests_total{{service="checkout"}}[{{{{.window}}}}]))
    alerting: {{name: CheckoutBurns, page_alert: {{labels: {{severity: critical}}}}}}
  - name: regions
    objective: 99.9
    labels: {{team: front}}
    sli:
      events:
        error_query: >-
          sum by (region) (
            rate(http_requests_total{{service="auth", code=~"5.."}}[{{{{.window}}}}]))
        total_query: >-
          sum by (region) (rate(http_requests_total{{service="auth"}}[{{{{.window}}}}]))
---
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {{name: checkout-errors, labels: {{pyrra.dev/team: payments, pyrra.dev/service: shop}}}}
spec:
  target: "99.9"
  window: 4w
  indicator:
    ratio:
      errors: {{metric: 'http_requests_total{{service="checkout", code=~"5.."}}'}}
      total: {{metric: 'http_requests_total{{service="checkout"}}'}}
---
prometheus: {{url: "{url}", scrape_interval: 1m}}
evaluation: {{interval: 1s, delay: 500ms}}
policy: {{min_coverage: 0}}
"""

THIS = 'sloth_service="checkout",sloth_slo="availability"'

SLOTH_PANELS = {
    "objective": f"slo:objective:ratio{{{THIS}}}",
    "SLI now": f"1 - max(slo:sli_error:ratio_rate5m{{{THIS}}})",
    "SLI of the period": f"1 - max(slo:sli_error:ratio_rate30d{{{THIS}}})",
    "period": f"slo:time_period:days{{{THIS}}}",
    "burn rate": f"slo:current_burn_rate:ratio{{{THIS}}}",
    "burn rate of the period": f"slo:period_burn_rate:ratio{{{THIS}}}",
    "budget left": f"slo:period_error_budget_remaining:ratio{{{THIS}}} or on () vector(1)",
    # In steps of an hour the panel begins to be filled within an hour of the first evaluation.
    "budget of the month": f"""
        1 - sum_over_time((
          slo:sli_error:ratio_rate1h{{{THIS}}}
          * on () group_left () (month() == bool vector({datetime.now(UTC).month}))
        )[32d:15s]) / on (sloth_id) (
          slo:error_budget:ratio{{{THIS}}} * on () group_left () (24 * days_in_month())
        )""",
    "burn rates by window": f"""
        {{__name__=~"slo:sli_error:ratio_rate.+",{THIS}}}
        / on (sloth_id, sloth_slo, sloth_service) group_left ()
        slo:error_budget:ratio{{{THIS}}}""",
    "pages": f'ALERTS{{{THIS},sloth_severity="page",alertstate="firing"}}',
    "services": "count(count by (sloth_service) (sloth_slo_info))",
    "SLOs": "count(sloth_slo_info)",
    "the worst": "topk(5, max by (sloth_service, sloth_slo) (slo:current_burn_rate:ratio))",
    "overspent": "count(slo:period_burn_rate:ratio > 1)",
    "objectives of a team": 'slo:objective:ratio{team="payments",tier="1"}',
}
"""What panels of dashboards for Sloth ask, a panel a line."""

UI = {
    "SLOs": 'sloth_slo_info{sloth_id!="",sloth_objective!=""}',
    "windows": 'count({__name__=~"^slo:sli_error:ratio_rate.*"}) by (__name__, sloth_id)',
    "periods": 'max(slo:time_period:days{sloth_id!=""}) by (sloth_id)',
    "burn rates": 'slo:current_burn_rate:ratio{sloth_id!=""}',
    "alerts": 'ALERTS{sloth_id!=""}',
    "budgets": 'slo:period_error_budget_remaining:ratio{sloth_id!=""}',
    "chart": '1 - (max(slo:sli_error:ratio_rate5m{sloth_id="checkout-availability"}))',
    "chart of a group": (
        '1 - (max(slo:sli_error:ratio_rate5m{sloth_id="checkout-regions",region="eu"}))'
    ),
}
"""What Sloth's own UI asks."""

SLO = '{slo="checkout-errors"}'
BUDGET = f"(pyrra_availability{SLO} - pyrra_objective{SLO}) / (1 - pyrra_objective{SLO})"

PYRRA_PANELS = {
    "list: objective": "pyrra_objective",
    "list: window": "pyrra_window",
    "list: availability": "pyrra_availability",
    "list: budget": "(pyrra_availability - pyrra_objective) / (1 - pyrra_objective)",
    "objective": f"pyrra_objective{SLO}",
    "window": f"pyrra_window{SLO}",
    "availability": f"pyrra_availability{SLO}",
    "error budget": BUDGET,
    "rate": f"sum(pyrra_requests:rate5m{SLO})",
    "errors": f"sum(pyrra_errors:rate5m{SLO})",
    "of a team": 'pyrra_objective{slo="checkout-errors",team="payments"}',
}
"""What the panels of Pyrra's list and detail ask."""

PANELS = [
    pytest.param(query, id=f"{tool}: {panel}")
    for tool, panels in (("Sloth", SLOTH_PANELS), ("Sloth's UI", UI), ("Pyrra", PYRRA_PANELS))
    for panel, query in panels.items()
]


def rules(config: Path) -> str:
    """The rules of a configuration, with both aliases."""
    command = [
        "rules",
        "--per-slo",
        f"--config.file={config}",
        "--aliases=sloth",
        "--aliases=pyrra",
    ]
    written = CliRunner().invoke(main, command)
    assert written.exit_code == 0, written.stderr
    return written.stdout


@pytest.fixture(scope="module")
def shop(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Two replicas that read specs, and a Prometheus whose rules have recorded their series."""
    seen = (SLOTH_PANELS["pages"], SLOTH_PANELS["budget of the month"], *UI.values(), BUDGET)
    folder = tmp_path_factory.mktemp("specs")
    with watched_shop(folder, SPECS, rules=rules, seen=seen) as watched:
        yield watched


@pytest.mark.parametrize("query", PANELS)
def test_every_panel_is_filled(shop, query):
    """The expression is accepted, and has an answer that is a figure."""
    found = shop.now(query)
    assert found
    assert all(each["value"][1] not in {"NaN", "+Inf", "-Inf"} for each in found)


def test_figures_are_those_of_the_exporter(shop):
    """Of two replicas one series each; the budget is that of the API."""
    [status] = [each for each in shop.slos() if each["slo"] == "checkout-errors"]
    [left] = shop.now(BUDGET)
    assert float(left["value"][1]) == pytest.approx(status["budget"]["remaining"], rel=0.05)
    [days] = shop.now(SLOTH_PANELS["period"])
    assert days["value"][1] == "30"


def test_groups_are_told_as_by_sloth(shop):
    """Its UI takes for groups what a burn rate has beside the labels of sloth_slo_info."""
    [info] = [
        each["metric"]
        for each in shop.now(UI["SLOs"])
        if each["metric"]["sloth_id"] == "checkout-regions"
    ]
    rates = [
        each["metric"]
        for each in shop.now(UI["burn rates"])
        if each["metric"]["sloth_id"] == "checkout-regions"
    ]
    groups = [
        {name: each[name] for name in each.keys() - info.keys() - {"__name__"}} for each in rates
    ]
    assert sorted(each["region"] for each in groups) == ["eu", "us"]
    assert all(each.keys() == {"region"} for each in groups)
    assert info["team"] == "front"


def test_alerts_have_the_specs_labels(shop):
    """Its name and severity, the labels of the SLO, and Sloth's own."""
    [alert] = shop.now(SLOTH_PANELS["pages"])
    wanted = {"alertname": "CheckoutBurns", "severity": "critical", "team": "payments", "tier": "1"}
    assert wanted.items() <= alert["metric"].items()
