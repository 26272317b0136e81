"""How fast a server answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How many queries have ended over some time, the slowest of all, and how long any was waited
    for, in seconds; those that are under way included."""

    queries: int = 0
    slowest: float = 0.0
    busy: float = 0.0


class Pacer:
    """Keeps the pace since somebody last began to look; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: list[float] = []
        self.restart()

    def restart(self) -> None:
        """Look from now on."""
        self._queries, self._slowest, self._busy = 0, 0.0, 0.0
        self._busy_since = self._clock()

    @contextmanager
    def query(self) -> Iterator[None]:
        """A query is under way."""
        begun = self._clock()
        if not self._begun:
            self._busy_since = begun
        self._begun.append(begun)
        try:
            yield
        finally:
            ended = self._clock()
            self._begun.remove(begun)
            self._queries += 1
            self._slowest = max(self._slowest, ended - begun)
            if not self._begun:
                self._busy += ended - self._busy_since

    def pace(self) -> Pace:
        """The pace so far."""
        now = self._clock()
        if not self._begun:
            return Pace(self._queries, self._slowest, self._busy)
        slowest = max(self._slowest, now - min(self._begun))
        return Pace(self._queries, slowest, self._busy + now - self._busy_since)
