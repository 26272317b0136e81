"""Why slots are not known of an SLO, though Prometheus has answered for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from exporter.collection.slot_range import SlotRange
from exporter.slo.types import HOUR, Group, SloIndex

MOST_KEPT = 300
"""Slots of an SLO of which it is kept why they are not known; the newest."""

Slot = tuple[int, Group]
"""A slot of one group, by its end; the group is empty where it is all of them."""


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
    """Keeps the reasons, by SLO and slot."""

    def __init__(self) -> None:
        self._reasons: dict[SloIndex, dict[Slot, Reason]] = defaultdict(dict)

    def note(self, slo_index: SloIndex, span: SlotRange, reasons: Mapping[Slot, Reason]) -> None:
        """Note the reasons that a span's newest answer gives."""
        kept = self._reasons[slo_index]
        for slot in [slot for slot in kept if span.start < slot[0] <= span.end]:
            del kept[slot]
        kept.update(reasons)
        for slot in sorted(kept)[:-MOST_KEPT]:
            del kept[slot]

    def note_none(self, slo_indices: Iterable[SloIndex], span: SlotRange) -> None:
        """Note that a span's newest answer gives none, for some SLOs."""
        for slo_index in self._reasons.keys() & slo_indices:
            self.note(slo_index, span, {})

    def noting(
        self, slo_index: SloIndex, span: SlotRange, group: Group
    ) -> Callable[[int, Reason], None]:
        """Notes further reasons of a span's newest answer, by the slots' places in it."""
        kept = self._reasons[slo_index]
        return lambda i, reason: kept.update({(span.one(i).end, group): reason})

    def among(self, slo_index: SloIndex, span: SlotRange) -> set[int]:
        """Which slots of a span (by their place in it) are not known of an SLO."""
        ends = {end for end, _ in self._reasons.get(slo_index, {})}
        return {i for i in range(span.count) if span.one(i).end in ends} if ends else set()

    def newest(self, since: float) -> dict[SloIndex, str]:
        """The reason of each SLO's newest such slot, if it ended after `since` (Unix seconds)."""
        newest = {slo_index: max(kept) for slo_index, kept in self._reasons.items() if kept}
        return {
            slo_index: self._reasons[slo_index][slot].text
            for slo_index, slot in newest.items()
            if slot[0] > since
        }

    def invalid(self, at: float) -> dict[SloIndex, dict[Group, str]]:
        """The groups of SLOs that cannot be right at a moment (Unix seconds), as their slots prove;
        with the reason of the newest such slot."""
        found: dict[SloIndex, dict[Group, str]] = {}
        for slo_index, kept in self._reasons.items():
            proofs: dict[Group, float] = defaultdict(float)
            newest: dict[Group, str] = {}
            for (end, group), reason in sorted(kept.items(), key=lambda item: item[0]):
                if reason.proof and end > at - reason.holds:
                    proofs[group] += reason.proof
                    newest[group] = reason.text
            # Thirds add up to a little less than 1.
            proven = {group: newest[group] for group in newest if proofs[group] > 1 - 1e-9}
            if proven:
                found[slo_index] = proven
        return found
