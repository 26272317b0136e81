"""Series that burn-rate alerts are made of: with the labels of the alert, and its figures."""

from __future__ import annotations

import pytest

from exporter.slo.alerting import Alerting, SeverityAlerts
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Firing
from exporter.slo.types import HOUR
from tests.helpers.exposition.reading import families, values
from tests.helpers.samples import AT, Sums, every_window, slo, snapshot, subject

CALM: Sums = (0.0, 1000.0, 1.0)
BURNING: Sums = (100.0, 1000.0, 1.0)
MONTH: Sums = (600.0, 1_000_000.0, 1.0)


def labelled(shot, name: str) -> dict[str, tuple[dict[str, str], float]]:
    """A family's series by severity: further labels, and the value."""
    _, samples = families(shot)[name]
    found = {}
    for (_, labels), value in samples.items():
        own = dict(labels)
        severity = own.pop("severity")
        assert severity not in found
        found[severity] = ({k: v for k, v in own.items() if k not in ("service", "slo")}, value)
    return found


def burning(of, *severe: str, **more):
    """An SLO of which 10% fails in the windows of the hours; the period is nearly calm."""
    sums = every_window(of, CALM) | {"30d": MONTH}
    sums |= dict.fromkeys(severe, BURNING)
    return snapshot((subject(of, **more), sums))


PAGING = ("5m", "30m", "1h", "6h")


def test_what_fires_has_its_burn_rate_and_nothing_else_does():
    """Of the short window of the worst condition; 0 tells that the rule is at work."""
    shot = burning(slo(), *PAGING)
    assert labelled(shot, "slo_alert_burn_rate") == {
        "page": ({}, pytest.approx(100)),
        "ticket": ({}, 0.0),
    }
    calm = burning(slo())
    assert {value for _, value in labelled(calm, "slo_alert_burn_rate").values()} == {0.0}
    assert labelled(calm, "slo_alert_error_ratio") == {}


def test_the_figures_are_those_of_the_page():
    """The ratio, what is allowed, what is left, how fast it goes, how long it lasts, since when."""
    firing = Firing("page", HOUR, 300, start=AT - 600, end=AT, open=True)
    shot = burning(slo(), *PAGING, policy_state=PolicyState(firings=(firing,)))
    assert labelled(shot, "slo_alert_error_ratio") == {"page": ({}, pytest.approx(0.1))}
    assert labelled(shot, "slo_alert_allowed_error_ratio")["page"][1] == pytest.approx(0.001)
    assert labelled(shot, "slo_alert_budget_remaining_ratio")["page"][1] == pytest.approx(0.4)
    # 100 times what is right for 30 days is a 7.2th of it every hour.
    hourly = labelled(shot, "slo_alert_budget_hourly_ratio")["page"][1]
    assert hourly == pytest.approx(100 / (30 * 24))
    left = labelled(shot, "slo_alert_exhaustion_seconds")["page"][1]
    [outlook] = values(shot, "slo_error_budget_exhaustion_seconds").values()
    assert 0 < left == outlook
    assert labelled(shot, "slo_alert_since_timestamp_seconds")["page"][1] == AT - 600


def test_an_alert_carries_its_own_labels():
    """Its name, the SLO's owner, and those of the severity; a group's labels come first."""
    own = Alerting(
        name="AuthBurns",
        page=SeverityAlerts(labels={"team": "shop", "region": "nowhere"}),
        ticket=SeverityAlerts(labels={"team": "later", "owner": "desk"}),
    )
    of = slo(alerting=own, labels={"owner": "identity", "tier": "1"}, group_by=("region",))
    shot = burning(of, *PAGING, groups={"region": "eu"})
    expected = {"alert_name": "AuthBurns", "region": "eu"}
    found = labelled(shot, "slo_alert_burn_rate")
    assert found["page"][0] == expected | {"owner": "identity", "team": "shop"}
    assert found["ticket"][0] == expected | {"owner": "desk", "team": "later"}
    assert labelled(shot, "slo_alert_error_ratio")["page"][0] == found["page"][0]


def test_its_own_annotations_are_labels_of_a_series():
    """From the SLO's labels where they are links, then from the alert's annotations."""
    own = Alerting(
        page=SeverityAlerts(annotations={"runbook_url": "https://wiki/own", "note": "{{ $value }}"})
    )
    labels = {"runbook": "https://wiki/slo", "dashboard": "https://grafana/slo"}
    [(found, one)] = labelled(
        burning(slo(alerting=own, labels=labels), *PAGING), "slo_alert_annotations"
    ).values()
    assert one == 1.0
    assert found == {
        "annotation_runbook_url": "https://wiki/own",
        "annotation_dashboard_url": "https://grafana/slo",
    }
    plain = burning(slo(labels={"runbook": "ask Bob"}), *PAGING)
    assert labelled(plain, "slo_alert_annotations") == {}
    assert labelled(burning(slo(labels=labels)), "slo_alert_annotations") == {}


def test_a_disabled_severity_has_no_alert():
    """Nor conditions, nor thresholds."""
    of = slo(alerting=Alerting(page=SeverityAlerts(disabled=True)))
    shot = burning(of, *PAGING)
    assert labelled(shot, "slo_alert_burn_rate").keys() == {"ticket"}
    _, conditions = families(shot)["slo_burn_rate_alert"]
    assert {dict(labels)["severity"] for _, labels in conditions} == {"ticket"}


def test_an_overspent_budget_lasts_no_time():
    """What is left is below 0, and there is no forecast."""
    of = slo()
    shot = snapshot((subject(of), every_window(of, BURNING)))
    assert labelled(shot, "slo_alert_budget_remaining_ratio")["page"][1] == pytest.approx(-99)
    assert labelled(shot, "slo_alert_exhaustion_seconds") == {}
