"""Which names come near the one that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 3
MOST_LISTED = 8


def near(name: str, known: Iterable[str]) -> list[str]:
    """The names that come nearest, the nearest first."""
    return get_close_matches(name, set(known) - {name}, n=MOST, cutoff=0.75)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean a or b?`; empty if none comes near."""
    found = near(name, known)
    return f"did you mean {' or '.join(found)}?" if found else ""


def listed(names: Iterable[str]) -> str:
    """Some names, as people list them."""
    known = sorted(names)
    return ", ".join(known[:MOST_LISTED]) + (", ..." if len(known) > MOST_LISTED else "")
