"""The rules that race: ours, and those of the shape that other tools write, for services that count
`requests_total`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from exporter.rules.rule import RuleOptions
from exporter.rules.writing import groups

BUDGET = 0.001
"""The error budget of every service, a ratio."""

SLOTH, SLOTH_OFTEN, PYRRA = "SlothPage", "SlothPage15s", "PyrraBurn"


def _sloth(name: str, service: str, suffix: str, every: dict[str, str]) -> list[dict[str, Any]]:
    """The two groups that Sloth writes for an SLO: recorded ratios, and alerts on them."""
    labels = {"sloth_id": f"{service}{suffix}", "sloth_service": service}
    record = [
        {
            "record": f"slo:sli_error:ratio_rate{window}",
            "expr": f'(sum(rate(requests_total{{service="{service}",code="500"}}[{window}])))\n/\n'
            f'(sum(rate(requests_total{{service="{service}"}}[{window}])))',
            "labels": {**labels, "sloth_window": window},
        }
        for window in ("5m", "30m", "1h", "6h")
    ]

    def above(window: str, factor: float) -> str:
        series = f'slo:sli_error:ratio_rate{window}{{sloth_id="{service}{suffix}"}}'
        return f"max({series} > ({factor} * {BUDGET})) without (sloth_window)"

    alert = {
        "alert": name,
        "expr": f"({above('5m', 14.4)} and {above('1h', 14.4)})\nor\n"
        f"({above('30m', 6)} and {above('6h', 6)})",
        "labels": {"service": service},
    }
    return [
        {"name": f"sloth-slo-sli-recordings-{service}{suffix}", **every, "rules": record},
        {"name": f"sloth-slo-alerts-{service}{suffix}", **every, "rules": [alert]},
    ]


def _pyrra(service: str) -> dict[str, Any]:
    """The group of burn rates that Pyrra writes for an SLO, with the interval that it has."""
    record = [
        {
            "record": f"requests:burnrate{window}",
            "expr": f'sum(rate(requests_total{{service="{service}",code="500"}}[{window}])) / '
            f'sum(rate(requests_total{{service="{service}"}}[{window}]))',
            "labels": {"slo": service},
        }
        for window in ("5m", "30m", "1h", "6h")
    ]

    def alert(short: str, long: str, factor: int, wait: str) -> dict[str, Any]:
        both = (
            f'requests:burnrate{w}{{slo="{service}"}} > ({factor} * {BUDGET})'
            for w in (short, long)
        )
        return {
            "alert": PYRRA,
            "expr": " and ".join(both),
            "for": wait,
            "labels": {"service": service, "long": long},
        }

    alerts = [alert("5m", "1h", 14, "2m"), alert("30m", "6h", 7, "15m")]
    return {"name": f"pyrra-{service}", "interval": "30s", "rules": [*record, *alerts]}


def racing_rules(services: Iterable[str]) -> dict[str, Any]:
    """Prometheus's rule file for these services."""
    ours = groups(RuleOptions())["groups"][:1]
    others = []
    for name in services:
        others += _sloth(SLOTH, name, "", {})  # at Prometheus's own interval, as Sloth leaves it
        others += _sloth(SLOTH_OFTEN, name, "-15s", {"interval": "15s"})
        others.append(_pyrra(name))
    return {"groups": [*ours, *others]}
