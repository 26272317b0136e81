"""What identifies the events of an SLO, and what they are judged by: hashes of its definition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict

from exporter.slo.combining import Method
from exporter.slo.model import DEFAULT_DATASOURCE, CompositeSli, Slo


def measured(slo: Slo) -> str:
    """A hash of what is measured: the same for as long as slots counted before are still right.

    Objective, period, names, labels, policy and maintenance windows are no part of it. Keys
    without a value are left out, so that a key added to this program later changes no hash.
    """
    sli = _parts(slo.sli) if isinstance(slo.sli, CompositeSli) else _given(asdict(slo.sli))
    what = {
        "kind": type(slo.sli).__name__,
        "sli": sli,
        "slices": _given(asdict(slo.timeslices)) if slo.timeslices else None,
        "group_by": slo.group_by or None,
        "datasource": None if slo.datasource == DEFAULT_DATASOURCE else slo.datasource,
    }
    text = json.dumps(_given(what), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def judged_by(slo: Slo) -> str:
    """A hash of what tiers, incidents and firings come from, beside the events.

    What they were under another period, objective or policy is not what they would have been.
    """
    policy = slo.policy
    what = {
        "period": repr(slo.period),
        "objective": repr(slo.objective.error_budget),
        "policy": [policy.name, *((t.name, t.above, repr(t.burn_rate)) for t in policy.tiers)],
        "settings": [
            *(policy.min_coverage, policy.recover_margin),
            *(policy.min_stay, policy.postmortem_above),
        ],
        "conditions": [repr(condition) for condition in slo.alerting.enabled],
    }
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def _parts(sli: CompositeSli) -> dict[str, object]:
    """What a composite puts together; the order of its parts changes nothing."""
    weighted = sli.method is Method.WEIGHTED
    parts = [[measured(part.slo), part.weight if weighted else 1.0] for part in sli.parts]
    return {"method": sli.method, "on_unknown": sli.on_unknown, "parts": sorted(parts)}


def _given(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}
