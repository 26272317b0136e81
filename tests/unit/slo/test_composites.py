"""Composites' slots by their formulas, for any counts at all, against plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.combining import Method, OnUnknown
from exporter.slo.composites import combined, evened_out, ratios, reached_back
from exporter.slo.measured import measured
from exporter.slo.model import CompositeSli, EventsSli
from tests.helpers.composites.oracle import Counts, composite_slot
from tests.helpers.composites.slos import composite
from tests.helpers.samples import slo

PARTS = [slo(name=name) for name in "abc"]

_counts: st.SearchStrategy[Counts] = st.one_of(
    st.none(),
    st.integers(0, 1_000).flatmap(
        lambda total: st.integers(0, total).map(lambda bad: (float(bad), float(total)))
    ),
)


@given(
    method=st.sampled_from(list(Method)),
    leave_out=st.booleans(),
    slots=st.lists(st.tuples(_counts, _counts, _counts), min_size=1, max_size=5),
    weights=st.tuples(*[st.sampled_from([0.25, 1.0, 3.0])] * 3),
)
def test_any_slots_are_what_the_oracle_puts_together(
    method: Method,
    leave_out: bool,  # given by hypothesis
    slots: list[tuple[Counts, Counts, Counts]],
    weights: tuple[float, float, float],
) -> None:
    """By each method, with parts that are unknown or idle."""
    on_unknown = OnUnknown.LEAVE_OUT if leave_out else OnUnknown.UNKNOWN
    made = composite(method, *PARTS, weights=weights, on_unknown=on_unknown).sli
    assert isinstance(made, CompositeSli)
    arrays = [
        np.array([[float((slot[part] or (0, 0))[i]) for slot in slots] for part in range(3)])
        for i in (0, 1)
    ]
    known = np.array([[float(slot[part] is not None) for slot in slots] for part in range(3)])
    found = combined(made, ratios(arrays[0], arrays[1], known))
    for i, slot in enumerate(slots):
        expected = composite_slot(
            method,
            slot,
            weights=weights if method is Method.WEIGHTED else (),
            leave_out=leave_out,
            seconds=1,
        )
        assert bool(found.known[0, i]) == (expected is not None)
        if expected is not None:
            assert bool(found.traffic[0, i]) == bool(expected[1])
            if expected[1]:
                assert found.error[0, i] == pytest.approx(float(expected[0]), abs=1e-12)


def test_of_slots_known_in_part_as_much_is_known_as_parts_surely_share() -> None:
    """Halves may be different halves."""
    made = composite("all", *PARTS[:2]).sli
    assert isinstance(made, CompositeSli)
    counts = np.ones((2, 3)), np.ones((2, 3)) * 2, np.array([[1, 0.5, 0.5], [0.75, 0.75, 0.5]])
    assert combined(made, ratios(*counts)).known[0].tolist() == [0.75, 0.25, 0]


def test_an_idle_slot_has_the_ratio_of_the_next_scrape() -> None:
    """As far as scrapes are apart, and no further."""
    counts = np.array([[0.0, 0, 1, 0, 2]]), np.array([[0.0, 0, 2, 0, 2]]), np.ones((1, 5))
    found = reached_back(ratios(*counts), [1])
    assert found.error[0].tolist() == [0, 0.5, 0.5, 1, 1]
    assert found.traffic[0].tolist() == [False, True, True, True, True]


def test_only_blocks_with_what_cannot_be_are_evened_out() -> None:
    """In the others each slot keeps its own events."""
    bad, total = np.array([[60.0, -60, 1, 0]]), np.array([[60.0, 0, 10, 10]])
    even = evened_out(bad, total, np.ones((1, 4)), 2)
    assert even[0][0].tolist() == [0, 0, 1, 0]
    assert even[1][0].tolist() == [30, 30, 10, 10]


class TestWhatItIs:
    def test_parts_methods_and_weights_make_it_another(self) -> None:
        """Slots that were put together otherwise are not its own."""
        a, b, c = PARTS[0], slo(name="b", sli=EventsSli("x", "y")), slo(sli=EventsSli("x", "z"))
        others: list[Any] = [
            composite("all", a, b),
            composite("worst", a, b),
            composite("all", a, c),
            composite("all", a, b, on_unknown="leave_out"),
            composite("weighted", a, b),
            composite("weighted", a, b, weights=(2.0, 1.0)),
        ]
        assert len({measured(each) for each in others}) == len(others)

    def test_order_names_and_weights_without_a_meaning_do_not(self) -> None:
        """What is measured is the same."""
        a, b = PARTS[0], slo(name="b", sli=EventsSli("x", "y"))
        renamed = slo(name="renamed", service="other")
        same = [
            composite("all", a, b),
            composite("all", b, a),
            composite("all", renamed, b),
            composite("all", a, b, weights=(3.0, 1.0)),
        ]
        assert len({measured(each) for each in same}) == 1
