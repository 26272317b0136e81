"""A postmortem that is acknowledged is shown at once."""

from __future__ import annotations

from dataclasses import replace

from exporter.daemon.acknowledged import with_acknowledged
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Acknowledgement, Incident
from exporter.web.daemon import IncidentKey
from tests.helpers.samples import AT, slo, snapshot, subject

SPENT = (600.0, 1_000_000.0, 1.0)
OTHER, INCIDENT = (
    Incident(AT - start, AT - start + 60, 1, 0.3, open=False, postmortem=True)
    for start in (9_000, 900)
)


def test_of_the_slo_and_the_incident_that_are_meant():
    """Others stay as they are."""
    state = PolicyState(incidents=(OTHER, INCIDENT))
    names = ("availability", "latency")
    before = snapshot(*[(subject(slo(name=name), policy_state=state), SPENT) for name in names])
    done = replace(INCIDENT, acknowledged=Acknowledgement(AT, "ada", "there"))
    key = IncidentKey("auth", "latency", {}, INCIDENT.start)
    first, second = with_acknowledged(before, key, done).slos
    assert first is before.slos[0]
    assert second.incidents == (OTHER, done)
