"""Which past blocks are looked at for their samples, when, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from exporter.collection.slot_range import SlotRange
from exporter.ledger.checksums import BLOCK
from exporter.ledger.ledger import Ledger
from exporter.ledger.levels import levels
from exporter.slo.types import DAY, HOUR, SloIndex
from exporter.state.past_samples import AGES, PAUSE, PastSamples

BEGIN = 1_699_999_200 // DAY * DAY
INTERVAL = 300
ONE, OTHER = SloIndex(0), SloIndex(1)

Tells = Callable[[int, int], float]
"""The checksum of the block that begins at a time, as of another."""


class Watched:
    """Two SLOs of one datasource, whose slots have a checksum of 1 each."""

    def __init__(self, end: int = BEGIN - INTERVAL) -> None:
        self.past = self.begun(end)
        self.asked: list[tuple[int, int]] = []
        self.late: list[tuple[int, list[SloIndex]]] = []

    @staticmethod
    def begun(end: int) -> PastSamples:
        ledger = Ledger(levels(INTERVAL, 30 * DAY), slo_count=2, end=end)
        return PastSamples(ledger, longest=[30 * DAY, 30 * DAY])

    def run(self, until: int, tells: Tells = lambda _start, _now: 1.0 * BLOCK // INTERVAL) -> None:
        """Count slot by slot, and look at what is due."""
        ledger = self.past.ledger
        for end in range(ledger.end + INTERVAL, until + 1, INTERVAL):
            ledger.advance(end)
            ledger.checksums.note(np.array([ONE, OTHER]), end - INTERVAL, np.ones((2, 1)))
            for span in self.past.due("a", [ONE, OTHER]):
                self.asked.append((span.start, end))
                found = np.array([tells(span.start, end)])
                self.late.append((end, self.past.compare("a", span, {ONE: found, OTHER: found})))

    @property
    def found(self) -> list[tuple[int, list[SloIndex]]]:
        return [each for each in self.late if each[1]]


WHOLE = BLOCK // INTERVAL


class TestLooking:
    def test_is_done_at_two_ages_and_no_more(self):
        """Two samples of a series for each that there is."""
        watched = Watched()
        watched.run(BEGIN + 9 * DAY)
        of_first = [now for start, now in watched.asked if start == BEGIN]
        # Two are due at the same time, and one is looked at after the other.
        assert of_first == [BEGIN + BLOCK + AGES[0], BEGIN + BLOCK + AGES[1] + INTERVAL]
        assert not watched.found

    def test_begins_with_what_is_there_at_a_start(self):
        """Blocks of before it are looked at at once, to be compared with later."""
        watched = Watched()
        watched.run(BEGIN + 3 * HOUR)
        before = [start for start, _ in watched.asked]
        assert max(before) == BEGIN - 2 * BLOCK
        assert len(before) == len(set(before)) >= AGES[-1] // BLOCK - 2
        assert not watched.found

    def test_is_done_for_all_once_something_has_come(self):
        """Blocks come many at a time. But once a day is enough."""
        watched = Watched()
        watched.run(BEGIN + 3 * DAY)
        for _ in range(2):
            watched.past.look_at_all("a")
        before = len(watched.asked)
        watched.run(BEGIN + 3 * DAY + 3 * HOUR)
        again = len(watched.asked)
        assert again - before > 3 * DAY // BLOCK
        watched.past.look_at_all("a")
        watched.run(BEGIN + 3 * DAY + 4 * HOUR)
        assert len(watched.asked) == again

    def test_is_tried_again_where_nobody_tells(self):
        """An hour later."""
        watched = Watched()
        watched.run(BEGIN + DAY)
        down = BEGIN + BLOCK + DAY
        watched.run(down + PAUSE + HOUR, lambda _, now: np.nan if now == down else WHOLE)
        assert [now for start, now in watched.asked if start == BEGIN] == [down, down + PAUSE]


class TestMore:
    @pytest.mark.parametrize("came", [BEGIN + DAY, BEGIN + 3 * DAY])
    def test_is_found_at_the_next_look(self, came: int):
        """With what was counted to compare with."""
        watched = Watched()
        watched.run(BEGIN + 9 * DAY, lambda start, now: WHOLE + (start == BEGIN and now > came))
        [(at, those)] = watched.found
        assert those == [ONE, OTHER]
        due = BEGIN + BLOCK + next(age for age in AGES if BEGIN + BLOCK + age > came)
        assert due <= at <= due + INTERVAL

    def test_of_a_block_of_before_a_start_is_found(self):
        """As compared with what was there after it."""
        watched = Watched()
        block = BEGIN - 2 * BLOCK
        watched.run(BEGIN + DAY, lambda start, now: 7.0 + (start == block and now > BEGIN + HOUR))
        assert [at for at, _ in watched.found][:1] == [block + BLOCK + DAY]

    def test_is_no_news_once_it_was_read_again(self):
        """What was counted then, nobody knows but from the next look."""
        watched = Watched()
        watched.run(BEGIN + DAY)
        watched.past.read_again(ONE, BEGIN - BLOCK, BEGIN + BLOCK)
        watched.run(BEGIN + 2 * DAY, lambda start, _: WHOLE + (start == BEGIN))
        assert [those for _, those in watched.found] == [[OTHER]]

    def test_is_compared_with_what_another_state_has_counted(self):
        """Before a reload in the middle of a block, as after it."""
        watched = Watched()
        watched.run(BEGIN + 8 * HOUR)
        past = Watched.begun(BEGIN + 8 * HOUR + INTERVAL)
        for slo_index in (ONE, OTHER):
            past.follow(slo_index, watched.past, slo_index)
            past.ledger.checksums.follow(slo_index, watched.past.ledger.checksums, slo_index)
        past.ledger.checksums.note(np.array([ONE, OTHER]), BEGIN + 8 * HOUR, np.ones((2, 1)))
        watched.past = past
        watched.run(BEGIN + BLOCK + DAY, lambda start, _: WHOLE + (start == BEGIN) / 2)
        assert [at for at, _ in watched.found] == [BEGIN + BLOCK + DAY]


class TestLess:
    def test_is_no_reason(self):
        """Prometheus forgets; nor are the last digits of a sum."""
        watched = Watched()
        watched.run(BEGIN + 2 * DAY, lambda start, _: WHOLE * (1 + 1e-13) if start else 0.0)
        watched.run(BEGIN + 9 * DAY, lambda _start, _now: 3.0)
        assert not watched.found

    def test_is_told_of_slos_that_have_none(self):
        """Gauges have no checksums: nothing is tried again for them."""
        past = Watched.begun(BEGIN)
        past.due("a", [ONE])
        span = SlotRange(BEGIN - BLOCK, BEGIN, BLOCK)
        assert past.compare("a", span, {ONE: None}) == []
