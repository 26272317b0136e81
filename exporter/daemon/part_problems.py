"""What is wrong with the parts of composites, said of these."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from exporter.slo.model import Slo
from exporter.slo.types import SloIndex

Parts = Mapping[SloIndex, Sequence[SloIndex]]
"""What each composite is made of; a composite comes after its parts."""


def with_composites(
    words: Mapping[SloIndex, str], parts: Parts, slos: Sequence[Slo]
) -> dict[SloIndex, str]:
    """What is said of SLOs; of composites without words of their own, those of a part."""
    found = dict(words)
    for slo_index, own in parts.items():
        said = (f"{slos[part].full_name}: {found[part]}" for part in own if part in found)
        if slo_index not in found and (first := next(said, None)):
            found[slo_index] = first
    return found


def and_composites(slo_indices: Collection[SloIndex], parts: Parts) -> set[SloIndex]:
    """Some SLOs, and the composites that are made of any of them."""
    found = set(slo_indices)
    for slo_index, own in parts.items():
        if found.intersection(own):
            found.add(slo_index)
    return found
