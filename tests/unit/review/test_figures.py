"""What the figures and the file tell of an SLO in its review."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.review.figures import look_at_figures
from exporter.slo.alerting import Alerting, SeverityAlerts
from exporter.slo.maintenance import one_off
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR
from tests.helpers.samples import AT, slo, snapshot, subject

SPENT = (600.0, 1_000_000.0, 1.0)
LABELS = {"owner": "team", "runbook": "https://wiki.test", "criticality": "tier 1"}


def status(sums: tuple[float, float, float] = SPENT, **more: object) -> SloStatus:
    [made] = snapshot((subject(slo(**more)), sums)).slos
    return made


def lines(of: SloStatus, about: str) -> list[str]:
    return [str(finding) for finding in look_at_figures(of) if finding.about == about]


def test_an_slo_that_is_well_has_ok_alone():
    """Nothing is left to be done."""
    found = look_at_figures(status(labels=LABELS))
    assert {finding.level for finding in found} == {"ok"}


@pytest.mark.parametrize(
    ("of", "about", "line"),
    [
        (status((0, 5_000, 1)), "traffic", "WARN  traffic: the budget of a period is 5.0 bad"),
        (status((0, 20_000, 1)), "traffic", "ok    traffic: the budget of a period is 20 bad"),
        (
            status((2_000, 1_000_000, 1)),
            "objective",
            "WARN  objective: it was missed in the last period: overspent by 100%",
        ),
        (status((600, 1e6, 0.5)), "retention", "WARN  retention: 50% of the period is known"),
        (
            status(labels={"owner": "team"}),
            "labels",
            "WARN  labels: there is no runbook, criticality",
        ),
        (replace(status(), lag=40), "lateness", "WARN  lateness: data are 40s late"),
        (
            replace(status(), scrape_interval=300.0),
            "scrape interval",
            "WARN  scrape interval: series are scraped every 5m",
        ),
        (
            status(maintenance=(one_off("upgrade", AT - 2 * HOUR, AT - HOUR),)),
            "maintenance",
            "ok    maintenance: 1h of the last 30d are excluded",
        ),
        (status(), "alerts", "ok    alerts: every burn-rate condition can fire"),
    ],
)
def test_what_is_told(of, about, line):
    """With its level."""
    [found] = lines(of, about)
    assert found.startswith(line)


def test_conditions_that_cannot_fire_are_told_by_why():
    """The objective is too low, or the period too short."""
    [low] = lines(status(percent="90"), "alerts")
    assert low == (
        "WARN  alerts: page 1h/5m cannot fire, as 144% would have to fail: raise the objective, or "
        "take a shorter period"
    )
    [short] = lines(status(period=DAY), "alerts")
    assert short == (
        "WARN  alerts: ticket 3d/6h cannot fire: its window 3d is longer than the period (1d)"
    )
    disabled = Alerting(ticket=SeverityAlerts(disabled=True))
    [told] = lines(status(alerting=disabled), "alerts")
    assert told == "WARN  alerts: ticket alerts are disabled: nobody is told"
