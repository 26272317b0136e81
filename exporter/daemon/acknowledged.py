"""What is shown of an incident whose postmortem was taken care of, until the next evaluation."""

from __future__ import annotations

from dataclasses import replace

from exporter.slo.records import Incident
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.statuses import changed, slos_of
from exporter.web.daemon import IncidentKey


def with_acknowledged(snapshot: Snapshot, key: IncidentKey, incident: Incident) -> Snapshot:
    """The snapshot with one of its incidents as it is now."""

    def amended(status: SloStatus) -> SloStatus:
        named = (status.slo.service, status.slo.name, dict(status.groups))
        if named != (key.service, key.slo, dict(key.groups)):
            return status
        incidents = (incident if each.start == key.start else each for each in status.incidents)
        return replace(status, incidents=tuple(incidents))

    places = [
        i
        for i, slo in enumerate(slos_of(snapshot.slos))
        if (slo.service, slo.name) == (key.service, key.slo)
    ]
    return replace(snapshot, slos=changed(snapshot.slos, amended, places))
