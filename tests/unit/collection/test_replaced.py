"""Samples that are replaced once counted: all unsettled slots are counted in one view."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
import pytest

from exporter.collection.replaced import MARGIN, REMEMBERED, Replacements
from exporter.daemon.engine import Engine
from exporter.slo.types import SloIndex
from tests.helpers.evaluation.engines import NOW, engine, only, poll
from tests.helpers.evaluation.fake_prometheus import FakePrometheus

pytestmark = pytest.mark.lengthy

SLO = SloIndex(0)
SETTLE = 300


class TwoReplicas(FakePrometheus):
    """A counter of one event a second, which two replicas scrape every 30 s, one of them late.

    A deduplicating store shows the sample of 25 s before a boundary, and that of 10 s before it
    once this has come.
    """

    def __init__(self, lag: float) -> None:
        super().__init__({"requests_total": self._events, "errors_total": lambda *_: 0})
        self.lag = lag
        self.now = 0.0
        self.checksums = lambda _start, end: self._reading(end)

    def _reading(self, at: int) -> float:
        return at - (10 if self.now >= at - 10 + self.lag else 25)

    def _events(self, start: int, end: int) -> float:
        return self._reading(end) - self._reading(start)

    def expected(self, boundary: int, seconds: int) -> float:
        """The events of a window that ends there, as the samples are now."""
        return self._events(boundary - seconds, boundary)


def polled(fake: TwoReplicas, boundaries: range) -> Iterator[tuple[int, Engine]]:
    """An engine on it after the poll of every boundary."""
    one = engine(fake)
    for boundary in boundaries:
        fake.now = boundary + 5
        poll(one, boundary)
        yield boundary, one


def lacking(fake: TwoReplicas, boundaries: range, window: str, seconds: int) -> list[float]:
    """How many events of a window are missing, evaluation by evaluation."""
    return [
        fake.expected(boundary, seconds) - only(one, boundary).windows[window].total
        for boundary, one in polled(fake, boundaries)
    ]


class TestCounting:
    @pytest.mark.parametrize("lag", [40, 90, 200, 400])
    def test_no_events_are_lost_between_slots_counted_at_different_times(self, lag: int):
        """A window has what the samples tell that are there, from its first to its last."""
        missing = lacking(TwoReplicas(lag), range(NOW, NOW + 3600, 30), "5m", 300)
        first = 3 * (lag // 30)  # replacements are seen once there are some
        assert set(missing[first:]) == {0}

    @pytest.mark.parametrize("lag", [40, 200, 400])
    def test_nothing_is_missing_of_what_has_settled_either(self, lag: int):
        """It settles once its samples are replaced.

        A slot is in the windows of an hour: five minutes apart they still see each several times.
        """
        fake = TwoReplicas(lag)
        missing = {
            fake.expected(boundary, 3600) - only(one, boundary).windows["1h"].total
            for boundary, one in polled(fake, range(NOW, NOW + 3 * 3600, 30))
            if boundary >= NOW + 2 * 3600 and boundary % 300 == 0
        }
        assert missing == {0}

    def test_at_the_first_evaluations_one_slot_is_missing_at_most(self):
        """Whether samples are replaced is looked for from the beginning."""
        missing = lacking(TwoReplicas(40), range(NOW, NOW + 600, 30), "5m", 300)
        assert max(missing) <= 15

    def test_where_nothing_is_replaced_every_slot_is_counted_once(self):
        """Looking costs checksums, and no counting."""
        fake = TwoReplicas(0)
        deque(polled(fake, range(NOW, NOW + 3600, 30)), maxlen=0)
        assert {asked.points for asked in fake.ranges[1:]} == {1}

    def test_after_a_while_samples_are_only_looked_at_as_they_settle(self):
        """That is twice each, when they are counted and then."""
        fake = TwoReplicas(0)
        deque(polled(fake, range(NOW, NOW + 3600, 30)), maxlen=0)
        late = [asked for asked in fake.checked if asked.end > NOW + 2 * SETTLE + 60]
        slots = sum(asked.points for asked in late)
        assert slots <= 2 * (3600 - 2 * SETTLE) / 30


class TestReplacements:
    def test_slots_settle_once_nothing_is_replaced_any_more(self):
        """A minute after the oldest that was, for as long as it is remembered."""
        of = Replacements(1, SETTLE)
        of.note(SLO, 90, NOW)
        assert of.settling(NOW)[SLO] == 0
        of.note(SLO, 400, NOW + 30)
        assert of.settling(NOW + 30)[SLO] == 400 + MARGIN - SETTLE
        of.note(SLO, 90, NOW + 60)
        assert of.settling(NOW + 60)[SLO] == 400 + MARGIN - SETTLE
        of.note(SLO, 90, NOW + 60 + REMEMBERED)
        assert of.settling(NOW + 60 + REMEMBERED)[SLO] == 0

    def test_they_are_expected_for_as_long_as_they_are_remembered(self):
        """Then the replica has caught up."""
        of = Replacements(2, SETTLE)
        assert not of.expected(NOW).any()
        of.note(SLO, 40, NOW)
        assert of.expected(NOW + REMEMBERED).tolist() == [True, False]
        assert not of.expected(NOW + REMEMBERED + 1).any()

    def test_they_are_looked_for_while_an_slo_is_new(self):
        """And not where they are expected anyway."""
        of = Replacements(2, SETTLE)
        assert not of.looked_for(NOW).any()
        for slo_index in (SLO, SloIndex(1)):
            of.begin(np.array([slo_index]), NOW)
        of.note(SLO, 40, NOW)
        assert of.looked_for(NOW + 2 * SETTLE).tolist() == [False, True]
        assert not of.looked_for(NOW + 2 * SETTLE + 1).any()
