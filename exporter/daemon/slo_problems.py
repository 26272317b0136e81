"""What keeps SLOs from being counted whole, in words for their owners."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from exporter.slo.types import SloIndex

RETRY_HISTORY = 300
"""Seconds until history that was refused is asked for again."""


class SloProblems:
    """Keeps what the newest answers said, by SLO."""

    def __init__(self) -> None:
        self._history: dict[SloIndex, tuple[int, str]] = {}
        self._failed: dict[SloIndex, str] = {}
        self._left_out: dict[SloIndex, str] = {}
        self._composites: dict[SloIndex, str] = {}

    def counted(self, level: int, slo_index: SloIndex, left_out: str | None) -> None:
        """Note that slots of a level were counted; `left_out` says which groups were not."""
        if level > 0:
            self._history.pop(slo_index, None)
        else:
            self._failed.pop(slo_index, None)
            self._left_out.pop(slo_index, None)
        if left_out:
            self._left_out[slo_index] = left_out

    def all_counted(self, level: int, slo_indices: Iterable[SloIndex]) -> None:
        """Note that slots of a level were counted, of many SLOs."""
        noted = self._history.keys() | self._failed.keys() | self._left_out.keys()
        for slo_index in noted.intersection(slo_indices):
            self.counted(level, slo_index, None)

    def refused(self, level: int, slo_index: SloIndex, reason: str, at: int) -> None:
        """Note at a moment (Unix seconds) why slots of a level were not counted."""
        if level == 0:
            self._failed[slo_index] = reason
        else:
            self._history[slo_index] = (at + RETRY_HISTORY, reason)

    def composed(self, left_out: Mapping[SloIndex, str]) -> None:
        """Note which composites had groups left out when all were put together."""
        self._composites = dict(left_out)

    def without_history(self) -> Collection[SloIndex]:
        """The SLOs that cannot have their whole history."""
        return self._history.keys() | self._failed.keys()

    def not_yet(self, at: int) -> set[SloIndex]:
        """The SLOs whose history is not to be asked for at a moment (Unix seconds)."""
        waiting = {slo_index for slo_index, (until, _) in self._history.items() if until > at}
        return waiting | self._failed.keys()

    def told(self) -> dict[SloIndex, str]:
        """What is to be said, by SLO."""
        history = {slo_index: message for slo_index, (_, message) in self._history.items()}
        return {**history, **self._composites, **self._left_out, **self._failed}
