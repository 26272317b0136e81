"""Overrides: by a person's word, and within limits, a deploy passes a gate that blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from exporter.errors import RequestError
from exporter.slo.durations import format_duration
from exporter.slo.period import CalendarPeriod
from exporter.slo.records import Override
from exporter.slo.snapshot import SloStatus, Snapshot
from exporter.slo.statuses import changed, changed_places, slos_of
from exporter.slo.types import HOUR

WHOLE = HOUR
"""Seconds from which an override counts as a whole one."""

OFFLINE = 1_000_000_000
"""Ids from here on are drawn at random: they are of overrides that were recorded while the database
that gives out the others was out of reach."""


class OverrideError(RequestError):
    """An override that cannot be: it is too long, or none at all."""


class QuotaError(RequestError):
    """The service has had all its overrides of this quarter."""


@dataclass(frozen=True, slots=True)
class OverrideLimits:
    """`longest` is in seconds; `per_quarter` is for each service and calendar quarter, in UTC."""

    longest: int = 72 * 3_600
    per_quarter: int = 3


def in_force(overrides: Iterable[Override], service: str, slo: str, now: float) -> Override | None:
    """The override that holds for an SLO; of several the one that does so longest."""
    return max(
        (
            override
            for override in overrides
            if override.service == service
            and override.slo in (None, slo)
            and override.start <= now < override.until
        ),
        key=lambda one: one.until,
        default=None,
    )


def check(new: Override, before: Iterable[Override], limits: OverrideLimits) -> None:
    """See whether an override may be recorded.

    Those of less than an hour use up less of the quota: three of a minute, by mistake or by malice,
    must not keep a service from overriding for the rest of a quarter. Those that were ended early
    count for the time in which they held.

    Raises:
        OverrideError: it is over before it begins, or too long.
        QuotaError: the quota of the quarter is used up.
    """
    if new.until <= new.start:
        raise OverrideError("until must be in the future")
    if new.until - new.start > limits.longest:
        longest = format_duration(limits.longest)
        raise OverrideError(f"an override may last {longest} at the most")
    if _used(before, new.service, new.start) >= limits.per_quarter:
        begin = datetime.fromtimestamp(_quarter(new.start)[1], UTC)
        raise QuotaError(
            f"{new.service} has had its {limits.per_quarter} overrides of this quarter; "
            f"the next quarter begins on {begin:%Y-%m-%d}"
        )


def _used(overrides: Iterable[Override], service: str, now: float) -> float:
    """How much of its quota a service has used in the quarter of `now`: 1 for each whole one."""
    start, end = _quarter(now)
    lasted = (
        one.until - one.start
        for one in overrides
        if one.service == service and start <= one.start < end
    )
    return sum(min(1.0, seconds / WHOLE) for seconds in lasted)


def count(overrides: Iterable[Override], now: float) -> Counter[str]:
    """How many overrides each service has had in the calendar quarter of `now`, in UTC."""
    start, end = _quarter(now)
    return Counter(override.service for override in overrides if start <= override.start < end)


def _quarter(now: float) -> tuple[int, int]:
    # The span of a calendar period is (start, end]: a quarter's first moment is in it here.
    span = CalendarPeriod("quarter").span(int(now) + 1)
    return span.start, span.end


def with_overrides(snapshot: Snapshot, overrides: Sequence[Override], now: float) -> Snapshot:
    """The snapshot with the overrides in force at `now`, and how many there were."""
    counted = count(overrides, now)
    slos = slos_of(snapshot.slos)
    services = dict.fromkeys(slo.service for slo in slos)
    # Few of a year's overrides hold, but there may be thousands of SLOs.
    holding = [override for override in overrides if override.start <= now < override.until]
    of_services = {override.service for override in holding}
    places = [i for i, slo in enumerate(slos) if slo.service in of_services]
    places += changed_places(snapshot.slos)  # what no longer holds is in these

    def told(status: SloStatus) -> SloStatus:
        found = in_force(holding, status.slo.service, status.slo.name, now)
        return status if found is status.override else replace(status, override=found)

    return replace(
        snapshot,
        slos=changed(snapshot.slos, told, places),
        overrides={name: counted[name] for name in services},
    )
