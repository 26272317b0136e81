"""Which slots of the past are read next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from exporter.collection import pending
from exporter.collection.pending import HISTORY_CHUNK, missing_history
from exporter.collection.reading_order import OddBlocks, Wanted, next_step
from exporter.collection.slot_range import SlotRange
from exporter.ledger.ledger import Ledger
from exporter.ledger.slot_status import SlotStatus
from exporter.ledger.slots import Slots
from exporter.slo.types import DAY, HOUR
from tests.helpers.ledger.asked import END, ledger, mark


def history(
    of: Ledger, periods: Sequence[int], left_out: set[int]
) -> tuple[int, pending.Requests] | None:
    """What is read next where all of the finest slots are polled."""
    count = len(periods)
    polled = np.full(count, of.cover(0)[0])
    wanted = Wanted(periods, polled, left_out, np.zeros(count, dtype=np.bool_), ())
    step = next_step(of, wanted, OddBlocks(count))
    return step and (step.level, step.requests)


class TestHistory:
    def asked(self, one: Ledger, until: int = 0) -> list[tuple[int, SlotRange]]:
        """Every chunk until there is none, marked as settled as it comes."""
        periods = [30 * DAY] * one.asked(0).shape[0]
        found = []
        while chunk := history(one, periods, set()):
            level, work = chunk
            for span, slo_indices in work.items():
                found.append((level, span))
                for slo_index in slo_indices:
                    mark(one, slo_index, SlotStatus.SETTLED, span.start, span.end, level=level)
            assert len(found) < 50
        return found

    def test_history_is_asked_for_newest_first_and_whole(self):
        """The chunks follow one another back to the period's start, and none is too large."""
        one = ledger()
        found = self.asked(one)
        ends = [span.end for _, span in found]
        assert ends == sorted(ends, reverse=True)
        assert found[0][1].end == one.cover(0)[0]
        for (_, newer), (_, older) in pairwise(found):
            assert older.end == newer.start
        assert found[-1][1].start <= END - 30 * DAY < found[-1][1].start + HOUR
        assert max(span.count for _, span in found) <= HISTORY_CHUNK
        assert [span.slot for level, span in found] == [
            one.levels[level].slot for level, _ in found
        ]

    def test_nothing_older_than_a_sources_period_is_asked_for(self):
        """Each SLO has its own period."""
        one = ledger(2)
        periods = [DAY, 30 * DAY]
        assert missing_history(one, 1, periods).sum(axis=1).tolist() == [
            (one.cover(1)[1] - (END - DAY)) // 300,
            (one.cover(1)[1] - one.cover(1)[0]) // 300,
        ]
        mark(one, 1, SlotStatus.SETTLED, *one.cover(1), level=1)
        level, work = history(one, periods, set())
        assert level == 1
        assert list(work.values()) == [[0]]
        mark(one, 0, SlotStatus.SETTLED, *one.cover(1), level=1)
        level, work = history(one, periods, set())
        assert (level, list(work.values())) == (2, [[1]])

    def test_a_source_that_is_left_out_holds_up_nobody(self):
        """One whose history is refused is passed over."""
        one = ledger(2)
        [(_, slo_indices)] = history(one, [DAY, DAY], {0})[1].items()
        assert slo_indices == [1]
        assert history(one, [DAY, DAY], {0, 1}) is None

    @pytest.mark.parametrize("days", [1, 7, 30])
    def test_history_that_is_known_is_not_asked_for_again(self, days):
        """After all chunks nothing is missing."""
        one = ledger(period=days * DAY)
        self.asked(one)
        assert history(one, [days * DAY], set()) is None


class TestRuns:
    """Where SLOs are many, one slot stands in for days and weeks, until several do."""

    def wanted(self, of: Ledger) -> Wanted:
        count = of.asked(0).shape[0]
        edges = [END - 3 * DAY, END - 30 * DAY]
        polled = np.full(count, of.cover(0)[0])
        return Wanted([30 * DAY] * count, polled, set(), np.ones(count, dtype=np.bool_), edges)

    def ledger(self, count: int) -> Ledger:
        """All is known but what is older than three days."""
        one = ledger(count)
        for slo_index in range(count):
            mark(one, slo_index, SlotStatus.SETTLED, *one.cover(1), level=1)
        return one

    def read(self, one: Ledger, odd: OddBlocks, odd_slos: set[int]) -> list[tuple[int, int, int]]:
        """The steps until nothing is missing: slots of how many hours, how many, of how many SLOs.

        In the first days of the period, there are SLOs for which no long slot can stand in.
        """
        steps = []
        while step := next_step(one, self.wanted(one), odd):
            for span, slos in step.requests.items():
                steps.append((span.slot // HOUR, span.count, len(slos)))
                at = np.array(slos)
                if not step.stands_in:
                    one.stand_ins.withdraw(step.level, at, at, span.start, span.count)
                    for slo_index in slos:
                        settled = SlotStatus.SETTLED
                        mark(one, slo_index, settled, span.start, span.end, level=step.level)
                    continue
                one.stand_ins.withdraw_runs(step.level, at, at, span.start, span.end)
                for i in range(span.count):
                    part = span.one(i)
                    is_odd = np.array([s in odd_slos for s in slos]) & (part.start < END - 25 * DAY)
                    ones = np.ones((len(slos), 1))
                    one.stand_ins.put(
                        step.level, at, at, part.start, Slots(ones, ones, ones),
                        chosen=~is_odd[:, None], length=span.slot,
                    )  # fmt: skip
                    odd.note(step.level, part.start, span.slot, is_odd, slos)
            assert len(steps) < 100
        return steps

    def test_one_slot_stands_in_then_days_do_then_all_is_read(self):
        """The hours that the period begins in come first, as ever."""
        one = self.ledger(3)
        steps = self.read(one, OddBlocks(3), set())
        whole = next(i for i, step in enumerate(steps) if step[0] > 24)
        days = steps[whole][0] // 24
        assert days >= 25
        assert {slot for slot, _, _ in steps[:whole]} == {1}
        assert steps[whole + 1] == (24, days, 3)
        assert {slot for slot, _, _ in steps[whole + 2 :]} == {1}

    def test_where_something_odd_happened_there_are_days_at_once(self):
        """And hours where the days are odd; the other SLOs do with one slot."""
        one = self.ledger(3)
        steps = self.read(one, OddBlocks(3), {1})
        whole = next(i for i, step in enumerate(steps) if step[0] > 24)
        days = steps[whole][0] // 24
        assert steps[whole][2] == 3
        assert steps[whole + 1] == (24, days, 1)
        assert steps[whole + 2][0] == 1
        assert (24, days, 2) in steps

    def test_none_is_tried_where_few_slos_could_have_it(self):
        """It takes a query of its own."""
        one = self.ledger(3)
        for slo_index in (0, 1):
            start = END - 15 * DAY + slo_index * 5 * DAY
            mark(one, slo_index, SlotStatus.SETTLED, start, start + HOUR, level=2)
        steps = self.read(one, OddBlocks(3), set())
        assert max(slot for slot, _, _ in steps) == 24
