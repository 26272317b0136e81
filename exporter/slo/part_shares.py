"""How the parts of a composite are doing, and how much of its burn is theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from exporter.slo.combining import Method
from exporter.slo.model import CompositeSli
from exporter.slo.snapshot import SloStatus

WINDOW = "1h"
"""What shares are of: long enough to be steady, and short enough to say what burns now."""


@dataclass(frozen=True, slots=True)
class PartShare:
    """A part, as it is (`status`; None while nothing is known of it).

    `weight` is None where it does not count. `error_ratio` is the part's own over `WINDOW`, None
    if it is not known. `share` is the part of the composite's burn that is its: its error ratio
    (times its weight) among all parts'; None while nothing fails, or if one is not known.
    """

    name: str
    weight: float | None
    status: SloStatus | None
    error_ratio: float | None
    share: float | None


ByName: TypeAlias = Mapping[tuple[str, tuple[tuple[str, str], ...]], SloStatus]
"""SLOs by their full names and their groups, sorted."""


def by_name(slos: Iterable[SloStatus]) -> ByName:
    """SLOs (groups, with `group_by`) of one moment, to find parts in."""
    return {(each.slo.full_name, tuple(sorted(each.groups.items()))): each for each in slos}


def part_shares(of: SloStatus, known: ByName) -> list[PartShare]:
    """The parts of a composite (or of one group of it), in the order of the configuration.

    `known` are the SLOs of the same moment. Parts with groups are those of the same group.
    """
    sli = of.slo.sli
    if not isinstance(sli, CompositeSli):
        return []
    own = tuple(sorted(of.groups.items()))
    weighted = sli.method is Method.WEIGHTED
    found: list[tuple[str, float, SloStatus | None, float | None]] = []
    for part in sli.parts:
        status = known.get((part.name, own if part.slo.group_by else ()))
        window = status.windows.get(WINDOW) if status else None
        found.append((part.name, part.weight, status, window.error_ratio if window else None))
    burns = [
        None if ratio is None else ratio * (weight if weighted else 1.0)
        for _, weight, _, ratio in found
    ]
    all_known = [each for each in burns if each is not None]
    whole = sum(all_known) if len(all_known) == len(burns) else 0.0
    return [
        PartShare(
            name,
            weight if weighted else None,
            status,
            ratio,
            burn / whole if burn is not None and whole > 0 else None,
        )
        for (name, weight, status, ratio), burn in zip(found, burns, strict=True)
    ]
