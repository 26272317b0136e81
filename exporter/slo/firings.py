"""Firings: from when to when a burn-rate condition held."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from exporter.slo.records import KEPT, Firing
from exporter.slo.types import Bools, Times
from exporter.slo.windows import BurnRateCondition

Windows = tuple[str, int, int]
"""What a condition is known by: its severity, and its windows in seconds."""

_OLDEST_FIRST = attrgetter("start", "severity", "long", "short")


@dataclass(frozen=True, slots=True)
class Course:
    """How a condition did over some boundaries, as far as that is known.

    - `newest`: the newest boundary at which it is, Unix seconds; 0 if it is at none.
    - `held`: whether it held at any of them, and `throughout`: at all of them.
    """

    newest: int
    held: bool
    throughout: bool


def gone_on(
    firings: tuple[Firing, ...], courses: Mapping[Windows, Course]
) -> tuple[Firing, ...] | None:
    """The firings after more boundaries, where what fires goes on and nothing else begins.

    That is how most evaluations find them, and takes a tenth of the time of `followed`, condition
    by condition, which gives the same.

    Args:
        firings: of all conditions, oldest first.
        courses: how each condition did, at boundaries later than those before.

    Returns:
        All that are kept, oldest first; the same tuple if nothing has changed. None if a firing
        begins or ends: then each condition has to be followed.
    """
    open_ = [_condition(firing) for firing in firings if firing.open]
    newest = 0
    for windows, course in courses.items():
        if not course.newest:
            continue
        if windows in open_:
            if not course.throughout:
                return None
            newest = max(newest, course.newest)
        elif course.held:
            return None
    if not newest:
        return firings
    if len(set(open_)) < len(open_):
        return None
    kept = []
    for firing in firings:
        if firing.open:
            windows = firing.severity, firing.long, firing.short
            end = courses[windows].newest if windows in courses else 0
            kept.append(Firing(*windows, firing.start, end, open=True) if end else firing)
        elif _is_kept(firing, newest):
            kept.append(firing)
    return tuple(sorted(kept, key=_OLDEST_FIRST))


def followed(
    firings: tuple[Firing, ...], condition: BurnRateCondition, times: Times, holds: Bools
) -> tuple[Firing, ...]:
    """The firings after more boundaries at which it is known whether a condition held.

    Args:
        firings: of all conditions, oldest first.
        condition: the one that is followed.
        times: the boundaries, Unix seconds, ascending; later than those before.
        holds: whether it held at each.

    Returns:
        All that are kept, oldest first; the same tuple if nothing has changed.
    """
    windows = (condition.severity, condition.long, condition.short)
    going_on = next(
        (firing for firing in firings if firing.open and _condition(firing) == windows), None
    )
    if not times.size or (going_on is None and not holds.any()):
        return firings
    newest = int(times[-1])
    found = [firing for firing in firings if firing is not going_on and _is_kept(firing, newest)]
    if going_on is not None and holds.all():  # as most do while much is down
        changes = []
    else:
        changes = np.flatnonzero(np.diff(holds, prepend=going_on is not None)).tolist()
    for place in changes:
        at = int(times[place])
        if going_on is None:
            going_on = Firing(*windows, start=at, end=at, open=True)
        else:
            found.append(replace(going_on, end=at, open=False))
            going_on = None
    if going_on is not None:
        found.append(replace(going_on, end=newest))
    return tuple(sorted(found, key=_OLDEST_FIRST))


def ended_without(
    firings: tuple[Firing, ...], known: Collection[Windows], at: int
) -> tuple[Firing, ...]:
    """The firings, with the open ones of conditions that are not `known` ended; the same tuple if
    there are none.

    Args:
        firings: oldest first.
        known: the severity and the windows (seconds) of every condition.
        at: when they end, Unix seconds.
    """
    if all([not firing.open or _condition(firing) in known for firing in firings]):  # noqa: C419 - a list is quicker here
        return firings
    return tuple(
        replace(firing, end=max(firing.start, at), open=False)
        if firing.open and _condition(firing) not in known
        else firing
        for firing in firings
    )


def _condition(firing: Firing) -> Windows:
    return firing.severity, firing.long, firing.short


def _is_kept(firing: Firing, now: int) -> bool:
    return firing.open or firing.end > now - KEPT
