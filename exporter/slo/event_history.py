"""The events of an SLO over a span of time, in buckets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from exporter.slo.types import Floats


@dataclass(frozen=True, slots=True, eq=False)
class EventHistory:
    """Consecutive buckets of time, and the events of each.

    `bounds` are n + 1 moments (Unix seconds, rising), the others n values each: bad and all
    events, and the known share of the bucket, 0 to 1.
    """

    bounds: Floats
    bad: Floats
    total: Floats
    known: Floats

    def cut(self, start: float, end: float, count: int) -> EventHistory:
        """The same over (start, end], in `count` equal buckets.

        A bucket that begins or ends inside one of ours takes its share of it, as windows do.
        What lies outside ours is unknown.
        """
        bounds = np.linspace(start, end, count + 1)
        bad, total, known = (
            np.diff(np.interp(bounds, self.bounds, _summed(values)))
            for values in (self.bad, self.total, self.known * np.diff(self.bounds))
        )
        return EventHistory(bounds, bad, total, known / np.diff(bounds))

    def budget_left(self, error_budget: float) -> list[float]:
        """What the bad events up to each of the bounds leave of the budget, a ratio.

        The budget is that of all events here: it falls from 1 to what remains at the
        end of it. Values are those of the `bounds`.
        """
        allowed = error_budget * float(self.total.sum())
        if allowed <= 0:
            return [1.0] * len(self.bounds)
        left: list[float] = (1 - _summed(self.bad) / allowed).tolist()
        return left

    def error_ratios(self) -> list[float | None]:
        """The error ratio of each bucket; None where nothing is known, 0 without traffic."""
        return [
            None if known <= 0 else bad / total if total > 0 else 0.0
            for bad, total, known in zip(
                self.bad.tolist(), self.total.tolist(), self.known.tolist(), strict=True
            )
        ]

    def unknown(self) -> Iterator[tuple[float, float]]:
        """The spans of time of which less than half is known, neighbours together."""
        begin = None
        for (start, end), known in zip(
            pairwise(self.bounds.tolist()), self.known.tolist(), strict=True
        ):
            if known < 0.5:
                begin = start if begin is None else begin
                last = end
            elif begin is not None:
                yield begin, last
                begin = None
        if begin is not None:
            yield begin, last


def _summed(values: Floats) -> Floats:
    """The sums up to each bound, the first of which is 0."""
    return np.concatenate(([0.0], np.cumsum(values)))
