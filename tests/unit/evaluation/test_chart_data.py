"""The courses of SLOs out of the books."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exporter.daemon.engine import Engine
from exporter.evaluation.chart_data import event_histories
from exporter.ledger.slots import Slots
from exporter.slo.maintenance import one_off
from exporter.slo.model import Slo
from exporter.slo.period import CalendarPeriod
from exporter.slo.types import DAY
from tests.helpers.evaluation.engines import NOW, RATES, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo


def noisy(one: Engine) -> Engine:
    """Its ledger with other counts in every slot of it, some of them unknown."""
    chance = np.random.default_rng(7)
    ledger = one.ledger
    for level in range(len(ledger.levels)):
        start, end = ledger.cover(level)
        shape = (ledger.series_count, (end - start) // ledger.levels[level].slot)
        total = chance.integers(0, 1000, shape).astype(float)
        slots = Slots(total * chance.random(shape), total, np.ones(shape))
        out = Slots(slots.bad / 2, slots.total / 2, slots.known / 2)
        ledger.write(level, range(ledger.series_count), start, slots, out)
    return one


def known(*slos: Slo) -> Engine:
    """An engine that has read everything."""
    one = engine(FakePrometheus(RATES), *slos)
    poll(one, NOW)
    fill(one)
    return one


@pytest.mark.parametrize(
    "period", [30 * DAY, 7 * DAY, 3_600, 90 * DAY, CalendarPeriod("month", "Europe/Berlin")]
)
def test_a_course_ends_at_the_budget_that_is_shown(period):
    """Its sums are the windows' own, with maintenance windows and edges inside of slots."""
    one = noisy(known(slo(period=period, maintenance=(one_off("", NOW - 600, NOW - 60),))))
    [status] = one.evaluate(NOW).slos
    [history] = event_histories(one.state, [status])
    assert history is not None
    span = status.period
    cut = history.cut(span.start, span.start + span.elapsed, 50)
    window = status.windows[status.slo.period.label]
    assert cut.bad.sum() == pytest.approx(window.bad)
    assert cut.total.sum() == pytest.approx(window.total)
    assert cut.known.mean() == pytest.approx(window.known)
    assert status.budget is not None
    left = cut.budget_left(status.slo.objective.error_budget)
    assert left[-1] == pytest.approx(status.budget.remaining)


def test_every_group_has_its_own():
    """In the order that is asked for."""
    of = slo(group_by=("region",))
    rates = {**RATES, "all_total": lambda _s, _e: {"eu": 1.0, "us": 2.0}}
    one = engine(FakePrometheus(rates), replace(of, sli=replace(of.sli, total="all_total")))
    poll(one, NOW)
    statuses = one.evaluate(NOW).slos
    found = event_histories(one.state, statuses[::-1])
    totals = [history.total.sum() for history in found if history]
    shown = [status.windows["30d"].total for status in statuses[::-1]]
    assert totals == pytest.approx(shown)
    assert len(set(totals)) == 2


def test_what_has_left_the_books_has_none():
    """After a reload, the page may still show what was evaluated before it."""
    before = known(slo(name="gone"), slo()).evaluate(NOW).slos
    now = known(slo(), slo(name="new"))
    assert [history is not None for history in event_histories(now.state, before)] == [False, True]
    assert event_histories(now.state, before[:1]) == [None]


def test_a_course_is_a_copy():
    """The books go on while it is drawn."""
    one = known(slo())
    [history] = event_histories(one.state, one.evaluate(NOW).slos)
    assert history is not None
    before = history.total.copy()
    noisy(one)
    assert history.total.tolist() == before.tolist()


def test_the_queries_are_those_of_the_newest_slot():
    """As they are asked; and none of an SLO that is another's."""
    of = slo()
    fake = FakePrometheus(RATES)
    one = engine(fake, of)
    found = one.queries(of)
    assert len(found) == 2
    assert "requests_total" in found[0]
    assert "errors_total" in found[1]
    assert one.queries(slo(name="another")) == ()
