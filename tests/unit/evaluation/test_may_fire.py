"""Which SLOs are looked at for firings: none is left out that fires, or begins or ends to. And
which are followed condition by condition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.evaluation import firing_steps
from exporter.evaluation.firing_steps import move_firings
from exporter.evaluation.past_windows import PastWindowSums
from exporter.evaluation.policy_batch import PolicyBatch
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import levels
from exporter.ledger.slots import Slots
from exporter.slo.evaluate import Sums
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Firing
from exporter.slo.types import SeriesIndex, SloIndex
from exporter.slo.windows import CONDITIONS, WINDOWS
from tests.helpers.samples import slo
from tests.helpers.thorough import examples

END = 1_700_000_100
PERIOD = 7 * 86_400
OBJECTIVES = ("99.9", "99", "90")

# Spans of slots: for how many slots so many of ten events are bad; None: nothing is known.
SPELLS = st.lists(
    st.tuples(st.integers(1, 200), st.sampled_from([0, 0, 0.003, 0.03, 0.3, 0.05, 1, 5, 10, None])),
    min_size=1,
    max_size=6,
)
DOWN = st.just([(700, 10)])
FIRING = tuple(
    Firing(each.severity, each.long, each.short, start=END - 900, end=END - 300, open=True)
    for each in CONDITIONS
)


def ledger(spells: list[list[tuple[int, float | None]]]) -> Ledger:
    """The newest slots of each SLO, the last spell at the end."""
    made = Ledger(levels(30, PERIOD), len(spells), END)
    for i, of_slo in enumerate(spells):
        made.add_series()
        values = [bad for count, bad in of_slo for _ in range(count)][-700:]
        bad = np.array([[0.0 if each is None else float(each) for each in values]])
        known = np.array([[float(each is not None) for each in values]])
        start = END - 30 * len(values)
        made.write(0, [SeriesIndex(i)], start, Slots(bad, 10 * known, known))
    return made


def firings(of: Ledger, *, open_: int, boundaries: int) -> list[tuple[Firing, ...]]:
    """What fires at the end of some boundaries, and what is final of it; some conditions were
    `open_` before."""
    slos = [slo(each, period=PERIOD) for each in OBJECTIVES]
    before = PolicyState(firings=FIRING[:open_])
    start = END - 30 * boundaries
    batch = PolicyBatch(
        series=[SeriesIndex(i) for i in range(len(slos))],
        slo_indices=[SloIndex(i) for i in range(len(slos))],
        slos=slos,
        start=start,
        until=[END - 60] * len(slos),
        slack=np.zeros(len(slos)),
        final=[before] * len(slos),
        now=[before] * len(slos),
    )
    sums = {length: of.window(length) for length in WINDOWS}
    past = PastWindowSums(of, Sums(sums, sums), batch.series)
    move_firings(batch, past, np.arange(start + 30, END + 1, 30, dtype=np.int64))
    return [each.firings for each in (*batch.now, *batch.final)]


@examples(60)
@given(
    st.tuples(*[SPELLS] * len(OBJECTIVES)),
    st.integers(0, len(FIRING)),
    st.sampled_from([1, 10, 150]),
)
def test_those_left_out_neither_begin_nor_end_to_fire(spells, open_, boundaries):
    """The same comes out as if every SLO were followed slot by slot."""
    of = ledger(spells)
    found = firings(of, open_=open_, boundaries=boundaries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(firing_steps, "_may_fire", lambda batch, *_: list(range(len(batch.slos))))
        assert found == firings(of, open_=open_, boundaries=boundaries)


@examples(60)
@given(
    st.tuples(*[SPELLS | DOWN] * len(OBJECTIVES)),
    st.integers(0, len(FIRING)),
    st.sampled_from([1, 10, 150]),
)
def test_those_that_go_on_firing_are_as_if_they_were_followed(spells, open_, boundaries):
    """Condition by condition."""
    of = ledger(spells)
    found = firings(of, open_=open_, boundaries=boundaries)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(firing_steps, "gone_on", lambda *_: None)
        assert found == firings(of, open_=open_, boundaries=boundaries)


def test_quiet_slos_are_left_out(monkeypatch):
    """Of three the one that fails is read."""
    of = ledger([[(700, 0)], [(600, 0), (100, 10)], [(700, 0)]])
    read = []
    windows = PastWindowSums.windows
    monkeypatch.setattr(
        PastWindowSums,
        "windows",
        lambda self, places, *those: (read.append(places), windows(self, places, *those))[1],
    )
    firings(of, open_=0, boundaries=10)
    assert read == [[1]]


def test_what_is_barely_above_a_threshold_is_seen_to_fire():
    """The mildest condition, of the strictest SLO."""
    mildest = min(each.threshold(PERIOD) for each in CONDITIONS)
    barely = 10 * 0.001 * mildest * 1.1
    of = ledger([[(700, barely)], [(700, 0)], [(700, 0)]])
    now, *others = firings(of, open_=0, boundaries=10)[:3]
    assert now
    assert not any(others)


def test_what_fires_ends_when_nothing_holds():
    """Though no condition holds at any of the boundaries."""
    of = ledger([[(700, 0)]] * len(OBJECTIVES))
    found = firings(of, open_=1, boundaries=10)
    assert [[each.open for each in one] for one in found] == [[False]] * 2 * len(OBJECTIVES)
