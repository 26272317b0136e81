"""Engines that take the place of others."""

from __future__ import annotations

from typing import Any

from exporter.daemon.engine import Engine
from exporter.exposition.families import families
from exporter.slo.model import Slo
from exporter.slo.types import DAY
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, RangeQuery
from tests.helpers.samples import slo

SLO = slo(period=7 * DAY)


def whole(fake: FakePrometheus, *slos: Slo, at: int = NOW) -> Engine:
    """An engine that has read everything at a moment."""
    one = engine(fake, *slos)
    poll(one, at)
    fill(one)
    return one


def follow(old: Engine, fake: FakePrometheus, *slos: Slo, at: int = NOW, **settings: Any) -> Engine:
    """The engine of a configuration that was read anew."""
    new = engine(fake, *slos, **settings)
    new.follow(old, {}, at + DELAY, saved=False)
    return new


def silent() -> FakePrometheus:
    """A Prometheus that has nothing any more."""
    return FakePrometheus({})


def assert_same_metrics(found: Engine, expected: Engine, at: int) -> None:
    """What is shown is the same to the last digit."""
    shown = [
        [
            (name, list(points))
            for name, *_, series in families(each.evaluate(at + DELAY))
            for _, points in series
        ]
        for each in (found, expected)
    ]
    assert shown[0] == shown[1]


def whole_asks(fake: FakePrometheus) -> list[RangeQuery]:
    """The questions that read a period anew."""
    whole(fake, SLO)
    return [each for each in fake.ranges if "requests_total" in each.selectors]
