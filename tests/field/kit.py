"""Series for field cases: every helper takes `now` and times relative to it, in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tests.helpers.torture.remote_write import STALE, NativeHistogram

HOUR = 3_600

Sample = tuple[float, float]


@dataclass
class Series:
    """One series: its labels, `__name__` among them, and its samples as (Unix seconds, value)."""

    labels: dict[str, str]
    samples: list[Sample] = field(default_factory=list)
    histograms: list[tuple[float, NativeHistogram]] = field(default_factory=list)

    def before(self, t: float) -> list[Sample]:
        """The samples before a moment."""
        return [sample for sample in self.samples if sample[0] < t]

    def since(self, t: float) -> list[Sample]:
        """The samples from a moment on."""
        return [sample for sample in self.samples if sample[0] >= t]


def scrapes(
    now: int, since: float = -3 * HOUR, until: float = 600, *, every: int = 30, phase: float = 0
) -> list[float]:
    """The times of the scrapes in [since, until), `phase` seconds after multiples of `every`."""
    first = -(-(now + since) // every) * every + phase
    return [
        t
        for t in (first + n * every for n in range(int(until - since) // every + 1))
        if t < now + until
    ]


def counter(
    name: str,
    per_second: float,
    times: Sequence[float],
    *,
    first: float = 0,
    resets: Iterable[float] = (),
    **labels: str,
) -> Series:
    """A counter that is `first` at the first of `times` and grows steadily from there.

    At the first scrape after each of `resets` (Unix seconds) it begins from zero.
    """
    pending = sorted(resets)
    samples: list[Sample] = []
    value = first
    for n, t in enumerate(times):
        if n:
            value += per_second * (t - times[n - 1])
        if pending and t >= pending[0]:
            value = 0.0
            pending.pop(0)
        samples.append((t, round(value, 6)))
    return Series({"__name__": name, **labels}, samples)


def gauge(
    name: str, value: float | Callable[[float], float | None], times: Sequence[float], **labels: str
) -> Series:
    """A gauge of one value, or of a function of time; None leaves a sample out."""
    given = ((t, value(t) if callable(value) else value) for t in times)
    return Series({"__name__": name, **labels}, [(t, v) for t, v in given if v is not None])


def up(times: Sequence[float], failed: Iterable[float] = (), **labels: str) -> Series:
    """The `up` of a target, which fails at the times in `failed`."""
    fails = set(failed)
    return gauge("up", lambda t: 0.0 if t in fails else 1.0, times, **labels)


def relabelled(series: Series, at: float, **changed: str | None) -> list[Series]:
    """A counter that goes on under other labels from a moment on; None drops a label.

    The old series ends with the staleness mark that Prometheus writes at that scrape.
    """
    given = {**series.labels, **changed}
    new = {name: value for name, value in given.items() if value is not None}
    after = series.since(at)
    stale = [(t, STALE) for t, _ in after[:1]]
    return [Series(dict(series.labels), series.before(at) + stale), Series(new, after)]
