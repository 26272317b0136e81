"""Changes that people made to services: which may be noted, and what came soon after one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from exporter.errors import RequestError
from exporter.slo.figures import minute
from exporter.slo.records import KEPT, Change
from exporter.slo.types import DAY, HOUR

Changes = Mapping[str, Sequence[Change]]
"""By service, oldest first."""

MOST_A_DAY = 100
"""Changes of one service and day, in UTC."""

MOST = 100_000
"""Changes that are kept, of all services: the newest."""

SAME = 60
"""How far apart (seconds) two changes are at the most that are one, told twice."""

SKEW = 60
"""Seconds that the clock of whoever tells of a change may be ahead."""

LONGEST_EXPERIMENT = DAY
"""Seconds after which an experiment is taken to be over whose end nobody told of."""

SOON = HOUR
"""Seconds in which what happens after a change may be because of it."""


class ChangeError(RequestError):
    """A change that cannot be: of the future, too old, or of a service that is not configured."""


class TooManyChangesError(RequestError):
    """The service has had all changes that are kept of one day."""


def key(change: Change) -> tuple[int, str]:
    """Its place among those of its service: by time."""
    return change.at, change.what


def check_time(at: float, now: float) -> None:
    """See whether a change of the time `at` may be noted `now`, both in Unix seconds.

    Raises:
        ChangeError: it may not.
    """
    if at > now + SKEW:
        raise ChangeError(f"at must not be in the future: it is {minute(now)} here")
    if at <= now - KEPT:
        raise ChangeError(f"at must be within the last year: changes are kept for {KEPT // DAY}d")


def check_room(new: Change, of_service: Iterable[Change]) -> None:
    """See whether there is room for another change of a service on its day.

    Raises:
        TooManyChangesError: there is none.
    """
    day = new.at // DAY
    if sum(each.at // DAY == day for each in of_service) >= MOST_A_DAY:
        raise TooManyChangesError(
            f"{new.service} has had {MOST_A_DAY} changes on {minute(day * DAY)[:10]}: "
            "no more are kept of one day"
        )


def alike(new: Change, of_service: Iterable[Change]) -> Change | None:
    """The change that says the same: one may be told to each of several daemons, or again."""
    near = (each for each in of_service if abs(each.at - new.at) < SAME)
    return next((each for each in near if each.what == new.what), None)


def before(of_service: Sequence[Change], at: float, within: int = SOON) -> Change | None:
    """The last change of a service that was made up to `at`, at most `within` seconds before."""
    place = bisect_right(of_service, at, key=lambda change: change.at)
    if not place or at - of_service[place - 1].at > within:
        return None
    return of_service[place - 1]


def between(of_service: Sequence[Change], start: float, end: float) -> Sequence[Change]:
    """The changes of a service in [start, end], oldest first."""
    first = bisect_left(of_service, start, key=lambda change: change.at)
    return of_service[first : bisect_right(of_service, end, key=lambda change: change.at)]


def experiment_at(of_service: Sequence[Change], at: float, late: float = 0.0) -> Change | None:
    """The beginning of the experiment that was under way at a moment, or began up to `late` after.

    What begins during one is planned.
    """
    found = None
    for change in between(of_service, at - LONGEST_EXPERIMENT, at + late):
        if change.source == "experiment":
            found = change
        elif change.source == "experiment_over" and change.at <= at:
            found = None
    return found
