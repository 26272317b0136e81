"""Histories of histograms: what processes showed, and in which forms a Prometheus stored it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, log2

from tests.helpers.integration.histories import END
from tests.helpers.torture.receivers import PrometheusReceiver
from tests.helpers.torture.remote_write import STALE, NativeHistogram, StaleHistogram, write
from tests.histogram_oracle import Buckets, Observed, up_to
from tests.oracle import HOUR, Labels, Samples, labels

BOUND = 1.0
BOUNDS = (0.25, 0.5, BOUND, 2.0, inf)
"""Of every histogram unless it says otherwise: powers of two, which all forms have buckets for."""

CLASSIC, EXPONENTIAL, COARSE, CUSTOM = "classic", "exponential", "coarse", "custom"
"""The forms. Coarse is exponential with half the resolution."""

NAME = "latency_seconds"

Shown = tuple[float, Buckets, frozenset[str]]
"""What a scrape brings: its time, the observations, and the forms they were stored in."""

Forms = Callable[[float], Iterable[str]]
"""The forms that a moment's scrape is stored in."""


def always(*forms: str) -> Forms:
    return lambda t: forms


def observing(
    times: Sequence[float],
    forms: Forms,
    *,
    first: Sequence[int] = (0, 0, 0, 0, 0),
    restarts: Mapping[float, Sequence[int]] | None = None,
    bounds: Callable[[float], Sequence[float]] = lambda t: BOUNDS,
) -> list[Shown]:
    """A process that observes something between any two scrapes, seldom more than a second.

    `restarts` gives, for a moment, what it shows at the next scrape in place of having grown.
    """
    pending = sorted((restarts or {}).items())
    counts = list(first)
    shown = []
    for n, t in enumerate(times):
        if pending and t > pending[0][0]:
            counts = list(pending.pop(0)[1])
        elif n:
            grown = (n % 3, 2, 1, n % 7 == 0, n % 50 == 0)
            counts = [count + more for count, more in zip(counts, grown, strict=True)]
        buckets: dict[float, int] = {}
        upper = sorted(bounds(t))
        for bound, count in zip(BOUNDS, counts, strict=True):
            into = upper[bisect_left(upper, bound)]
            buckets[into] = buckets.get(into, 0) + count
        shown.append((t, {bound: buckets.get(bound, 0) for bound in upper}, frozenset(forms(t))))
    return shown


@dataclass
class HistogramHistory:
    """The histograms of one service, by instance, and the scrapes of each."""

    service: str
    up: dict[str, Samples] = field(default_factory=dict)
    shown: dict[str, list[Shown]] = field(default_factory=dict)
    without_bound: bool = False
    """Whether the classic series lack the bucket of `BOUND`."""

    def add(self, instance: str, shown: list[Shown], up: Samples | None = None) -> None:
        """Add an instance; all of its scrapes succeeded unless `up` says otherwise."""
        self.shown[instance] = shown
        self.up[instance] = [(t, 1.0) for t, _, _ in shown] if up is None else up

    def observed(self) -> Observed:
        """What the oracle counts."""
        return Observed(
            [
                ([(t, buckets) for t, buckets, _ in shown], self.up[instance])
                for instance, shown in self.shown.items()
            ],
            BOUND,
        )

    def store(self, server: PrometheusReceiver) -> None:
        """Write all series, marked stale at the first scrape that did not bring them any more."""
        for instance, shown in self.shown.items():
            own = {"job": self.service, "instance": instance}
            floats = [] if not self.up[instance] else [(_named("up", own), self.up[instance])]
            own["service"] = self.service
            floats += self._classic(own, shown)
            natives = [
                (t, _native(buckets, (forms - {CLASSIC}) if forms - {CLASSIC} else None))
                for t, buckets, forms in shown
            ]
            write(server.url, floats, [(_named(NAME, own), _marked(natives, StaleHistogram()))])

    def _classic(
        self, own: Mapping[str, str], shown: Sequence[Shown]
    ) -> Iterator[tuple[Labels, Samples]]:
        counts = [
            (t, up_to(buckets, inf) if CLASSIC in each else None) for t, buckets, each in shown
        ]
        yield _named(f"{NAME}_count", own), _marked(counts, STALE)
        for bound in BOUNDS:
            if self.without_bound and bound == BOUND:
                continue
            le = "+Inf" if bound == inf else str(bound)
            values = [
                (t, float(up_to(buckets, bound)) if CLASSIC in each else None)
                for t, buckets, each in shown
            ]
            yield _named(f"{NAME}_bucket", {**own, "le": le}), _marked(values, STALE)


def _named(name: str, own: Mapping[str, str]) -> Labels:
    return labels(__name__=name, **own)


def _marked(samples, mark):
    """The samples that are there, and a mark where one is missing after one that was."""
    found = []
    was_there = False
    for t, value in samples:
        if value is not None or was_there:
            found.append((t, mark if value is None else value))
        was_there = value is not None
    return found


def _native(buckets: Buckets, forms: frozenset[str] | None) -> NativeHistogram | None:
    if not forms:
        return None
    [form] = forms
    if form == CUSTOM:
        bounds = sorted(bound for bound in buckets if bound < inf)
        counts = {n: buckets[bound] for n, bound in enumerate([*bounds, inf])}
        return NativeHistogram(counts, bounds=bounds)
    schema = 0 if form == EXPONENTIAL else -1
    indexed: dict[int, int] = {}
    for bound, count in buckets.items():
        exponent = 2 if bound == inf else int(log2(bound))
        index = exponent if schema == 0 else -(-exponent // 2)
        indexed[index] = indexed.get(index, 0) + count
    return NativeHistogram(indexed, schema=schema)


def recent(hours: float, step: int = 30) -> list[float]:
    """Scrapes of the last hours before `END`."""
    start = int(END - hours * HOUR)
    return [start + 7.25 + step * n for n in range(int(hours * HOUR - 8) // step + 1)]
