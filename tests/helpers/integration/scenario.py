"""What a case is made of: a history, the SLO that watches it, and what the oracle counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from exporter.slo.model import EventsSli, Objective, Sli, Slo
from exporter.slo.period import RollingPeriod
from tests.helpers.integration.histories import END, History, scrapes
from tests.oracle import DAY, HOUR, MINUTE

PERIOD = RollingPeriod(4 * DAY)
START = END - 5 * DAY
SPOTS = (END - 80 * HOUR + 137, END - 30 * HOUR + 1_003, END - 2 * HOUR + 641)
"""Moments off every slot boundary: 80 h, 30 h and 2 h before the end."""

TOTAL, BUCKET, COUNT = "requests_total", "latency_seconds_bucket", "latency_seconds_count"


@dataclass(frozen=True)
class Case:
    """A history, the SLO that watches it, and its bad and total events after the oracle."""

    history: History
    slo: Slo
    bad: Callable[[float, float], float]
    total: Callable[[float, float], float]


def objective(percent: str) -> Objective:
    return Objective.from_percent(Decimal(percent))


def slo_of(history: History, sli: Sli, **settings) -> Slo:
    settings = {"objective": objective("99.5"), "period": PERIOD} | settings
    return Slo(service=history.service, name="slo", sli=sli, **settings)


def selector(history: History, more: str = "") -> str:
    return f'{TOTAL}{{service="{history.service}"{more}}}'


def availability(history: History, **settings) -> Case:
    """The case of a service whose requests carry a code: 5xx is bad."""
    sli = EventsSli(
        total=selector(history),
        bad=selector(history, ', code=~"5.."'),
    )
    bad = [history.events(TOTAL, code=code).between for code in ("500", "502", "503")]
    return Case(
        history,
        slo_of(history, sli, **settings),
        bad=lambda start, end: sum(count(start, end) for count in bad),
        total=history.events(TOTAL).between,
    )


def denser_at_spots() -> list[float]:
    """Scrapes at the usual interval, and every 5 s where something happens."""
    dense = (t for spot in SPOTS for t in scrapes(spot - MINUTE, spot + MINUTE, step=5, offset=1))
    return sorted({*scrapes(START), *dense})
