"""Firings: from when to when a burn-rate condition held."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from exporter.slo.records import KEPT, Firing
from exporter.slo.windows import BurnRateCondition


def followed(
    firings: tuple[Firing, ...],
    condition: BurnRateCondition,
    boundaries: Sequence[tuple[int, bool]],
) -> tuple[Firing, ...]:
    """The firings after more boundaries at which it is known whether a condition held.

    Args:
        firings: of all conditions, oldest first.
        condition: the one that is followed.
        boundaries: Unix seconds, ascending, and whether it held then.

    Returns:
        All that are kept, oldest first.
    """
    windows = (condition.severity, condition.long, condition.short)
    going_on = next((one for one in firings if one.open and _condition(one) == windows), None)
    others = [one for one in firings if one is not going_on]
    for at, holds in boundaries:
        if going_on is None:
            going_on = Firing(*windows, start=at, end=at, open=True) if holds else None
        else:
            going_on = replace(going_on, end=at, open=holds)
            if not holds:
                others.append(going_on)
                going_on = None
    if boundaries:
        others = [one for one in others if one.open or one.end > boundaries[-1][0] - KEPT]
    if going_on is not None:
        others.append(going_on)
    return tuple(sorted(others, key=lambda one: (one.start, *_condition(one))))


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
        replace(one, end=max(one.start, at), open=False)
        if one.open and _condition(one) not in known
        else one
        for one in firings
    )


def _condition(firing: Firing) -> tuple[str, int, int]:
    return firing.severity, firing.long, firing.short
