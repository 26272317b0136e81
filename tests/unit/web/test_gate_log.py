"""What the log has of the gate: that it blocks, once per service and hour."""

from __future__ import annotations

import time

import pytest
from structlog.testing import capture_logs

from exporter.slo.gate import Decision, ServiceDecision
from exporter.slo.types import HOUR
from exporter.web.api.gate_api import GateLog


def decision(service: str = "auth", of: Decision = Decision.BLOCK) -> ServiceDecision:
    return ServiceDecision(service, None, None, 0, of, "no budget is left", ())


def test_a_block_is_told_once_an_hour(monkeypatch):
    """Pipelines ask every few seconds; each service is told of by itself."""
    now = 1_000_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    log = GateLog()
    with capture_logs() as logs:
        for service in ("auth", "auth", "mail"):
            log.blocked(decision(service))
        now += HOUR
        log.blocked(decision())
    assert [(each["event"], each["service"], each["why"]) for each in logs] == [
        ("gate blocks", "auth", "no budget is left"),
        ("gate blocks", "mail", "no budget is left"),
        ("gate blocks", "auth", "no budget is left"),
    ]


@pytest.mark.parametrize("of", [Decision.ALLOW, Decision.CAUTION, Decision.UNKNOWN])
def test_others_are_not_told(of):
    """They hold nobody up, or the log tells of them in other words."""
    with capture_logs() as logs:
        GateLog().blocked(decision(of=of))
    assert logs == []
