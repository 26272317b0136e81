"""The series table: which SLO or group each series of the ledger holds."""

from __future__ import annotations

import numpy as np
import pytest

from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import levels
from exporter.state.series_table import SeriesTable
from tests.helpers.samples import slo

END = 1_700_000_100


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(levels(30, 86_400), slo_count=2, end=END)


class TestTheDay:
    def test_a_counter_never_falls(self, ledger):
        """A correction that takes events back shows once others have made up for it."""
        table = SeriesTable([slo()], ledger)
        for bad, total in ((3.0, 10.0), (1.0, 6.0), (2.0, 11.0)):
            table.show_day(86_400, np.array([bad]), np.array([total]))
        assert [each.tolist() for each in table.shown_of_the_day()] == [[3], [11]]

    def test_a_new_day_starts_anew(self, ledger):
        """Counters begin at midnight."""
        table = SeriesTable([slo()], ledger)
        table.show_day(86_400, np.array([3.0]), np.array([10.0]))
        table.show_day(172_800, np.array([0.0]), np.array([1.0]))
        assert [each.tolist() for each in table.shown_of_the_day()] == [[0], [1]]

    def test_another_group_starts_anew(self, ledger):
        """It has the place of one that left the period, and nothing of its events."""
        table = SeriesTable([slo(group_by=("region",), max_groups=1)], ledger)
        table.make_room(0, [("eu",)])
        table.show_day(86_400, np.array([0.0, 3.0]), np.array([0.0, 10.0]))
        table.make_room(0, [("us",)])
        assert table.groups(0) == (("us",),)
        table.show_day(86_400, np.array([0.0, 1.0]), np.array([0.0, 2.0]))
        assert [each.tolist() for each in table.shown_of_the_day()] == [[0, 1], [0, 2]]


class TestSeriesTable:
    def test_an_slo_without_groups_has_one_series(self, ledger):
        """From the start, so that it is shown before anything is known."""
        table = SeriesTable([slo(), slo(name="other")], ledger)
        assert [list(table.indices(slo_index)) for slo_index in (0, 1)] == [[0], [1]]

    def test_an_slo_with_groups_stands_for_itself_and_gets_series_as_they_appear(self, ledger):
        """The stand-in has no group, and is never written to."""
        table = SeriesTable([slo(group_by=("region",))], ledger)
        assert [(entry.slo_index, entry.group) for entry in table.entries] == [(0, None)]
        assert table.make_room(0, [("us",), ("eu",)]) is None
        assert [table.entries[index].group for index in table.indices(0)] == [("eu",), ("us",)]

    def test_a_value_that_is_too_long_makes_no_group(self, ledger):
        """A megabyte of it would be in every metric and on every page."""
        table = SeriesTable([slo(group_by=("region",))], ledger)
        left_out = table.make_room(0, [("e" * 1_025,), ("u" * 1_024,)])
        assert table.groups(0) == (("u" * 1_024,),)
        assert left_out == (
            "the label region has values of more than 1,024 characters: their groups are left out"
        )
        assert table.make_room(0, [("e" * 1_025,)]) == left_out

    def test_groups_over_the_limit_are_left_out_by_name(self, ledger):
        """The first by their labels stay, whichever order they came in."""
        table = SeriesTable([slo(group_by=("region",), max_groups=2)], ledger)
        left_out = table.make_room(0, [("c",), ("a",), ("b",)])
        assert left_out == "there are more groups than max_groups (2): the others are left out"
        assert [table.entries[index].group for index in table.indices(0)] == [("a",), ("b",)]

    def test_counters_go_on_from_other_series(self, ledger):
        """After a reload, for the groups that both have."""
        slos = [slo(), slo(name="grouped", group_by=("region",))]
        other = Ledger(levels(30, 86_400), slo_count=2, end=END)
        old, new = SeriesTable(slos, ledger), SeriesTable(slos[::-1], other)
        old.make_room(1, [("eu",), ("us",)])
        new.make_room(0, [("us",), ("ap",)])
        old.show_day(86_400, np.full(4, 5.0), np.full(4, 9.0))
        new.continue_counters(0, old, 1)
        new.continue_counters(1, old, 0)
        _, totals = new.shown_of_the_day()
        shown = {
            (entry.slo_index, entry.group): total
            for entry, total in zip(new.entries, totals.tolist(), strict=True)
        }
        assert shown == {(1, ()): 9, (0, None): 0, (0, ("us",)): 9, (0, ("ap",)): 0}
