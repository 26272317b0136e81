"""Which slots are asked for next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.collection import pending
from exporter.collection.pending import SETTLE_TOGETHER
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import levels
from exporter.ledger.slot_status import SlotStatus
from exporter.slo.types import DAY, HOUR
from tests.helpers.ledger.asked import END, ledger, mark
from tests.helpers.thorough import examples


def newest(of: Ledger, units: Sequence[int] = (30, 30, 30)) -> pending.Requests:
    none = np.zeros(len(of.asked(0)), dtype=np.bool_)
    return pending.newest(of, units, [of.end] * len(units), none)


def settled(of: Ledger, until: float, units: Sequence[int] = (30, 30, 30)) -> pending.Requests:
    return pending.settled(of, np.full(len(of.asked(0)), until), units)


STATUSES = st.lists(
    st.lists(
        st.sampled_from(
            [SlotStatus.SETTLED, SlotStatus.PROVISIONAL, SlotStatus.EMPTY, SlotStatus.NO]
        ),
        min_size=8,
        max_size=8,
    ),
    min_size=3,
    max_size=3,
)


@examples(100)
@given(
    STATUSES,
    st.lists(st.sampled_from([0, 30, 60, 300]), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_what_is_pending_is_found_of_each_slo_as_if_it_were_alone(statuses, lags, replaced):
    """The spans of all together are those of one after the other; units are whole."""
    one, units, begin = ledger(3), (30, 60, 120), END - 240
    for slo_index, each in enumerate(statuses):
        for i, status in enumerate(each):
            mark(one, slo_index, status, begin + 30 * i, begin + 30 * (i + 1))
    expected: dict[str, dict[SlotRange, list[int]]] = {"newest": {}, "unsettled": {}}
    for slo_index, each in enumerate(statuses):
        provisional = [i for i, status in enumerate(each) if status == SlotStatus.PROVISIONAL]
        open_ = [i for i, status in enumerate(each) if status <= SlotStatus.EMPTY]
        if replaced[slo_index]:
            open_ = sorted({*open_, *provisional})
        unit = units[slo_index]
        if open_:
            first, last = begin + 30 * open_[0], END - lags[slo_index]
            first, last = first - first % unit, last - last % unit
            if first < last:
                expected["newest"].setdefault(SlotRange(first, last, 30), []).append(slo_index)
        if provisional and replaced[slo_index]:
            span = SlotRange(begin + 30 * provisional[0], begin + 30 * (provisional[-1] + 1), 30)
            expected["unsettled"].setdefault(span, []).append(slo_index)
    complete = [END - lag for lag in lags]
    found = pending.newest(one, units, complete, np.array(replaced))
    assert (found, list(found)) == (expected["newest"], list(expected["newest"]))
    assert pending.unsettled(one, np.array(replaced)) == expected["unsettled"]


class TestNewest:
    def test_nothing_is_asked_for_when_all_is_known(self):
        """A second look within the same slot costs nothing."""
        assert newest(ledger()) == {}

    def test_the_newest_slot_is_asked_for(self):
        """As time goes on by a slot that one is missing."""
        one = ledger(2)
        one.advance(END + 30)
        assert newest(one) == {SlotRange(END, END + 30, 30): [0, 1]}

    def test_a_gap_is_asked_for_whole(self):
        """After an outage everything since is asked for at once."""
        one = ledger()
        one.advance(END + HOUR)
        assert newest(one) == {SlotRange(END, END + HOUR, 30): [0]}

    def test_each_source_has_its_own_gap(self):
        """One that failed alone is caught up alone."""
        one = ledger(3)
        one.advance(END + 300)
        mark(one, 0, SlotStatus.PROVISIONAL, END, END + 270)
        mark(one, 2, SlotStatus.PROVISIONAL, END, END + 270)
        assert newest(one) == {
            SlotRange(END + 270, END + 300, 30): [0, 2],
            SlotRange(END, END + 300, 30): [1],
        }

    def test_what_was_empty_is_asked_for_again(self):
        """Data that come late come whole most of the time."""
        one = ledger()
        one.advance(END + 90)
        mark(one, 0, SlotStatus.EMPTY, END, END + 60)
        assert newest(one) == {SlotRange(END, END + 90, 30): [0]}

    def test_what_settled_empty_is_not_asked_for_again(self):
        """An SLO without data does not ask for hours at every evaluation."""
        one = ledger()
        assert newest(one) == {}

    def test_at_first_everything_fine_is_asked_for(self):
        """The first question is for all of the finest slots."""
        fresh = Ledger(levels(30, DAY), 1, END)
        start, end = fresh.cover(0)
        assert newest(fresh) == {SlotRange(start, end, 30): [0]}

    def test_a_ledger_without_fine_slots_asks_for_none(self):
        """A clock set back by more than the finest slots reach leaves none of them."""
        one = ledger()
        one.retreat(END - 2 * DAY)
        assert newest(one) == {}


class TestUnits:
    """Slices of 300 s are asked for whole; END is a boundary of them."""

    def asked_at(self, seconds: int) -> list[tuple[int, int]]:
        """What is asked for so long after END, as offsets from it."""
        one = ledger()
        one.advance(END + seconds)
        return [(each.start - END, each.end - END) for each in newest(one, (300,))]

    @pytest.mark.parametrize(
        ("seconds", "asked"),
        [(30, []), (270, []), (300, [(0, 300)]), (330, [(0, 300)]), (930, [(0, 900)])],
    )
    def test_a_slice_is_asked_for_once_it_is_over(self, seconds, asked):
        """All of it, and the gap of several at once."""
        assert self.asked_at(seconds) == asked

    def test_each_source_has_its_own_unit(self):
        """Those without slices do not wait."""
        one = ledger(3)
        one.advance(END + 390)
        assert newest(one, (30, 300, 60)) == {
            SlotRange(END, END + 390, 30): [0],
            SlotRange(END, END + 300, 30): [1],
            SlotRange(END, END + 360, 30): [2],
        }

    def test_a_slice_that_is_known_in_part_is_asked_for_whole(self):
        """Its ratio is that of all of it."""
        one = ledger()
        one.advance(END + 600)
        mark(one, 0, SlotStatus.PROVISIONAL, END, END + 390)
        assert newest(one, (300,)) == {SlotRange(END + 300, END + 600, 30): [0]}

    def test_slices_that_have_settled_are_asked_for_whole(self):
        """One of which a part may still change waits, and goes on waiting alone."""
        one = ledger()
        one.advance(END + 1200)
        mark(one, 0, SlotStatus.PROVISIONAL, END, END + 1200)
        assert settled(one, END + 270, (300,)) == {}
        for until, end in ((300, 300), (570, 300), (600, 600), (1190, 900)):
            assert settled(one, END + until, (300,)) == {SlotRange(END, END + end, 30): [0]}


class TestSettled:
    def provisional(self, slots: int) -> Ledger:
        one = ledger()
        one.advance(END + 1200)
        mark(one, 0, SlotStatus.PROVISIONAL, END, END + slots * 30)
        mark(one, 0, SlotStatus.SETTLED, END + slots * 30, END + 1200)
        return one

    def test_slots_that_have_settled_are_asked_for_together(self):
        """Ten at a time: as many samples as one by one, a tenth of the queries."""
        one = self.provisional(40)
        until = END + SETTLE_TOGETHER * 30
        assert settled(one, until - 1) == {}
        assert settled(one, until) == {SlotRange(END, until, 30): [0]}
        assert settled(one, until + 29.9) == {SlotRange(END, until, 30): [0]}

    def test_slots_that_may_still_change_wait(self):
        """What is younger than `settle` is not asked for yet."""
        assert settled(self.provisional(40), END) == {}
        assert settled(self.provisional(40), END - 10 * DAY) == {}

    def test_slots_that_settled_are_not_asked_for_again(self):
        """Once is enough."""
        assert settled(ledger(), END) == {}

    def test_time_beyond_the_ledger_is_no_matter(self):
        """A settle time of 0 or a late call asks for what there is."""
        one = self.provisional(40)
        assert settled(one, END + 10 * DAY) == {SlotRange(END, END + 1200, 30): [0]}
