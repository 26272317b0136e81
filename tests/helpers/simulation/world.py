"""The simulated world: targets that are scraped, and what happens to them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from math import ceil, inf
from random import Random

from tests.helpers.simulation import clock
from tests.helpers.simulation.series import STALE, Database, Labels
from tests.oracle import labels as named

TOTAL = "http_requests_total"
PROBE = "probe_success"
JOB = "shop"


@dataclass
class Target:
    """A process that is scraped: its counters, by `code`, and how it fares.

    `fails` is the share of its requests that fail. `extra` are labels that a relabeling adds to
    its counters. `lateness` is how long its samples take to arrive, in seconds.
    """

    instance: str
    zone: str
    rate: float
    offset: float
    started: float
    fails: float = 0.001
    extra: Labels = ()
    lateness: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    shown: set[Labels] = field(default_factory=set)
    down_until: float = -inf
    missed_until: float = -inf

    def labels(self, **more: str) -> Labels:
        return named(instance=self.instance, job=JOB, zone=self.zone, **more)


class World:
    """All targets and their samples, as Prometheus has them and as they really were.

    `database` is what Prometheus has by now; `truth` has every sample that it ever gets.
    """

    def __init__(self, rng: Random, scrape: int, retention: float) -> None:
        self.rng = rng
        self.scrape = scrape
        self.retention = retention
        self.database = Database()
        self.truth = Database()
        self.scrapes_until = -inf
        """Until when (true time) Prometheus itself is down, and scrapes nothing."""
        self.gaps: list[tuple[float, float]] = []
        self.targets = [
            Target(
                instance=f"shop-{n}:80",
                zone="east" if n % 2 else "west",
                rate=rng.choice([0.2, 2.0, 20.0]),
                offset=round(rng.uniform(0, scrape), 3),
                started=clock.EPOCH,
                counts={"200": rng.randrange(1_000), "500": rng.randrange(3)},
            )
            for n in range(rng.choice([1, 2, 3]))
        ]

    def fill(self, start: float, end: float) -> None:
        """Scrape as in the past, from `start` to `end` (Unix seconds)."""
        for target in self.targets:
            target.started = start
            at = ceil((start - target.offset) / self.scrape) * self.scrape + target.offset
            while at <= end:
                if self.rng.random() < 0.002:
                    target.fails = self.rng.choice([0.0, 0.001, 0.001, 0.02, 0.3])
                self._take(target, round(at, 3), 0.0)
                at += self.scrape
            target.fails = 0.001
        self.database.forget(end - self.retention)

    async def scrape_for_ever(self, target: Target) -> None:
        """Scrape a target at its times."""
        n = int((clock.true_time() - target.offset) // self.scrape) + 1
        while True:
            at = round(n * self.scrape + target.offset, 3)
            await asyncio.sleep(max(0.0, at - clock.true_time()))
            self._take(target, at, target.lateness)
            if n % 60 == 0:
                self.database.forget(at - self.retention)
            n += 1

    def _take(self, target: Target, at: float, late: float) -> None:
        """A scrape of a target at a moment, which arrives `late` seconds later."""
        self._serve(target)
        if at < max(self.scrapes_until, target.missed_until):
            return
        up = at >= target.down_until
        samples: dict[tuple[str, Labels], float] = {("up", target.labels()): float(up)}
        shown: set[Labels] = set()
        if up:
            for code, count in target.counts.items():
                key = tuple(sorted((*target.labels(code=code), *target.extra)))
                shown.add(key)
                samples[TOTAL, key] = float(count)
            good = self.rng.random() >= target.fails
            samples[PROBE, target.labels()] = float(good)
            samples["process_start_time_seconds", target.labels()] = target.started
        for gone in target.shown - shown:
            samples[TOTAL, gone] = STALE
        if not up:
            samples[PROBE, target.labels()] = STALE
        target.shown = shown
        self._store(at, samples, late)

    def _store(self, at: float, samples: dict[tuple[str, Labels], float], late: float) -> None:
        for (name, labels), value in samples.items():
            self.truth.put(name, labels, at, value)
        if late <= 0:
            self._arrive(at, samples)
        else:
            asyncio.get_running_loop().call_later(late, self._arrive, at, samples)

    def _arrive(self, at: float, samples: dict[tuple[str, Labels], float]) -> None:
        for (name, labels), value in samples.items():
            self.database.put(name, labels, at, value)

    def _serve(self, target: Target) -> None:
        """What a target does in one scrape interval."""
        mean = target.rate * self.scrape
        requests = max(0, round(self.rng.gauss(mean, mean**0.5)))
        failed = sum(self.rng.random() < target.fails for _ in range(min(requests, 50)))
        if requests > 50:
            failed = min(requests, round(failed * requests / 50))
        target.counts["200"] += requests - failed
        if failed:
            target.counts["500"] = target.counts.get("500", 0) + failed

    def restart(self, target: Target, *, hide: bool) -> None:
        """Restart a process: its counters are at zero, or (`hide`) not there until they count."""
        target.counts = {"200": 0} if hide else dict.fromkeys(target.counts, 0)
        target.started = round(clock.true_time(), 3)

    def forge(self, target: Target) -> None:
        """Have Prometheus's next sample of a counter be one above the truth."""
        at = round(clock.true_time(), 3)
        self.database.put(TOTAL, target.labels(code="200"), at, float(target.counts["200"] + 1))

    def series_of(self, name: str) -> dict[Labels, list[tuple[float, float]]]:
        """What of a metric was ever scraped: its series, without staleness marks."""
        found: dict[Labels, list[tuple[float, float]]] = defaultdict(list)
        for each in self.truth.named(name):
            found[each.labels] = list(each.pairs())
        return dict(found)
