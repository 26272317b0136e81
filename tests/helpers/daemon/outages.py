"""A daemon's state and store through reloads and restarts, with outages long ago and now.

Its Prometheus forgets what was before, so that only the store can tell.
"""

from __future__ import annotations

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.slo.model import Slo
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR
from exporter.store.settings import Place
from exporter.store.store import Store
from tests.helpers.evaluation.engines import DELAY, NOW, RUNNER, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

SLO = slo("99", period=30 * DAY)
OTHER = slo("99", service="other", name="latency", period=30 * DAY)
"""It measures the same, and is never touched."""


STEP = 150


def bad(start: int, end: int) -> float:
    """An outage twenty days ago, one of five hours ago, and one that goes on."""
    spells = ((-20 * DAY, -20 * DAY + 6 * HOUR), (-5 * HOUR, -4.5 * HOUR), (-600, 3 * DAY))
    return sum(
        0.9 * max(0.0, min(end, NOW + until) - max(start, NOW + since)) for since, until in spells
    )


def prometheus(since: int = 0) -> FakePrometheus:
    """One that has its samples since a moment."""

    def known(count: float, start: int) -> float | None:
        return count if start >= since else None

    return FakePrometheus(
        {
            "requests_total": lambda start, end: known(float(end - start), start),
            "errors_total": lambda start, end: known(bad(start, end), start),
        }
    )


def engine(fake: FakePrometheus, *slos: Slo, **settings: object) -> Engine:
    """An engine on two datasources."""
    clients = {"prometheus": fake, "mimir": FakePrometheus({})}
    return Engine(slos, EvaluationSettings(**settings), clients)


class Life:
    """A daemon's, on a store."""

    def __init__(self, place: Place, *slos: Slo) -> None:
        self.place = place
        self.persister = Persister(Store(place), clock=lambda: float(NOW))
        self.engine = engine(prometheus(), *slos)
        self.at = NOW
        RUNNER.run(self.persister.begin(self.engine, NOW + DELAY))
        self.go_on(NOW)

    def go_on(self, until: int) -> None:
        """Evaluate and store up to a moment."""
        for at in range(self.at, until + 1, STEP):
            poll(self.engine, at)
            fill(self.engine)
            self.shown = self.engine.evaluate(at + DELAY)
            assert RUNNER.run(self.persister.save(self.engine))
        self.at = until + STEP

    def reload(self, *slos: Slo, **settings: object) -> None:
        """As the application does; its Prometheus has forgotten what was before."""

        async def run() -> Engine:
            saved = await self.persister.save(self.engine)
            new = engine(prometheus(NOW - HOUR), *slos, **settings)
            stored = await self.persister.read(new.state, self.engine.state)
            new.follow(self.engine, stored, self.at - STEP + DELAY, saved=saved)
            return new

        self.engine = RUNNER.run(run())

    def restart(self, *slos: Slo, **settings: object) -> None:
        """End, and begin again."""
        self.persister.close()
        self.persister = Persister(Store(self.place), clock=lambda: float(NOW))
        self.engine = engine(prometheus(NOW - HOUR), *slos, **settings)
        RUNNER.run(self.persister.begin(self.engine, self.at - STEP + DELAY))

    def status(self, service: str = SLO.service) -> SloStatus:
        """What is shown of an SLO."""
        [found] = [one for one in self.shown.slos if one.slo.service == service]
        return found


def same(found: SloStatus, expected: SloStatus) -> None:
    """What is shown, and decided, of an SLO is the same."""
    assert found.budget == expected.budget
    assert found.windows == expected.windows
    assert found.coverage == expected.coverage
    assert found.tier == expected.tier
    assert found.tier_status == expected.tier_status
    assert found.incidents == expected.incidents
    assert found.firings == expected.firings
