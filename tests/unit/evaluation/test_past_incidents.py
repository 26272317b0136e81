"""Incidents of the time before the finest slots: those of many SLOs are those of each."""

import numpy as np
import pytest

from exporter.evaluation import incident_steps
from exporter.evaluation.incident_steps import find_past_incidents
from exporter.evaluation.policy_batch import Figures, PolicyBatch
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import levels
from exporter.ledger.slots import Slots
from exporter.slo.policy_state import PolicyState
from exporter.slo.types import DAY, HOUR, SeriesIndex, SloIndex
from tests.helpers.samples import slo

END = 1_700_000_100 // HOUR * HOUR
COUNT = 5


def found(at_once: int, monkeypatch: pytest.MonkeyPatch) -> list[PolicyState]:
    """What there is of SLOs with bad hours here and there; some are final up to a moment."""
    monkeypatch.setattr(incident_steps, "AT_ONCE", at_once)
    slos = [slo("99", period=7 * DAY)] * COUNT
    ledger, chance = Ledger(levels(30, 7 * DAY), COUNT, END), np.random.default_rng(3)
    for i in range(COUNT):
        ledger.add_series()
        start, end = ledger.cover(2)
        shape = 1, (end - start) // HOUR
        bad = chance.choice([0.0, 0.0, 0.0, 50.0], shape)
        ledger.write(2, [SeriesIndex(i)], start, Slots(bad, 0 * bad + 100, 0 * bad + 1))
    batch = PolicyBatch(
        series=[SeriesIndex(i) for i in range(COUNT)],
        slo_indices=[SloIndex(i) for i in range(COUNT)],
        slos=slos,
        start=END - 6 * HOUR,
        until=[END] * COUNT,
        slack=np.zeros(COUNT),
        final=[PolicyState()] * COUNT,
        now=[PolicyState()] * COUNT,
    )
    budget = np.full((1, COUNT), 168.0)
    figures = Figures(np.array([END]), budget, budget, budget > 0, {})
    final_until = {SloIndex(i): END - i * DAY if i else 0 for i in range(COUNT)}
    find_past_incidents(ledger, batch, figures, final_until)
    return batch.now


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_they_are_the_same_however_many_are_read_at_once(at_once, monkeypatch):
    """Of those that are final up to different moments, too; each has some of its own."""
    together = found(100, monkeypatch)
    assert found(at_once, monkeypatch) == together
    assert len({state.incidents for state in together}) > 2
