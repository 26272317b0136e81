"""Why slots are not known of an SLO, though Prometheus has answered for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.collection.slot_range import SlotRange
from exporter.slo.types import HOUR, SloIndex

MOST_KEPT = 100
"""Slots of an SLO of which it is kept why they are not known; the newest."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a slot is not known, in words for the SLO's owner.

    `proof` is how much it proves, for `holds` seconds, that no figure of the SLO can be right:
    several that add up to 1 do.
    """

    text: str
    proof: float = 0.0
    holds: int = HOUR


class UnknownSlots:
    """Keeps the reasons, by SLO and by the slot's end."""

    def __init__(self) -> None:
        self._reasons: dict[SloIndex, dict[int, Reason]] = defaultdict(dict)

    def note(self, slo_index: SloIndex, span: SlotRange, reasons: Mapping[int, Reason]) -> None:
        """Note the reasons, by the ends of slots, that a span's newest answer gives."""
        kept = self._reasons[slo_index]
        for end in [end for end in kept if span.start < end <= span.end]:
            del kept[end]
        kept.update(reasons)
        for end in sorted(kept)[:-MOST_KEPT]:
            del kept[end]

    def noting(self, slo_index: SloIndex, span: SlotRange) -> Callable[[int, Reason], None]:
        """Notes further reasons of a span's newest answer, by the slots' places in it."""
        kept = self._reasons[slo_index]
        return lambda i, reason: kept.update({span.one(i).end: reason})

    def among(self, slo_index: SloIndex, span: SlotRange) -> set[int]:
        """Which slots of a span (by their place in it) are not known of an SLO."""
        kept = self._reasons.get(slo_index, {})
        return {i for i in range(span.count) if span.one(i).end in kept} if kept else set()

    def newest(self, since: float) -> dict[SloIndex, str]:
        """The reason of each SLO's newest such slot, if it ended after `since` (Unix seconds)."""
        newest = {slo_index: max(kept) for slo_index, kept in self._reasons.items() if kept}
        return {
            slo_index: self._reasons[slo_index][end].text
            for slo_index, end in newest.items()
            if end > since
        }

    def invalid(self, at: float) -> dict[SloIndex, str]:
        """The SLOs that cannot be right at a moment (Unix seconds), as their slots prove; with the
        reason of the newest such slot."""
        found = {}
        for slo_index, kept in self._reasons.items():
            proving = {
                end: each for end, each in kept.items() if each.proof and end > at - each.holds
            }
            # Thirds add up to a little less than 1.
            if sum(each.proof for each in proving.values()) > 1 - 1e-9:
                found[slo_index] = proving[max(proving)].text
        return found
