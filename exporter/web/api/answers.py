"""The JSON of `/api/v1`: the snapshot and the daemon's state, in Prometheus's envelope.

What is not known, and what is no finite number, is null.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import orjson

from exporter.slo.durations import format_duration
from exporter.slo.snapshot import Alert, DataState, SloStatus, Snapshot
from exporter.web.daemon import Status

MOST_SLOS = 1_000
"""SLOs (groups, with `group_by`) of one answer."""


def success(data: object) -> bytes:
    """An answer that holds data."""
    return orjson.dumps({"status": "success", "data": data}, option=orjson.OPT_APPEND_NEWLINE)


def failure(kind: str, message: str) -> bytes:
    """The answer to a request that cannot be met; `bad_data` is one that is not understood."""
    answer = {"status": "error", "errorType": kind, "error": message}
    return orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)


def status(of: Status, snapshot: Snapshot) -> bytes:
    """The daemon's state, with the number of SLOs in each data state."""
    counted = Counter(one.state for one in snapshot.slos)
    slos = {state.value: counted[state] for state in DataState}
    fields = {name: getattr(of, name) for name in of.__dataclass_fields__}
    return success(fields | {"slos": slos})


def slos(snapshot: Snapshot, query: Mapping[str, str]) -> bytes:
    """One page of the snapshot's SLOs, those of one service if the query names one.

    Raises:
        ValueError: a number in the query is none, or out of bounds.
    """
    offset = _number(query, "offset", 0, at_least=0, at_most=None)
    limit = _number(query, "limit", MOST_SLOS, at_least=1, at_most=MOST_SLOS)
    service = query.get("service")
    found = [one for one in snapshot.slos if service is None or one.slo.service == service]
    return success(
        {
            "at": snapshot.at or None,
            "total": len(found),
            "offset": offset,
            "slos": [_slo(one) for one in found[offset : offset + limit]],
        }
    )


def _number(
    query: Mapping[str, str], name: str, default: int, *, at_least: int, at_most: int | None
) -> int:
    text = query.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    if number is None or number < at_least or (at_most is not None and number > at_most):
        bounds = f"at least {at_least}" + ("" if at_most is None else f" and at most {at_most}")
        raise ValueError(f"{name} must be a whole number, {bounds}")
    return number


def _slo(one: SloStatus) -> dict[str, object]:
    slo, tier = one.slo, one.tier
    return {
        "service": slo.service,
        "slo": slo.name,
        "groups": dict(one.groups),
        "labels": dict(slo.labels),
        "objective": slo.objective.ratio,
        "period": {
            "name": slo.period.label,
            "start": one.period.start,
            "end": one.period.end,
        },
        "state": one.state,
        "problem": one.problem,
        "coverage": one.coverage,
        "windows": dict(one.windows),
        "budget": one.budget,
        "raw_budget": one.raw_budget,
        "exhaustion_seconds": one.exhaustion_seconds,
        "policy": slo.policy.name,
        "tier": tier
        and {
            "name": tier.name,
            "gate": tier.gate,
            "guidance": tier.guidance,
            "link": tier.link,
            "exemptions": list(tier.exemptions),
            "since": one.tier_status.since,
            "held": one.tier_status.held,
            "recovery": one.tier_status.recovery,
        },
        "tier_changes": list(one.tier_status.changes),
        "incidents": list(one.incidents),
        "alerts": [_alert(alert) for alert in one.alerts],
        "maintenance": list(one.maintenance),
        "override": one.override,
        "last_slot": one.last_slot,
    }


def _alert(alert: Alert) -> dict[str, object]:
    return {
        "severity": alert.condition.severity,
        "long": format_duration(alert.condition.long),
        "short": format_duration(alert.condition.short),
        "threshold": alert.threshold,
        "firing": alert.firing,
        "held": alert.held,
    }
