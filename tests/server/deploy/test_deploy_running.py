"""The Docker Compose project's own files at work, on this machine."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from exporter.cli import main
from tests.helpers.deploy.composed import Composed
from tests.helpers.deploy.deployed import ROOT, STORAGE, alerts


@pytest.fixture(scope="module")
def composed(
    prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Composed]:
    """All of it runs."""
    with Composed(prometheus_binary, tmp_path_factory.mktemp("composed")) as composed:
        yield composed


def test_everything_is_scraped(composed):
    """The jobs find their targets, and every SLO of the configuration counts the demo's events."""
    composed.until(lambda: len(composed.ask("up == 1")) == 2)
    composed.until(lambda: len(composed.ask("slo_events_total > 0")) == 4)
    found = {series["metric"]["service"] for series in composed.ask("slo_info")}
    assert found == {"checkout", "search", "auth"}


def test_every_rule_can_be_evaluated(composed):
    """On real series, which unit tests of rules do not have."""
    composed.until(lambda: all(rule["health"] != "unknown" for rule in composed.rules()))
    assert {rule["name"]: rule["health"] for rule in composed.rules()} == dict.fromkeys(
        alerts(), "ok"
    )


def test_the_demos_incident_pages(composed):
    """Checkout fails, the exporter counts it, Prometheus asks, Alertmanager has the page."""

    def of_checkout() -> list[dict]:
        # Of the others, a few failures among the first requests may page as well.
        pages = composed.alerts("ErrorBudgetBurnPage")
        return [alert for alert in pages if alert["labels"]["service"] == "checkout"]

    composed.until(of_checkout)
    paged = of_checkout()
    assert {receiver["name"] for alert in paged for receiver in alert["receivers"]} == {
        "payments-page"
    }


def test_whoever_is_paged_gets_no_ticket_as_well(composed):
    """Alertmanager holds back the tickets of the SLO that pages."""

    def tickets() -> set[str]:
        alerts = composed.alerts("ErrorBudgetBurnTicket")
        return {
            alert["status"]["state"] for alert in alerts if alert["labels"]["service"] == "checkout"
        }

    composed.until(lambda: tickets() == {"suppressed"})


def test_the_handbooks_backup_can_be_restored(composed, tmp_path):
    """Taken while the exporter runs, it holds every SLO."""
    handbook = (ROOT / "docs/operating.md").read_text()
    (command,) = re.findall(
        r"^    error-budget-exporter (ledger .* backup .*)$", handbook, re.MULTILINE
    )
    command = command.replace("/backup", str(tmp_path)).replace(STORAGE, str(composed.storage))
    copied = CliRunner().invoke(main, shlex.split(command))
    assert copied.exit_code == 0, copied.output
    stored = CliRunner().invoke(main, ["ledger", f"--storage.path={tmp_path}"])
    assert stored.exit_code == 0, stored.output
    for slo in ("checkout/availability", "search/latency", "auth/availability"):
        assert slo in stored.output


def test_an_exporter_that_is_down_pages_until_it_is_back(composed):
    """The alert reaches Alertmanager with its runbook, and ends by itself."""
    composed.until(lambda: composed.ask('up{job="error-budget-exporter"} == 1'))
    assert composed.alerts("ErrorBudgetExporterDown") == []
    composed.exporter.stop()
    composed.until(lambda: composed.alerts("ErrorBudgetExporterDown"))
    (alert,) = composed.alerts("ErrorBudgetExporterDown")
    assert alert["labels"]["severity"] == "page"
    assert alert["status"]["state"] == "active", "it holds back the others, not itself"
    annotations = dict(alerts()["ErrorBudgetExporterDown"]["annotations"])
    # Where it was scraped: the page is there again when it is up.
    del annotations["runbook_url"]
    runbook = alert["annotations"].pop("runbook_url")
    assert runbook.endswith("/runbooks/ErrorBudgetExporterDown")
    assert runbook.startswith("http://")
    assert alert["annotations"] == annotations
    assert [receiver["name"] for receiver in alert["receivers"]] == ["page"]
    composed.exporter.start()
    composed.until(lambda: composed.ask('ALERTS{alertname="ErrorBudgetExporterDown"}') == [])


@pytest.mark.slow
def test_without_an_incident_no_budget_is_spent(prometheus_binary, promtool, tmp_path):
    """The shop has its past, so that a few failures in its first minute are what they are."""
    with Composed(prometheus_binary, tmp_path, promtool) as composed:
        composed.until(lambda: len(composed.ask("slo_data_coverage_ratio > 0.99")) == 4)
        composed.until(lambda: len(composed.ask("slo_error_budget_remaining_ratio > 0.1")) == 4)
        assert composed.ask('slo_policy_tier{tier="exhausted"} == 1') == []
        assert composed.alerts("ErrorBudgetBurnPage") == []
