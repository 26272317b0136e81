"""What is kept of an answer is of no use for one with other series: answers are dealt out anew."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.collection import rows as rows_module
from exporter.collection.planner import plan
from exporter.collection.rows import SEVERAL, Rows
from exporter.collection.slot_range import SlotRange
from exporter.prometheus.matrix import Series
from exporter.prometheus.promql import PART_LABEL, QueryContext
from exporter.prometheus.questions import Question
from exporter.prometheus.sample_queries import checksum
from exporter.prometheus.selectors import parse_selector
from tests.helpers.thorough import examples

END = 1_700_000_100
SPAN = SlotRange(END - 30, END, 30)
CONTEXT = QueryContext((), slot=30, interval=30, lookback=0)
SERVICES = ("a", "b", "c")


def planned():
    return plan(
        (Question(parse_selector(f'requests_total{{service="{name}"}}'), checksum), CONTEXT)
        for name in SERVICES
    )


def answer(values: list[tuple[str, float]]) -> list[Series]:
    return [
        Series({PART_LABEL: "0", "service": name}, [(float(END), value)]) for name, value in values
    ]


def expected(values: list[tuple[str, float]]) -> list[float]:
    """Of each service its only value; NaN without one, and where there are two."""
    own = [[value for name, value in values if name == each] for each in SERVICES]
    return [each[0] if len(each) == 1 else np.nan for each in own]


answers = st.lists(
    st.tuples(st.sampled_from([*SERVICES, "of nobody"]), st.integers(0, 9).map(float)), max_size=5
)


@examples(100)
@given(st.lists(answers, min_size=2, max_size=4))
def test_each_answer_is_dealt_out_by_its_own_series(these):
    """Whatever the one before had: others, the same in another order, one twice, or none."""
    of = planned()
    for values in these:
        found = Rows(of, answer(values), SPAN)
        np.testing.assert_array_equal(found.of_places()[:, 0], expected(values))
        for place, number, name in zip(of.places, found.numbers, SERVICES, strict=True):
            own = [i for i, (other, _) in enumerate(values) if other == name]
            assert number == (SEVERAL if own[1:] else own[0] if own else found.nothing)
            assert [row.values[0] for row in found.at(place)] == [values[i][1] for i in own]


def test_an_answer_with_the_same_series_is_not_dealt_out_again(monkeypatch):
    """Its values are its own."""
    of, dealt = planned(), []
    place_of = rows_module.place_of
    monkeypatch.setattr(
        rows_module, "place_of", lambda *those: (dealt.append(those), place_of(*those))[1]
    )
    for value in (1.0, 2.0):
        found = Rows(of, answer([("a", value), ("b", 5.0)]), SPAN)
        np.testing.assert_array_equal(found.of_places()[:, 0], [value, 5.0, np.nan])
    assert len(dealt) == 2
    assert Rows(of, answer([("b", 5.0), ("a", 1.0)]), SPAN).numbers.tolist() == [1, 0, 2]
    assert len(dealt) == 4
