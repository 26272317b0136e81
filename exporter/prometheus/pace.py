"""How fast a server answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How many queries have ended over some time, and the seconds of the slowest."""

    queries: int = 0
    slowest: float = 0.0


class Pacer:
    """Keeps the pace since somebody last looked."""

    def __init__(self) -> None:
        self._pace = Pace()

    def note(self, seconds: float) -> None:
        """Note that a query has ended after so many seconds."""
        self._pace = Pace(self._pace.queries + 1, max(self._pace.slowest, seconds))

    def take(self) -> Pace:
        """The pace since this was last asked."""
        pace, self._pace = self._pace, Pace()
        return pace
