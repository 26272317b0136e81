"""Firings that go on, beside the same followed boundary by boundary."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.firings import Course, ended_without, followed, gone_on
from exporter.slo.records import KEPT, Firing
from exporter.slo.types import HOUR
from exporter.slo.windows import CONDITIONS
from tests.helpers.thorough import examples

AT = 1_700_000_100
NAMES = [(each.severity, each.long, each.short) for each in CONDITIONS[:3]]
UNKNOWN = None

past = st.lists(
    st.builds(
        lambda of, start, length: Firing(*of, AT - start, AT - start + length, open=False),
        st.sampled_from(NAMES),
        st.sampled_from([KEPT + 900, KEPT + 600, 7_200, 3_600]),
        st.sampled_from([300, 600, 900]),
    ),
    max_size=3,
)
open_ = st.sets(st.sampled_from(range(len(NAMES)))).flatmap(
    lambda those: st.tuples(
        *(
            st.builds(
                lambda start, i=i: Firing(*NAMES[i], AT - start, AT, open=True),
                st.sampled_from([60, 90, 1_800]),
            )
            for i in those
        )
    )
)
steady = st.one_of(
    st.lists(st.sampled_from([True, UNKNOWN]), min_size=4, max_size=4),
    st.lists(st.sampled_from([False, UNKNOWN]), min_size=4, max_size=4),
    st.lists(st.sampled_from([True, False, UNKNOWN]), min_size=4, max_size=4),
)


def course(held: list[bool | None], times: list[int]) -> Course:
    known = [(at, each) for at, each in zip(times, held, strict=True) if each is not None]
    told = [each for _, each in known]
    return Course(known[-1][0] if known else 0, any(told), all(told))


@examples(300)
@given(past, open_, st.tuples(*[steady] * len(NAMES)))
def test_what_goes_on_is_as_if_it_were_followed(ended, going_on, held):
    """Or it is left to be followed: where a firing begins or ends, and there alone."""
    firings = tuple(sorted([*ended, *going_on], key=lambda one: (one.start, one.severity)))
    times = [AT + 30 * n for n in range(1, 5)]
    expected = firings
    for condition, of in zip(CONDITIONS, held, strict=False):
        known = [i for i, each in enumerate(of) if each is not None]
        at, holds = np.array(times)[known], np.array([bool(of[i]) for i in known], dtype=np.bool_)
        expected = followed(expected, condition, at, holds)
    found = gone_on(
        firings, {name: course(of, times) for name, of in zip(NAMES, held, strict=True)}
    )
    if found is not None:
        assert found == expected
        assert (found is firings) == (expected is firings)
    else:
        before, after = (
            {(one.start, *_name(one)) for one in all_ if one.open} for all_ in (firings, expected)
        )
        begun_and_ended = {one for one in expected if not one.open and one.end > AT}
        assert before != after or begun_and_ended


def _name(one: Firing) -> tuple[str, int, int]:
    return one.severity, one.long, one.short


def test_what_goes_on_keeps_its_beginning():
    """And ends at the newest boundary."""
    one = Firing(*NAMES[0], AT - 60, AT, open=True)
    found = gone_on((one,), {NAMES[0]: Course(AT + 30, held=True, throughout=True)})
    assert found == (Firing(*NAMES[0], AT - 60, AT + 30, open=True),)


def test_the_same_stays_the_same_while_no_condition_is_gone():
    """So that it is not stored again."""
    firings = (
        Firing("page", HOUR, 60, AT - 600, AT - 300, open=False),
        Firing(*NAMES[0], AT - 60, AT, open=True),
    )
    assert ended_without(firings, NAMES, AT + 30) is firings
    assert not any(one.open for one in ended_without(firings, NAMES[1:], AT + 30))
