"""What assistants are told of an SLO: less than the API does, since they read all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Answer = dict[str, Any]


def began(record: Mapping[str, Any]) -> float:
    """When a record begins, Unix seconds."""
    return float(record["start"] if "start" in record else record["at"])


def name(slo: Answer) -> Answer:
    """What an SLO is known by."""
    return {"service": slo["service"], "slo": slo["slo"], "groups": slo["groups"]}


def summary(slo: Answer) -> Answer:
    """An SLO in short."""
    tier, budget, windows = slo["tier"], slo["budget"], slo["windows"]
    return {
        **name(slo),
        "objective": slo["objective"],
        "period": slo["period"]["name"],
        "state": slo["state"],
        "problem": slo["problem"],
        "tier": tier and tier["name"],
        "gate": tier and tier["gate"],
        "budget_remaining": budget and budget["remaining"],
        "coverage": slo["coverage"],
        **{
            f"burn_rate_{name}": windows[name]["burn_rate"] if name in windows else None
            for name in ("5m", "1h")
        },
        "firing": [
            f"{each['severity']} {each['long']}/{each['short']}"
            for each in slo["alerts"]
            if each["firing"]
        ],
    }


def burning(slo: Answer) -> Answer:
    """An SLO that burns: in short, and how."""
    severities = {each["severity"] for each in slo["alerts"] if each["firing"]}
    newest = slo["windows"].get("5m")
    return {
        "severity": "page" if "page" in severities else sorted(severities)[0],
        **summary(slo),
        "error_ratio_5m": newest and newest["error_ratio"],
        "allowed_error_ratio": 1 - slo["objective"],
        "exhaustion_seconds": slo["exhaustion_seconds"],
        "since": min((each["start"] for each in slo["firings"] if each["open"]), default=None),
        "incident": next((each for each in slo["incidents"][::-1] if each["open"]), None),
    }
