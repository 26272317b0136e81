"""What a server has around counters that begin: scrapes, their like, and the process behind."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from exporter.collection.raw_questions import SELECTOR, RawQuestion, Targets
from exporter.collection.shared import Shared
from exporter.collection.together import Together
from exporter.prometheus.alike import any_of
from exporter.prometheus.matrix import Series
from exporter.prometheus.raw import SeriesKey, series_key, target
from exporter.prometheus.selectors import Matcher, Selector
from exporter.slo.durations import format_duration

PAUSE_LOOKBACK = 6 * 3600
"""A series that comes back within this time goes on from where it stood: a target that could
not be scraped, or a Prometheus that was down, loses no events. In seconds."""

Target = tuple[str, str]
"""A scrape target: its job and instance."""

COUNTER_SUFFIX = re.compile(r"_(total|count|sum|bucket)$")
"""How the name of a counter ends; that of its creation ends in `_created` instead."""


@dataclass(slots=True)
class Around:
    """A series in a slot and two scrape intervals before, and its last value of the hours before.

    `samples` are values by their Unix seconds.
    """

    labels: Mapping[str, str]
    samples: dict[float, float] = field(default_factory=dict)
    before: float | None = None


class Surroundings:
    """Asks for what is around the slot of `slot` seconds that ends at `end`.

    `family` selects the counters of the SLO by the names of their metrics alone, None where those
    cannot be told; `lookback` is two scrape intervals in seconds.
    """

    def __init__(
        self,
        ask: Together,
        family: Selector | None,
        lookback: int,
        *,
        end: int,
        slot: int,
    ) -> None:
        self.lookback = lookback
        self._together = ask
        self._family = family
        self._end, self._slot = end, slot
        self._offset = f" offset {format_duration(slot)}"
        self._hours_before = f"[{format_duration(PAUSE_LOOKBACK)}]{self._offset}"

    async def ups(self, targets: Collection[Target]) -> Shared[Around]:
        """The `up` series of some targets; `before` is 1 if a scrape of the hours before succeeded.

        Raises:
            PrometheusError: a query was not answered.
        """
        if not targets:
            return Shared()
        before = f"max_over_time({SELECTOR}{self._hours_before}) == 1"
        return await self._around(Selector("up", ()), targets, before, name="up")

    async def counters(self, targets: Collection[Target]) -> Shared[Around]:
        """All counters of the SLO's metrics at some targets, whether it selects them or not.

        Raises:
            PrometheusError: a query was not answered.
        """
        if self._family is None:
            return Shared()
        before = f"last_over_time({SELECTOR}{self._hours_before})"
        return await self._around(self._family, targets, before)

    async def process_starts(self, targets: Collection[Target]) -> Shared[Around]:
        """When the processes at some targets say that they were started.

        Raises:
            PrometheusError: a query was not answered.
        """
        return await self._around(Selector("process_start_time_seconds", ()), targets)

    async def busiest(self, targets: Collection[Target]) -> float:
        """Events per second of the busiest target of the same jobs, in the minutes or hours before.

        Raises:
            PrometheusError: a query was not answered.
        """
        if self._family is None:
            return 0.0
        recently = f"[{format_duration(5 * self.lookback)}]{self._offset}"
        hours, minutes = (
            f"sum by (job, instance) (rate({SELECTOR}{range_}))"
            for range_ in (self._hours_before, recently)
        )
        # Told apart by a label, since `or` keeps one of those with equal labels.
        both = f'{hours} or label_replace({minutes}, "of", "now", "", "")'
        jobs = Targets(frozenset(job for job, _ in targets))
        asked = RawQuestion(
            f"max by (job) ({both})", self._family, self._end, self._slot, targets=jobs
        )
        found = await self._together.series(asked)
        return max((value for each in found for _, value in each.samples), default=0.0)

    async def created(
        self, creations: Creations, targets: Collection[Target] = ()
    ) -> Mapping[SeriesKey, float]:
        """When counters were created, in Unix seconds, as far as they tell.

        Counters that come from scrapes are looked for at their `targets`.

        Raises:
            PrometheusError: a query was not answered.
        """
        if creations.selector is None:
            return {}
        answer = await self._around(creations.selector, targets)
        return answer.once(creations, lambda: creations.told(answer))

    async def _around(
        self,
        selector: Selector,
        targets: Collection[Target],
        before: str | None = None,
        name: str | None = None,
    ) -> Shared[Around]:
        """Ask for samples, and for last values `before`; most functions drop a series's `name`."""
        of = of_targets(targets) if targets else None
        back = self._slot + self.lookback
        asked = [RawQuestion(SELECTOR, selector, self._end, self._slot, back, of)]
        if before:
            asked.append(RawQuestion(before, selector, self._end, self._slot, targets=of))
        samples, *values = await self._together.all_series(asked)
        return samples.once(before, lambda: _put_together(samples, *values, name=name))


def _put_together(
    samples: Iterable[Series], values: Iterable[Series] = (), *, name: str | None
) -> Shared[Around]:
    found: dict[SeriesKey, Around] = {}
    named = {"__name__": name} if name else {}
    for series in samples:
        one = found.setdefault(series_key(series.labels), Around(series.labels))
        # VictoriaMetrics answers with the staleness marks, too, which are NaN.
        one.samples.update((at, value) for at, value in series.samples if math.isfinite(value))
    for series in values:
        labels = {**named, **series.labels}
        one = found.setdefault(series_key(labels), Around(labels))
        for _, value in series.samples[-1:]:
            if math.isfinite(value):
                one.before = value if one.before is None else max(value, one.before)
    return Shared(found.values())


@dataclass(frozen=True, eq=False, slots=True)
class Creations:
    """The series that tell when counters were created, selected by `selector`; None for none.

    Client libraries may show them beside a counter, with names that end in `_created`. `counters`
    are by what identifies the series.
    """

    counters: Mapping[SeriesKey, SeriesKey]
    selector: Selector | None

    @classmethod
    def of(cls, counters: Iterable[Mapping[str, str]]) -> Self:
        """Those of counters, by their labels."""
        found = {_created_key(labels): series_key(labels) for labels in counters}
        names = {dict(key).get("__name__", "") for key in found}
        if not names:
            return cls(found, None)
        return cls(found, Selector(None, (Matcher("__name__", "=~", any_of(sorted(names))),)))

    def told(self, found: Iterable[Around]) -> dict[SeriesKey, float]:
        """When each counter was created that an answer tells of."""
        of_series = {series_key(each.labels): each.samples for each in found if each.samples}
        return {
            self.counters[key]: samples[max(samples)]
            for key, samples in of_series.items()
            if key in self.counters
        }


def _created_key(labels: Mapping[str, str]) -> SeriesKey:
    name = COUNTER_SUFFIX.sub("", labels.get("__name__", "")) + "_created"
    others = {key: value for key, value in labels.items() if key != "le"}
    return series_key({**others, "__name__": name})


def of_targets(targets: Collection[Target]) -> Targets:
    """Some targets, and more where jobs share instances."""
    return Targets(
        frozenset(job for job, _ in targets), frozenset(instance for _, instance in targets)
    )


def family_of(selectors: Sequence[Selector]) -> Selector | None:
    """A selector of all that has the metric names, and the bucket bounds, of some selectors."""
    names, bounds = set(), set()
    for selector in selectors:
        if selector.name is not None:
            names.add(re.escape(selector.name))
        else:
            regexes = [matcher for matcher in selector.matchers if matcher.label == "__name__"]
            if [regex.op for regex in regexes] != ["=~"]:
                return None
            names.add(f"(?:{regexes[0].value})")
        le = [matcher for matcher in selector.matchers if matcher.label == "le"]
        bounds.add(le[0].value if le and le[0].op == "=~" else "")
    matchers = [Matcher("__name__", "=~", "|".join(sorted(names)))]
    if bounds != {""}:
        matchers.append(Matcher("le", "=~", "|".join(sorted(bounds))))
    return Selector(None, tuple(matchers))


def own_up(ups: Sequence[Around], labels: Mapping[str, str], at: float) -> Around | None:
    """The `up` of the target that a sample came from: the one with a sample at its very time.

    Of several, such as those of replicas, it is the one whose labels the series has, the most
    of them. A metric's own labels may stand in the place of its target's, and its samples may have
    times of their own: then it is the likest one.
    """
    origin = target(labels)
    found = [up for up in ups if origin is not None and target(up.labels) == origin]

    def likeness(up: Around) -> tuple[bool, bool, int]:
        agreeing = sum(labels.get(name) == value for name, value in up.labels.items())
        return at in up.samples, carries(labels, up.labels), agreeing

    return max(found, key=likeness, default=None)


def carries(labels: Mapping[str, str], target_labels: Mapping[str, str]) -> bool:
    """Whether a series has every label of a target."""
    return all(
        labels.get(name) == value for name, value in target_labels.items() if name != "__name__"
    )
