"""A counter that has counted before counts as a new one does: what it keeps is what still holds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.collection.slot_counter import SlotCounter
from exporter.slo.model import EventsSli, LatencySli
from tests.helpers.evaluation.counted import SPAN, count_with, counts
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.samples import slo
from tests.helpers.thorough import examples

SLOS = [
    *(slo(name=f"slo{i}", sli=EventsSli(f"all{i}_total", bad=f"bad{i}_total")) for i in range(2)),
    *(slo(name=f"slow{i}", sli=LatencySli(f"h{i}", 0.5)) for i in range(2)),
]
KEYS = [
    *(f"all{i}_total" for i in range(2)),
    *(f"bad{i}_total" for i in range(2)),
    *(f"h{i}_count" for i in range(2)),
    *(rf'h{i}_bucket{{le=~"0\\.5"}}' for i in range(2)),
]
FIGURES = st.fixed_dictionaries({key: st.sampled_from([None, 2.0, 3.0, 50.0]) for key in KEYS})
CHANGES = st.none() | st.tuples(st.just("scraped every"), st.sampled_from([30.0, 300.0]))
CHANGES |= st.tuples(st.just("another way"), st.sampled_from([2, 3]))
ROUNDS = st.lists(st.tuples(FIGURES, CHANGES), min_size=2, max_size=4)


def told(fake: FakePrometheus, counter: SlotCounter):
    answers = count_with(counter, [*range(len(SLOS))])
    return {
        s: [counts(answer, group) for group in answer if np.any(answer[group].slots.known)]
        if isinstance(answer, dict)
        else str(answer)
        for s, answer in answers.items()
    }


@examples(25)
@given(ROUNDS)
def test_as_a_new_one(rounds):
    """Other series, other scrape intervals, and another way to measure an SLO."""
    fake, seconds = FakePrometheus({}), 30.0
    old = SlotCounter({"prometheus": fake}, SLOS, 30)
    for figures, change in rounds:
        fake.counters = {
            key: lambda _start, _end, value=value: value
            for key, value in figures.items()
            if value is not None
        }
        match change:
            case ("scraped every", seconds):
                old.queries.note_scrape_intervals(dict.fromkeys(range(len(SLOS)), seconds))
            case ("another way", slo_index):
                old.queries.prefer(slo_index, old.queries.indicators[slo_index][-1])
        new = SlotCounter({"prometheus": fake}, SLOS, 30)
        new.queries.note_scrape_intervals(dict.fromkeys(range(len(SLOS)), seconds))
        # What it has found out: counting may move another way to the front.
        new.queries.indicators = [[*ways] for ways in old.queries.indicators]
        fake.ranges.clear()
        first = told(fake, old)
        asked, fake.ranges = [each.text for each in fake.ranges], []
        assert first == told(fake, new)
        assert asked == [each.text for each in fake.ranges]


def test_the_span_is_one_that_the_fake_answers():
    """Else nothing would be compared."""
    fake = FakePrometheus({"all0_total": lambda _start, _end: 4.0})
    assert told(fake, SlotCounter({"prometheus": fake}, SLOS, 30))[0] == [
        ([0.0] * SPAN.count, [4.0] * SPAN.count)
    ]
