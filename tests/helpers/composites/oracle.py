"""What the slots of a composite come to, in plain Python: shares no code with the exporter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import prod

Counts = tuple[float, float] | None
"""Bad and all events of a slot; None where nothing is known."""


def composite_slot(
    method: str,
    parts: Sequence[Counts],
    *,
    weights: Sequence[float] = (),
    leave_out: bool = False,
    seconds: int = 30,
) -> tuple[Fraction, Fraction] | None:
    """Bad and all seconds of a composite's slot, from the counts of its parts in it."""
    if not leave_out and any(part is None for part in parts):
        return None
    if all(part is None for part in parts):
        return None
    having = [
        (Fraction(part[0]) / Fraction(part[1]), Fraction(weight))
        for part, weight in zip(parts, weights or [1] * len(parts), strict=True)
        if part is not None and part[1] > 0
    ]
    if not having:
        return Fraction(0), Fraction(0)
    errors = [error for error, _ in having]
    if method == "all":
        error = 1 - prod(1 - each for each in errors)
    elif method == "worst":
        error = max(errors)
    else:
        error = sum(e * w for e, w in having) / sum(w for _, w in having)
    return seconds * Fraction(error), Fraction(seconds)


def summed(slots: Iterable[tuple[Fraction, Fraction] | None]) -> tuple[float, float, int]:
    """Bad and all seconds of slots, and how many of them are known."""
    known = [slot for slot in slots if slot is not None]
    return float(sum(b for b, _ in known)), float(sum(t for _, t in known)), len(known)
