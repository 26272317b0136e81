"""From a failing service to the page, and back: nothing on the way is a mock."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import pytest

from exporter.demo.servers import http_get
from tests.helpers.alerting.staged import GROUP_WAIT, Stage, stage
from tests.helpers.paths import ROOT

PAGE, TICKET = "ErrorBudgetBurnPage", "ErrorBudgetBurnTicket"
WORSENED = "ErrorBudgetTierWorsened"
FIGURES = (
    r"\d[\d.]*% of events fail, 14% are allowed\. "
    r"(\d[\d.]*% of the error budget is left|"
    r"The error budget is overspent (by \d[\d.]*%|\d[\d.]*k? times over)), "
    r"(\d[\d.]*% of it goes every hour|a whole one goes in [\ddhms. ]+)\."
    r"( At this rate it is spent in [\ddhms. ]+\.)?"
    r" Since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC\."
)
CALM = 5
"""Scrapes of the exporter before the outage, at least."""


def test_an_outage_pages_once_holds_the_ticket_back_and_resolves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The page names the SLO and its owner; how long each step took is printed."""
    with stage(tmp_path) as on:
        on.until("calm", lambda: (_value(on, "count_over_time(slo_burn_rate[1m])") or 0) >= CALM)
        assert _value(on, "max(slo_burn_rate_alert)") == 0
        assert on.alerts(PAGE) == []

        began = on.begin_outage()
        condition = 'max(slo_burn_rate_alert{severity="page"})'
        seen = on.until("the condition", lambda: _value(on, condition))
        held = on.until("the ticket held back", lambda: _states(on, TICKET) == {"suppressed"})
        on.until("the page", lambda: on.inbox.of("payments-page"))
        on.until("the ticket's turn", lambda: time.time() > held + GROUP_WAIT + 1)
        assert TICKET not in _tickets(on), "whoever is paged gets no ticket for what burns"
        # The outage makes the tier worse as well: that is told of all the same.
        on.until("the worse tier", lambda: WORSENED in _tickets(on))
        (page,) = on.inbox.of("payments-page")
        (alert,) = page["alerts"]
        assert page["status"] == "firing"
        assert alert["labels"] == {
            "alertname": PAGE,
            "service": "checkout",
            "slo": "availability",
            "severity": "page",
            "owner": "payments",
            "job": "error-budget-exporter",
        }
        assert alert["annotations"]["summary"].startswith("checkout/availability burns")
        assert normalised(page) == normalised(documented()), "docs/alerting.md shows what is sent"
        told = alert["annotations"]
        assert re.fullmatch(FIGURES, told["description"]), told["description"]
        assert told["runbook_url"] == f"http://127.0.0.1:{on.exporter.port}/runbooks/{PAGE}"
        status, runbook = http_get(on.exporter.port, f"/runbooks/{PAGE}")
        assert status == 200
        assert b"Stop the failing first" in runbook

        ended = on.end_outage()
        on.until("the end of it", lambda: on.inbox.of("payments-page", "resolved"))
        (firing, resolved) = on.inbox.of("payments-page")
        assert (firing["status"], resolved["status"]) == ("firing", "resolved")
        (over,) = resolved["alerts"]
        assert over["labels"] == alert["labels"]

    steps = {
        "outage begins, its condition is in Prometheus": seen - began,
        "outage begins, the page arrives": firing["at"] - began,
        "outage begins, the ticket is held back": held - began,
        "outage ends, the page is resolved": resolved["at"] - ended,
    }
    lines = [f"  {step}: {seconds:.1f} s" for step, seconds in steps.items()]
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")


def documented() -> dict:
    """The body that docs/alerting.md shows."""
    text = (ROOT / "docs/alerting.md").read_text()
    [block] = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    body: dict = json.loads(block)
    return body


def normalised(body: dict) -> dict:
    """A notification without what differs from one time to the next; its words are kept."""
    text = json.dumps({key: value for key, value in body.items() if key != "at"})
    text = re.sub(FIGURES, "FIGURES", text)
    text = re.sub(r"http://[^/\"]+", "http://HOST", text)
    text = re.sub(r"\"fingerprint\": \"[0-9a-f]{16}\"", '"fingerprint": "F"', text)
    text = re.sub(r"20\d\d-\d\d-\d\dT[\d:.]+(Z|\+\d\d:\d\d)", "TIME", text)
    found: dict = json.loads(re.sub(r"budget [\d.]+ times", "budget N times", text))
    return found


@pytest.mark.slow
def test_neither_a_page_nor_a_restart_swallows_a_freeze(tmp_path: Path):
    """The tier gets worse, and the exporter restarts before Prometheus has seen that it was."""
    with stage(tmp_path) as on:
        on.until("calm", lambda: (_value(on, "count_over_time(slo_burn_rate[1m])") or 0) >= CALM)
        on.begin_outage()
        own = 'slo_policy_tier{service="checkout",slo="availability",tier="normal"} '
        on.until("a worse tier", lambda: on.metric(own + "0.0"))
        on.restart_exporter()
        on.until("the page", lambda: on.inbox.of("payments-page"))
        on.until("the worse tier", lambda: WORSENED in _tickets(on))
        [told] = {
            (alert["labels"]["tier"], alert["labels"]["owner"])
            for notification in on.inbox.of("payments-ticket", "firing")
            for alert in notification["alerts"]
            if alert["labels"]["alertname"] == WORSENED
        }
        assert told == ("exhausted", "payments")
        # The page fires all the while, and what it holds back is held back.
        assert "active" in _states(on, PAGE)
        assert TICKET not in _tickets(on)


def _tickets(on: Stage) -> set[str]:
    return {each["groupLabels"]["alertname"] for each in on.inbox.of("payments-ticket")}


def _value(on: Stage, query: str) -> float | None:
    """The first value of an answer; None where there is none."""
    result = on.ask(query)
    return float(result[0]["value"][1]) if result else None


def _states(on: Stage, name: str) -> set[str]:
    return {alert["status"]["state"] for alert in on.alerts(name)}
