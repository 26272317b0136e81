"""The events of an SLO over a span of time, in buckets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from exporter.slo.plausible import SLACK_EVENTS, possible_each
from exporter.slo.types import Floats, Times
from exporter.slo.windows import WindowSums


@dataclass(frozen=True, slots=True)
class BucketSums:
    """The events of neighbouring buckets, and the seconds of them that are known and excluded."""

    begin: float
    end: float
    bad: float
    total: float
    known: float
    excluded: float


@dataclass(frozen=True, eq=False)
class EventHistory:
    """Consecutive buckets of time, and the events of each.

    `bounds` are n + 1 moments (Unix seconds, rising), the others n values each: bad and all
    events, and the known share of the bucket, 0 to 1. `excluded` is the share of it that is known
    and lies in maintenance windows, whose events are not counted; None if there is none.
    """

    bounds: Floats
    bad: Floats
    total: Floats
    known: Floats
    excluded: Floats | None = None

    @classmethod
    def blank(cls, start: float, end: float) -> EventHistory:
        """One bucket of which it is known that nothing happened."""
        none = np.zeros(1)
        return cls(np.array([start, end], dtype=np.float64), none, none, np.ones(1))

    def cut(self, start: float, end: float, count: int) -> EventHistory:
        """The same over (start, end], in `count` equal buckets.

        A bucket that begins or ends inside one of ours takes its share of it, as windows do.
        What lies outside ours is unknown.
        """
        return self._at(np.linspace(start, end, count + 1))

    def between(self, bounds: Sequence[float]) -> EventHistory:
        """The same in buckets between some moments, which rise; shares as with `cut`."""
        return self._at(np.asarray(bounds, dtype=np.float64))

    def splits(self, at: float) -> float:
        """How long the bucket is that a moment lies inside of, in seconds; 0 at its bounds.

        What is said of a span that begins or ends there is not exact.
        """
        after = int(np.searchsorted(self.bounds, at))
        if after in (0, len(self.bounds)) or self.bounds[after] == at:
            return 0.0
        return float(self.bounds[after] - self.bounds[after - 1])

    @property
    def lengths(self) -> list[float]:
        """How long the buckets are, in seconds."""
        found: list[float] = np.diff(self.bounds).tolist()
        return found

    def whole(self, first: int, last: int) -> BucketSums:
        """What happened in the buckets from `first` to before `last`."""
        lengths, at = np.diff(self.bounds)[first:last], slice(first, last)
        excluded = 0.0 if self.excluded is None else float((self.excluded[at] * lengths).sum())
        return BucketSums(
            begin=float(self.bounds[first]),
            end=float(self.bounds[last]),
            bad=float(self.bad[at].sum()),
            total=float(self.total[at].sum()),
            known=float((self.known[at] * lengths).sum()),
            excluded=excluded,
        )

    def part(self, start: float, end: float, grain: int) -> EventHistory:
        """The same over (start, end], in our own buckets as far as they are not too short.

        Neighbours are put together between the multiples of `grain` (seconds); longer ones stay
        as they are. The first and the last one begin and end where the span does.
        """
        inner = self.bounds[(self.bounds > start) & (self.bounds < end)]
        cells = inner // grain
        fine = np.diff(cells, prepend=start // grain) > 0
        return self._at(np.concatenate(([start], inner[fine], [end])))

    def followed_by(self, later: EventHistory) -> EventHistory:
        """The two behind one another; the later one begins where this one ends."""
        excluded = None
        if self.excluded is not None or later.excluded is not None:
            excluded = np.concatenate(
                [
                    np.zeros(len(each.bad)) if each.excluded is None else each.excluded
                    for each in (self, later)
                ]
            )
        return EventHistory(
            np.concatenate((self.bounds[:-1], later.bounds)),
            np.concatenate((self.bad, later.bad)),
            np.concatenate((self.total, later.total)),
            np.concatenate((self.known, later.known)),
            excluded,
        )

    def groups(self, grain: int) -> list[tuple[int, int]]:
        """Our buckets put together between the multiples of `grain`, as (first, after last)."""
        cells = self.bounds[1:-1] // grain
        starts = np.flatnonzero(np.diff(cells, prepend=self.bounds[0] // grain) > 0) + 1
        return list(pairwise([0, *starts.tolist(), len(self.bad)]))

    def _at(self, bounds: Floats) -> EventHistory:
        lengths = np.diff(bounds)
        sums = self._sums_at(bounds)
        bad, total, known, excluded = (_difference(each[1:], each[:-1]) for each in sums)
        return EventHistory(
            bounds,
            bad,
            total,
            known / lengths,
            None if self.excluded is None else excluded / lengths,
        )

    def _sums_at(self, moments: Floats | Times) -> list[Floats]:
        """Bad and all events, known and excluded seconds up to some moments."""
        return [np.interp(moments, self.bounds, sums) for sums in self._sums]

    def sums_over(self, starts: Times, ends: Times) -> WindowSums:
        """The sums over windows (start, end], an element each, whose edges may lie inside buckets.

        What lies in maintenance windows is known, and not counted.
        """
        sums = zip(self._sums_at(ends), self._sums_at(starts), strict=True)
        bad, total, known, excluded = (_difference(*each) for each in sums)
        return WindowSums(bad, total, (known + excluded) / np.maximum(ends - starts, 1))

    @cached_property
    def _sums(self) -> list[Floats]:
        lengths = np.diff(self.bounds)
        excluded = np.zeros(len(lengths)) if self.excluded is None else self.excluded
        values = (self.bad, self.total, self.known * lengths, excluded * lengths)
        return [_summed(each) for each in values]

    def possible(self, *, strict: bool) -> EventHistory:
        """The same with counts as they can be.

        Counters that are read a scrape apart give a bucket more bad events than events, which the
        next one evens out: they are taken as all, or none. If `strict`, nothing explains that, and
        such a bucket is unknown.
        """
        bad, total, known = possible_each(self.bad, self.total), self.total, self.known
        if strict:
            off = np.maximum(-self.bad, self.bad - self.total) > SLACK_EVENTS
            bad, total, known = (np.where(off, 0.0, each) for each in (bad, total, known))
        return EventHistory(self.bounds, bad, np.maximum(total, 0.0), known, self.excluded)

    def budget_left(self, error_budget: float) -> list[float]:
        """What the bad events up to each of the bounds leave of the budget, a ratio.

        The budget is that of all events here: it falls from 1 to what remains at the
        end of it. Values are those of the `bounds`.
        """
        return self.budget_left_at(self.bounds, error_budget, self.bounds[0], self.bounds[-1])

    def budget_left_at(
        self, moments: Sequence[float] | Floats, error_budget: float, start: float, end: float
    ) -> list[float]:
        """The same at some moments of the span (start, end], whose events make up the budget."""
        edges = self._sums_at(np.array([start, end]))
        allowed = error_budget * float(edges[1][1] - edges[1][0])
        if allowed <= 0:
            return [1.0] * len(moments)
        bad, total, *_ = self._sums_at(np.asarray(moments))
        spent = possible_each(bad - edges[0][0], total - edges[1][0])
        left: list[float] = (1 - spent / allowed).tolist()
        return left

    def rates(self) -> tuple[list[float], list[float]]:
        """Bad and all events per second of each bucket's known time; 0 where nothing is known."""
        seconds = self.known * np.diff(self.bounds)
        with np.errstate(divide="ignore", invalid="ignore"):
            bad, total = (
                np.where(seconds > 0, each / seconds, 0.0) for each in (self.bad, self.total)
            )
        return bad.tolist(), total.tolist()

    def error_ratios(self) -> list[float | None]:
        """The error ratio of each bucket; None where nothing is known, 0 without traffic."""
        return _ratios(self.bad, self.total, self.known)

    def window_ratios(self, moments: Sequence[float], length: float) -> list[float | None]:
        """The error ratios of the windows of `length` seconds that end at some moments.

        They are over what is known of each window; None where nothing is.
        """
        ends = np.asarray(moments)
        sums = zip(self._sums_at(ends), self._sums_at(ends - length), strict=True)
        bad, total, known, _ = (_difference(*each) for each in sums)
        return _ratios(possible_each(bad, total), total, known)

    def unknown(self) -> Iterator[tuple[float, float]]:
        """The spans of time of which less than half is known, neighbours together.

        What is known and lies in a maintenance window counts as known here.
        """
        shares = self.known if self.excluded is None else self.known + self.excluded
        begin = None
        for (start, end), known in zip(
            pairwise(self.bounds.tolist()), shares.tolist(), strict=True
        ):
            if known < 0.5:
                begin = start if begin is None else begin
                last = end
            elif begin is not None:
                yield begin, last
                begin = None
        if begin is not None:
            yield begin, last


def _ratios(bad: Floats, total: Floats, known: Floats) -> list[float | None]:
    return [
        None if share <= 0 else part / whole if whole > 0 else 0.0
        for part, whole, share in zip(bad.tolist(), total.tolist(), known.tolist(), strict=True)
    ]


def _difference(after: Floats, before: Floats) -> Floats:
    """The difference of two sums, without what rounding leaves of nothing."""
    found = after - before
    rest = np.minimum(1e-12 * np.abs(after), 1e-3)
    return np.where(np.abs(found) < rest, 0.0, found)


def _summed(values: Floats) -> Floats:
    """The sums up to each bound, the first of which is 0."""
    return np.concatenate(([0.0], np.cumsum(values)))
