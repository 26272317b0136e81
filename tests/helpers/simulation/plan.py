"""What one seed is about: the world, the configuration, and the faults in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from exporter.collection.settings import EvaluationSettings
from exporter.config.settings import Settings
from exporter.prometheus.settings import PrometheusSettings
from exporter.slo.model import EventsSli, ProbeSli, Slo
from exporter.slo.period import CalendarPeriod, RollingPeriod
from exporter.slo.types import DAY, HOUR
from tests.helpers.samples import slo
from tests.helpers.simulation.world import JOB, PROBE, TOTAL

SERVICE = "shop"


@dataclass(frozen=True)
class Event:
    """A fault: its kind, how many seconds after the check before it begins, and its own dice."""

    after: float
    kind: str
    dice: int


@dataclass(frozen=True)
class Episode:
    """Faults that may overlap, and a check once they are over, `rest` seconds later."""

    events: tuple[Event, ...]
    rest: float


@dataclass(frozen=True)
class Plan:
    """Everything that a seed decides before anything runs. Durations are in seconds.

    `age` is how much Prometheus has scraped at the beginning, of which it keeps `retention`.
    """

    seed: int
    interval: int
    scrape: int
    settle: int
    period: int
    age: int
    retention: int
    closed: bool
    episodes: tuple[Episode, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """All of its faults."""
        return tuple(event for episode in self.episodes for event in episode.events)

    def without(self, left_out: Event) -> Plan:
        """The same without one of its faults."""
        episodes = (
            replace(each, events=tuple(event for event in each.events if event is not left_out))
            for each in self.episodes
        )
        return replace(self, episodes=tuple(each for each in episodes if each.events))


def plan_of(seed: int, kinds: Sequence[str]) -> Plan:
    """What a seed is about, with faults of some kinds."""
    rng = Random(seed)
    interval = rng.choice([60, 300, 300, 300, 300, 300, 300, 300])
    scrape = rng.choice([s for s in (30, 60) if s <= interval])
    settle = max(300, 2 * interval)
    episodes = []
    for _ in range(rng.choice([1, 2, 2, 3])):
        length = rng.choice([600, HOUR, 2 * HOUR])
        moments = sorted(length * rng.random() for _ in range(rng.choice([1, 2, 3, 5])))
        events = (Event(at, rng.choice(kinds), rng.getrandbits(32)) for at in moments)
        episodes.append(Episode(tuple(events), rest=rng.choice([0, 0, 0, 3 * HOUR])))
    return Plan(
        seed=seed,
        interval=interval,
        scrape=scrape,
        settle=settle,
        period=rng.choice([2 * DAY, 3 * DAY, 7 * DAY]),
        age=rng.choice([HOUR, HOUR, HOUR, DAY]),
        retention=rng.choice([3 * HOUR, 7 * HOUR, 30 * DAY]),
        closed=rng.random() < 0.5,
        episodes=tuple(episodes),
    )


@dataclass
class Configuration:
    """The configuration file of a daemon, as people change it; `broken` if it has mistakes."""

    plan: Plan
    period: int
    percent: str = "99"
    without: tuple[str, ...] = ()
    broken: bool = False

    def slos(self) -> tuple[Slo, ...]:
        selector = f'{TOTAL}{{job="{JOB}"}}'
        events = EventsSli(total=selector, bad=f'{TOTAL}{{job="{JOB}",code=~"5.."}}')
        every = (
            slo(
                self.percent,
                service=SERVICE,
                name="availability",
                sli=events,
                period=RollingPeriod(self.period),
            ),
            slo(
                "99.5",
                service=SERVICE,
                name="zones",
                sli=events,
                group_by=("zone",),
                period=RollingPeriod(self.period),
            ),
            slo(
                "99.5",
                service=SERVICE,
                name="probe",
                sli=ProbeSli(PROBE),
                period=CalendarPeriod("week"),
            ),
        )
        return tuple(each for each in every if each.name not in self.without)

    def settings(self) -> Settings | None:
        if self.broken:
            return None
        return Settings(
            slos=self.slos(),
            datasources={
                "prometheus": PrometheusSettings(
                    url="http://prometheus:9090", scrape_interval=self.plan.scrape, timeout=10
                )
            },
            evaluation=EvaluationSettings(
                interval=self.plan.interval,
                delay=5.0,
                settle=self.plan.settle,
                stale_after=max(300, 3 * self.plan.interval),
            ),
        )
