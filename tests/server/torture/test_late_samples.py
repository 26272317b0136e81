"""Samples that arrive after their slot was asked for, between the polls of a running engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count, pairwise

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.settings import PrometheusSettings
from tests.helpers.integration.checks import assert_slots, assert_sums
from tests.helpers.integration.histories import END, History, growing, scrapes
from tests.helpers.integration.running import DELAY, run, slot_counts
from tests.helpers.integration.scenario import TOTAL, Case, availability
from tests.helpers.torture.receivers import Receiver, marked
from tests.oracle import MINUTE

pytestmark = pytest.mark.slow

SETTLE = EvaluationSettings().settle
LAST = END - 15 * MINUTE
"""Where the samples end; at `END` every slot of them has settled."""

SPELL = (LAST - 10 * MINUTE, LAST - 6 * MINUTE)
"""When the samples were made that come minutes late."""

_names = (f"late-{n}" for n in count())

Lateness = Callable[[float, str], float]
"""How many seconds after its time a sample of an instance arrives."""


def seconds(t: float, instance: str) -> float:
    """Every sample lands after its slot was first asked for."""
    return 9 + t % 5


def held_up(t: float, instance: str) -> float:
    """One sender was cut off for four minutes and catches up."""
    late = instance == "a:80" and SPELL[0] < t <= SPELL[1]
    return SPELL[1] + 10 - t if late else 1


def shuffled(t: float, instance: str) -> float:
    """Every other sample comes minutes late, out of order."""
    return 250 if SPELL[0] < t <= SPELL[1] and t // 30 % 2 else 1


@pytest.fixture
def case() -> Case:
    """Two instances: one restarts, the other has its first errors, just when samples are late."""
    history = History(next(_names))
    times = scrapes(LAST - 50 * MINUTE, LAST)
    restart = {SPELL[0] + 100: [3]}
    for instance, resets in (("a:80", restart), ("b:80", None)):
        history.target(times, instance=instance)
        samples = growing(times, 3, resets=resets)
        history.counter(TOTAL, samples, instance=instance, code="200")
        errors = [t for t in times if t > SPELL[0] + 130]
        history.counter(TOTAL, growing(errors, 1, first=5), instance=instance, code="500")
    return availability(history)


async def polled(receiver: Receiver, case: Case, lateness: Lateness) -> Engine:
    """Poll every 30 s until `END`; before each poll what has arrived by then is stored."""
    waiting = [
        (dict(identity), [(t + lateness(t, dict(identity)["instance"]), t, v) for t, v in samples])
        for identity, samples in marked(case.history)
    ]
    moments = [m + DELAY for m in range(LAST - 45 * MINUTE, END + 1, 30)]
    async with PrometheusClient(PrometheusSettings(url=receiver.url)) as client:
        engine = Engine([case.slo], EvaluationSettings(), {"prometheus": client})
        for before, now in pairwise([0, *moments]):
            arrived = [
                (identity.items(), [(t, value) for at, t, value in samples if before < at <= now])
                for identity, samples in waiting
            ]
            receiver.write(arrived)
            await engine.poll(now)
    return engine


class TestLateSamples:
    @pytest.mark.parametrize("lateness", [seconds, held_up, shuffled])
    def test_end_up_where_they_belong(self, receiver: Receiver, case: Case, lateness: Lateness):
        """Up to the settling time the figures become what they would have been all along."""
        engine = asyncio.run(polled(receiver, case, lateness))
        snapshot = engine.evaluate(END + DELAY)
        first = LAST - 45 * MINUTE  # before that, history was not asked for

        held = slot_counts(engine, snapshot.slos[0])
        wrong = {
            span: (counts, (case.bad(*span), case.total(*span)))
            for span, counts in held.items()
            if span[0] >= first and counts != (case.bad(*span), case.total(*span))
        }
        assert not wrong
        window, start = snapshot.slos[0].windows["30m"], END - 30 * MINUTE
        assert (window.bad, window.total) == (case.bad(start, END), case.total(start, END))

    def test_change_nothing_once_a_slot_is_final(self, receiver: Receiver, case: Case):
        """Ten minutes after a slot's end its count stands, until the exporter starts anew."""
        scrape = next(t for t in scrapes(SPELL[0]) if t > SPELL[0])
        slot = (int(scrape // 30 * 30), int(scrape // 30 * 30) + 30)
        lateness = SETTLE + 300 + 60

        def too_late(t: float, instance: str) -> float:
            return lateness if t == scrape else 1

        engine = asyncio.run(polled(receiver, case, too_late))
        snapshot = engine.evaluate(END + DELAY)
        held = slot_counts(engine, snapshot.slos[0])
        assert held[slot][1] < case.total(*slot)
        again, fresh = run(receiver.url, [case.slo], END)
        assert_slots(again, fresh, case.slo, case.bad, case.total)
        assert_sums(fresh.slos[0], END, case.bad, case.total)
