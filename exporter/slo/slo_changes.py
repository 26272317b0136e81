"""What has changed between two lists of SLOs, in words for the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exporter.slo.model import Slo

MOST = 10
"""Names in one line of the log."""


def changes(before: Sequence[Slo], after: Sequence[Slo]) -> dict[str, str]:
    """Which SLOs were added, removed and changed; what has no entry did not happen."""
    old = {f"{slo.service}/{slo.name}": slo for slo in before}
    new = {f"{slo.service}/{slo.name}": slo for slo in after}
    found = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": [
            f"{name} ({', '.join(_changes(old[name], slo))})"
            for name, slo in new.items()
            if name in old and slo != old[name]
        ],
    }
    return {what: _listed(names) for what, names in found.items() if names}


def _changes(old: Slo, new: Slo) -> Iterator[str]:
    if old.objective != new.objective:
        yield f"objective {100 * old.objective.ratio:.10g} -> {100 * new.objective.ratio:.10g}"
    if old.period != new.period:
        yield f"period {old.period.label} -> {new.period.label}"
    for name in ("sli", "policy", "labels", "maintenance", "datasource", "timeslices"):
        if getattr(old, name) != getattr(new, name):
            yield name
    if (old.group_by, old.group_as, old.max_groups) != (new.group_by, new.group_as, new.max_groups):
        yield "group_by"
    if (old.low_traffic, old.alerting) != (new.low_traffic, new.alerting):
        yield "alerting"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
