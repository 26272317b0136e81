"""Firings: from when to when a burn-rate condition held."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from exporter.slo.records import KEPT, Firing
from exporter.slo.types import Bools, Times
from exporter.slo.windows import BurnRateCondition


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
    return tuple(sorted(found, key=lambda one: (one.start, *_condition(one))))


def ended_without(
    firings: tuple[Firing, ...], known: Collection[tuple[str, int, int]], at: int
) -> tuple[Firing, ...]:
    """The firings, with the open ones of conditions that are not `known` ended.

    Args:
        firings: oldest first.
        known: the severity and the windows (seconds) of every condition.
        at: when they end, Unix seconds.
    """
    return tuple(
        replace(firing, end=max(firing.start, at), open=False)
        if firing.open and _condition(firing) not in known
        else firing
        for firing in firings
    )


def _condition(firing: Firing) -> tuple[str, int, int]:
    return firing.severity, firing.long, firing.short


def _is_kept(firing: Firing, now: int) -> bool:
    return firing.open or firing.end > now - KEPT
