"""The past of composites, as backtests and `history` read it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.past_reader import Past, PastReader, SpanWanted
from exporter.slo.model import EventsSli, Slo
from exporter.slo.types import HOUR
from tests.helpers.composites.slos import composite
from tests.helpers.evaluation.engines import NOW
from tests.helpers.evaluation.fake_prometheus import FakePrometheus, steady
from tests.helpers.samples import slo

FRONT = slo(name="front", sli=EventsSli(total="front_total", bad="front_bad"))
CART = slo(name="cart", sli=EventsSli(total="cart_total", bad="cart_bad"), datasource="other")
INNER = composite("all", FRONT, CART, name="inner")
JOURNEY = composite("worst", INNER, FRONT)
RATES = {
    "front_total": steady(1),
    "front_bad": steady(0.01),
    "cart_total": steady(2),
    "cart_bad": steady(0.04),
}


def read(*slos: Slo) -> list[list[Past]]:
    fakes: Any = {"prometheus": FakePrometheus(RATES), "other": FakePrometheus(RATES)}
    told: list[tuple[int, int]] = []
    reader = PastReader(fakes, EvaluationSettings(), lambda *each: told.append(each))

    async def run() -> list[list[Past]]:
        wanted = [SpanWanted(each, NOW - 2 * HOUR, NOW) for each in slos]
        return [pasts async for _, pasts in reader.read(wanted)]

    found = asyncio.run(run())
    assert told[-1][0] == told[-1][1]
    return found


def test_parts_are_read_that_nobody_asked_for() -> None:
    """Of whichever datasource, and of composites of composites; they are not told of."""
    [[past]] = read(JOURNEY)
    whole = past.history.whole(0, len(past.history.bad))
    assert whole.total == 2 * HOUR
    assert whole.bad / whole.total == pytest.approx(1 - 0.99 * 0.98)


def test_those_asked_for_come_in_their_order() -> None:
    """A part that is asked for as well is there once."""
    pasts = read(FRONT, JOURNEY, CART)
    ratios = [
        whole.bad / whole.total
        for [past] in pasts
        for whole in [past.history.whole(0, len(past.history.bad))]
    ]
    assert ratios == [pytest.approx(0.01), pytest.approx(1 - 0.99 * 0.98), pytest.approx(0.02)]
