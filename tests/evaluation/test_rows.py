"""Rows: which SLO or group each row of the ledger holds."""

from __future__ import annotations

import numpy as np
import pytest
from samples import slo

from exporter.evaluation.rows import Row, Rows
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import levels

END = 1_700_000_100


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(levels(30, 86_400), sources=2, end=END)


class TestRow:
    def test_a_counter_never_falls(self):
        """A correction that takes events back shows once others have made up for it."""
        row = Row(0, ())
        row.add(3, 10)
        row.add(-2, -4)
        assert (row.bad_shown, row.total_shown) == (3, 10)
        row.add(1, 5)
        assert (row.bad_shown, row.total_shown) == (3, 11)


class TestRows:
    def test_an_slo_without_groups_has_one_row(self, ledger):
        """From the start, so that it is shown before anything is known."""
        rows = Rows([slo(), slo(name="other")], ledger)
        assert [list(rows.of(source)) for source in (0, 1)] == [[0], [1]]

    def test_an_slo_with_groups_stands_for_itself_and_gets_rows_as_they_appear(self, ledger):
        """The stand-in has no group, and is none of the rows that are written to."""
        rows = Rows([slo(group_by=("region",))], ledger)
        assert [(row.source, row.group) for row in rows.all] == [(0, None)]
        assert rows.make_room(0, [("us",), ("eu",)]) is None
        assert [rows.all[row].group for row in rows.of(0)] == [("eu",), ("us",)]

    def test_groups_over_the_limit_are_left_out_by_name(self, ledger):
        """The first by their labels stay, whichever order they came in."""
        rows = Rows([slo(group_by=("region",), max_groups=2)], ledger)
        left_out = rows.make_room(0, [("c",), ("a",), ("b",)])
        assert left_out == "3 groups found, more than max_groups (2): 1 are left out"
        assert [rows.all[row].group for row in rows.of(0)] == [("a",), ("b",)]

    def test_events_are_counted_per_row(self, ledger):
        """Rows x slots, added up."""
        rows = Rows([slo(), slo(name="other")], ledger)
        rows.count([1, 0], np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[5.0, 5.0], [7.0, 0.0]]))
        assert [(row.bad_shown, row.total_shown) for row in rows.all] == [(0, 7), (3, 10)]
