"""Windows that ended earlier: summed up at once, they are what they are one by one."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.evaluation import past_windows
from exporter.evaluation.past_windows import PastWindowSums
from exporter.slo.evaluate import Sums
from exporter.slo.maintenance import one_off
from exporter.slo.types import DAY, HOUR, MINUTE
from tests.helpers.evaluation.engines import NOW, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo

END = NOW + 1_230
"""Inside of the slots of five minutes and of an hour."""


@pytest.fixture(scope="module")
def past() -> PastWindowSums:
    """Of a day with holes, failures now and then, and maintenance."""

    def events(start: int, end: int) -> float | None:
        return None if start % 7_000 < 900 else (end - start) * 0.37

    def failures(start: int, end: int) -> float | None:
        found = events(start, end)
        return found if start % 4_100 < 300 else found and 0.0

    fake = FakePrometheus({"requests_total": events, "errors_total": failures})
    window = one_off("move", END - 3 * HOUR - 7, END - 2 * HOUR)
    one = engine(fake, slo(period=DAY, maintenance=(window,)))
    poll(one, END)
    fill(one)
    return PastWindowSums(one.ledger, Sums({}, {}), [0])


ENDS = np.arange(END - 3 * HOUR, END + 1, 30, dtype=np.int64)


@pytest.mark.parametrize("length", [5 * MINUTE, HOUR, DAY])
def test_at_once_is_one_by_one(past, monkeypatch, length):
    """At every boundary, wherever the edges of the windows lie."""
    starts = [int(end) - length for end in ENDS]
    at_once = past.along(ENDS, starts), past.recent(ENDS, length)
    monkeypatch.setattr(past_windows, "MANY", len(ENDS) + 1)
    one_by_one = past.along(ENDS, starts), past.recent(ENDS, length)
    for name in ("bad", "total", "known"):
        expected = getattr(one_by_one[0], name)
        assert np.ptp(expected) > 0
        assert getattr(at_once[0], name) == pytest.approx(expected, abs=1e-6)
    assert at_once[1] == pytest.approx(one_by_one[1], abs=1e-6)
    assert ((at_once[1] > 0) == (one_by_one[1] > 0)).all()
    alone = past.between(starts[9], int(ENDS[9]))
    assert at_once[0].bad[9] == pytest.approx(alone.bad, abs=1e-6)


def test_what_stands_in_for_several_slots_is_read_one_by_one(past, monkeypatch):
    """A window that cuts it is without it, which sums up to its edge do not know."""
    monkeypatch.setattr(past_windows, "STANDS_IN", 0.5)
    assert past._upto(ENDS, int(ENDS[0]) - HOUR) is None
