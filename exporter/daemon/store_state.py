"""How the store is, for those who show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreState:
    """How the store is.

    - `problem`: why the newest is not stored, or None.
    - `writes` and `failures`: how many writes went well, and how many did not.
    - `written`: when it was last written, Unix seconds; 0 for not yet.
    - `bytes`: what it takes on disk.
    """

    problem: str | None = None
    writes: int = 0
    failures: int = 0
    written: float = 0.0
    bytes: int = 0
