"""Random events of three parts, an engine on them, and what their composite should have."""

from __future__ import annotations

import random
from typing import Any

import pytest

from exporter.daemon.engine import Engine
from exporter.slo.model import EventsSli, Slo
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR
from tests.helpers.composites.oracle import Counts, composite_slot, summed
from tests.helpers.composites.slos import composite
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import Events, FakePrometheus
from tests.helpers.samples import slo

PARTS = tuple(
    slo(name=name, sli=EventsSli(total=f"{name}_total", bad=f"{name}_bad"), period=DAY)
    for name in ("front", "cart", "pay")
)


class Story:
    """What happened to the parts, slot by slot: random, and the same at every look."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.late: dict[tuple[int, int], Counts] = {}
        self._drawn: dict[tuple[int, int], Counts] = {}

    def counts(self, part: int, end: int) -> Counts:
        """Of the slot of 30 s that ends then."""
        if (part, end) in self.late:
            return self.late[part, end]
        if (part, end) not in self._drawn:
            self._drawn[part, end] = self._draw(random.Random(end * 31 + part * 7 + self.seed))
        return self._drawn[part, end]

    @staticmethod
    def _draw(dice: random.Random) -> Counts:
        kind = dice.random()
        if kind < 0.02:
            return None
        if kind < 0.1:
            return 0, 0
        total = dice.randint(1, 50)
        return (dice.randint(0, total) if kind < 0.3 else 0), total

    def events(self, part: int, place: int) -> Events:
        """One of both for the fake Prometheus."""

        def of(start: int, end: int) -> float | None:
            slots = [self.counts(part, at) for at in range(start + 30, end + 1, 30)]
            if any(slot is None for slot in slots):
                return None
            return sum(slot[place] for slot in slots if slot)

        return of

    def fake(self) -> FakePrometheus:
        counters: dict[str, Events] = {}
        for i, part in enumerate(PARTS):
            counters |= {
                f"{part.name}_total": self.events(i, 1),
                f"{part.name}_bad": self.events(i, 0),
            }
        return FakePrometheus(counters)

    def expected(
        self, method: str, length: int, end: int = NOW, **more: Any
    ) -> tuple[float, float, int]:
        """Bad and all seconds of a window, and its known slots."""
        return summed(
            composite_slot(method, [self.counts(i, at) for i in range(3)], **more)
            for at in range(end - length + 30, end + 1, 30)
        )


def status(one: Engine, name: str = "journey", at: int = NOW) -> SloStatus:
    [found] = [each for each in one.evaluate(at + DELAY).slos if each.slo.name == name]
    return found


def begun(fake: FakePrometheus, *slos: Slo, at: int = NOW) -> Engine:
    one = engine(fake, *slos)
    poll(one, at)
    fill(one)
    return one


def assert_window(one: Engine, name: str, length: int, expected: tuple[float, float, int]) -> None:
    bad, total, known = expected
    window = status(one).windows[name]
    assert window.bad == pytest.approx(bad, rel=1e-9, abs=1e-9)
    assert window.total == pytest.approx(total)
    assert window.known == pytest.approx(known * 30 / length)


def seven_hours_later(story: Story) -> tuple[Engine, int]:
    """An engine of a composite whose first slots have merged since, and where it has come to."""
    one = begun(story.fake(), composite("all", *PARTS), *PARTS)
    one.evaluate(NOW + DELAY)
    end = NOW + 7 * HOUR
    for at in range(NOW + 1800, end + 1, 1800):
        poll(one, at)
        one.evaluate(at + DELAY)
    return one, end
