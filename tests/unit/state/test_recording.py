"""Answers that are written down together leave a ledger as they do one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.collection.resample import Resampled
from exporter.collection.slot_range import SlotRange
from exporter.ledger.slots import Slots
from exporter.slo.model import Timeslices
from exporter.state.evaluation_state import EvaluationState
from tests.helpers.samples import AT, slo
from tests.helpers.thorough import examples

END = AT - AT % 300
SLOTS = 12
COUNT = 3
VALUES = st.sampled_from([0.0, 1.0, 3.0, 40.0, 2.0**24 + 1])
SLOT = st.tuples(VALUES, VALUES, st.sampled_from([0.0, 0.5, 1.0]))
ANSWER = st.none() | st.lists(SLOT, min_size=SLOTS, max_size=SLOTS)
ROUNDS = st.lists(st.lists(ANSWER, min_size=COUNT, max_size=COUNT), min_size=1, max_size=3)


def made(slack: float) -> EvaluationState:
    slos = [slo(name=f"slo{i}") for i in range(COUNT - 1)]
    slos.append(slo(name="slices", timeslices=Timeslices(60, 0.9)))
    state = EvaluationState(slos, 30, [60] * COUNT, lambda slo_index: slack if slo_index else 0.0)
    return state.go_to(END)


def resampled(slots) -> dict[tuple[str, ...], Resampled]:
    if slots is None:
        return {}
    bad, total, known = (
        np.array(each, dtype=np.float64)[None] for each in zip(*slots, strict=True)
    )
    return {(): Resampled(Slots(np.where(known, bad, 0), np.where(known, total, 0), known), None)}


@examples(25)
@given(ROUNDS, st.sampled_from([0.0, 60.0]), st.integers(0, SLOTS))
def test_together_as_one_by_one(rounds, slack, settled):
    """Whatever was there before: unknown slots, figures that cannot be, parts of slots."""
    together, alone = made(slack), made(slack)
    span = SlotRange(END - SLOTS * 30, END, 30)
    for answers in rounds:
        of_all = {i: resampled(slots) for i, slots in enumerate(answers)}
        until = float(END - settled * 30)
        together.recording.record_all(0, of_all, span, until)
        for slo_index, answer in of_all.items():
            alone.record(0, slo_index, span, answer, until)
        np.testing.assert_array_equal(together.ledger.asked(0), alone.ledger.asked(0))
        for i in range(COUNT):
            pairs = (each.ledger.read(0, i).arrays() for each in (together, alone))
            for one, two in zip(*pairs, strict=True):
                np.testing.assert_array_equal(one, two)
        moment = END - SLOTS * 30
        assert together.impossible.newest(moment) == alone.impossible.newest(moment)
        np.testing.assert_array_equal(together.answered_since(END), alone.answered_since(END))


def test_what_has_groups_or_windows_is_written_alone():
    """The others need not be."""
    slos = [slo(), slo(name="grouped", group_by=("region",))]
    recording = EvaluationState(slos, 30).recording
    assert [recording.alone(i) for i in range(2)] == [False, True]
