"""When settled slots are looked at again."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.collection.looks import RETRY_FIRST, Looks, ages
from exporter.collection.slot_range import SlotRange
from exporter.slo.types import HOUR

LOW, END = 0, 6 * HOUR
NOW = np.zeros(1)


def looks() -> Looks:
    found = Looks(1, interval=30, settle=300, horizon=6 * HOUR)
    found.begin([0], END - 1200)
    return found


def due(one: Looks, end: int = END) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in one.due([0], LOW, end, NOW)]


class TestAges:
    @pytest.mark.parametrize(
        ("settle", "expected"),
        [(300, (600, 2400, 18_000)), (3600, (7200, 18_000)), (60, (120, 480, 1920, 7680, 18_000))],
    )
    def test_grow_until_slots_leave_the_finest_level(self, settle, expected):
        """Each is four times the one before."""
        assert ages(settle, 6 * HOUR) == expected


class TestLooks:
    def test_wait_until_there_are_many(self):
        """Queries are few that way, and samples are as many."""
        one = looks()
        assert due(one) == [(END - 1200, END - 600)]
        one.looked(0, SlotRange(END - 1200, END - 600, 30), END, changed=False)
        assert due(one) == []
        assert due(one, END + 270) == []
        assert due(one, END + 300) == [(END - 600, END - 300)]

    def test_come_again_when_slots_are_older(self):
        """Each slot once at every age."""
        one = looks()
        seen = np.zeros(20)
        for end in range(END, END + 12 * HOUR, 30):
            for span in one.due([0], max(LOW, end - 6 * HOUR), end, NOW):
                one.looked(0, span, end, changed=False)
                first = (span.start - (END - 1200)) // 30
                seen[max(0, first) : max(0, first + span.count)] += 1
        assert (seen == 3).all()

    def test_go_over_everything_where_something_was_found(self):
        """At once, and later each time as long as there is more."""
        one = looks()
        one.looked(0, SlotRange(END - 1200, END - 600, 30), END, changed=True)
        assert due(one) == [(LOW, END - 300)]
        pauses, end = [], END
        for _ in range(3):
            before = end
            one.looked(0, SlotRange(LOW, end - 300, 30), end, changed=True)
            while due(one, end) != [(LOW, end - 300)]:
                for span in one.due([0], LOW, end, NOW):
                    one.looked(0, span, end, changed=False)
                end += 30
            pauses.append(end - before)
        assert pauses == [300, 600, 1200]
        one.looked(0, SlotRange(LOW, end - 300, 30), end, changed=False)
        assert due(one, end) == []

    def test_are_tried_again_later_each_time_if_nothing_came(self):
        """A source that is away is not asked at every slot."""
        one = looks()
        one.untold(0, END)
        assert due(one, END + RETRY_FIRST - 30) == []
        assert due(one, END + RETRY_FIRST) != []
        one.untold(0, END)
        assert due(one, END + RETRY_FIRST) == []
        assert due(one, END + 2 * RETRY_FIRST) != []
