"""Samples that come after their slots have settled: everything is in the end as if they had not."""

from __future__ import annotations

import numpy as np
import pytest
from structlog.testing import capture_logs

from exporter.collection.slot_range import SlotRange
from exporter.slo.model import ProbeSli
from exporter.slo.records import Acknowledgement
from exporter.slo.types import DAY, HOUR, SloIndex
from exporter.state.revisiting import LEAST_RECOUNTED
from exporter.store.stored import StoredSlo
from tests.helpers.evaluation.engines import NOW, engine, poll
from tests.helpers.evaluation.fake_prometheus import RangeQuery
from tests.helpers.evaluation.troubled_source import INTERVAL, RATE, Shares, Source, known
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy

BEGAN = NOW + 900
END = NOW + 7200


def in_part(share: float, minutes: int, since: int = BEGAN) -> Shares:
    """For a time there is only a part of what is asked, of the time since then."""

    def shares(at: int, now: int) -> float:
        return share if since < now <= since + minutes * 60 and at > since else 1.0

    return shares


def lagging(behind: int) -> Shares:
    """Half of the samples come late, for half an hour."""
    return lambda at, now: 0.5 if BEGAN < at <= BEGAN + 1800 and at > now - behind else 1.0


def whole(_at: int, _now: int) -> float:
    """All that is asked for."""
    return 1.0


TROUBLES = {"one shard of two for a quarter of an hour": in_part(0.5, 15)}
MORE_TROUBLES = {
    "nothing for fifty minutes": in_part(0.0, 50),
    "nothing for a quarter of an hour": in_part(0.0, 15),
    "one shard of two for fifty minutes": in_part(0.5, 50),
    "nothing, when all was well": in_part(0.0, 10, since=NOW + 4980),
    "one of two writers is twelve minutes late": lagging(720),
    "one of two writers is forty minutes late": lagging(2400),
}


@pytest.fixture(scope="module")
def undisturbed() -> Source:
    """One that always gets everything."""
    source = Source()
    source.run(NOW - 600, END)
    return source


@pytest.mark.parametrize(
    "shares",
    [
        *(pytest.param(each, id=name) for name, each in TROUBLES.items()),
        *(pytest.param(e, id=name, marks=pytest.mark.slow) for name, e in MORE_TROUBLES.items()),
    ],
)
def test_nothing_is_left_of_answers_that_came_in_part(shares, undisturbed: Source):
    """Every window, budget, tier, firing and incident is that of the undisturbed one."""
    source = Source(shares)
    source.run(NOW - 600, END)
    assert source.now == undisturbed.now
    assert known(source.shown()) == known(undisturbed.shown())
    for level in range(len(source.engine.ledger.levels)):
        found, expected = (each.engine.ledger.read(level, 0) for each in (source, undisturbed))
        for held, right in zip(found.arrays(), expected.arrays(), strict=True):
            assert held == pytest.approx(right)


class TestEmptyCounts:
    """Samples are seen before and after a count, whose own answer has none of them."""

    def test_are_looked_at_again(self):
        """A slot that settled with nothing known is not taken for counted."""
        source = Source(counted=in_part(0.0, 20))
        source.run(NOW + 600, BEGAN + 1200 + 1)
        assert source.engine.ledger.window(1200).known[0] == 0
        source.run(source.now + INTERVAL, BEGAN + 3600)
        assert source.engine.ledger.window(HOUR).known[0] == 1
        assert source.shown().windows["1h"].total == pytest.approx(3600 * RATE)

    def test_of_what_is_counted_again_are_no_better(self):
        """What was known in part is not lost to an answer with nothing."""
        source = Source()
        source.run(NOW + 600, NOW + 1800)
        ledger, revisiting = source.engine.ledger, source.engine.state.revisiting
        end, one = ledger.end - 1200, SloIndex(0)
        span, more = SlotRange(end - INTERVAL, end, INTERVAL), {one: np.array([1e12])}
        [again] = revisiting.compare(span, more)
        those = {one: np.full(again.count, 1e12)}
        revisiting.note_before(again, those)
        ledger.erase(0, 0, again.start, again.end)
        revisiting.take_over(again, [one], those)
        assert revisiting.compare(span, more)

    @pytest.mark.slow
    def test_of_slots_that_cannot_be_known_come_to_an_end(self):
        """Samples that make no events are not counted again for ever."""
        source = Source(counted=lambda at, _now: 0.0 if BEGAN < at <= BEGAN + 300 else 1.0)
        source.run(NOW + 600, BEGAN + 3000)
        asked = source.fake.ranges
        assert self.again(asked)
        source.run(source.now + INTERVAL, BEGAN + 8400)
        asked.clear()
        source.run(source.now + INTERVAL, BEGAN + 12_000)
        assert not self.again(asked)

    def again(self, asked: list[RangeQuery]) -> list[RangeQuery]:
        """Those that were asked about the slots that cannot be known, after these had settled."""
        return [each for each in asked if each.start <= BEGAN + 300 <= each.end]


class TestOnce:
    """A source that has all of it once looked at again, where it had a part before."""

    def healed(self, since: int = BEGAN) -> Source:
        source = Source(lambda at, now: 0.5 if at > since and now <= NOW + 1800 else 1.0)
        source.run(NOW + 600, NOW + 1800 + 1)
        source.now = NOW + 1950
        return source

    def test_says_what_was_counted_again(self):
        """Once, with the SLO, its events and from when on its tiers are replayed."""
        source = self.healed()
        with capture_logs() as logs:
            source.run(NOW + 1950, NOW + 2851)
        [first, *_] = [line for line in logs if line["log_level"] == "warning"]
        assert first["event"].startswith("samples came after their slots had settled")
        assert (first["service"], first["slo"]) == ("auth", "availability")
        assert first["more_events"] > 0
        assert first["tiers"].startswith("replayed from ")

    def test_a_postmortem_that_was_acknowledged_stays_so(self):
        """Though its incident is another one than it was."""
        source = Source(
            lambda at, now: 0.5 if BEGAN < at <= BEGAN + 600 and now < at + 1800 else 1.0
        )
        source.run(NOW - 600, NOW + 2400)
        before = source.shown().incidents[0]
        word = Acknowledgement(1.0, "ada", "wiki")
        records = source.engine.state.policy_records
        assert records.acknowledge(("auth", "availability"), {}, before.start, word)
        source.run(NOW + 2400, NOW + 6000)
        after = source.shown().incidents[0]
        assert after.bad > before.bad
        assert after.acknowledged == word

    def test_what_the_source_has_forgotten_stays(self):
        """Fewer samples than before are no reason to count again."""
        source = Source(lambda at, now: 0.5 if at <= NOW and now > NOW + 300 else 1.0)
        source.run(NOW - 600, NOW + 3000)
        last = source.now
        assert source.engine.ledger.window(last - NOW + 3600).total[0] == pytest.approx(
            (last - NOW + 3600) * RATE
        )

    def test_holes_from_before_a_start_are_looked_at(self):
        """Nothing is remembered of their samples: that there is nothing between others will do."""
        source = Source()
        source.now = NOW
        poll(source.engine, NOW)
        ledger = source.engine.ledger
        ledger.erase(0, 0, NOW - 900, NOW - 600)
        ledger.checksums.note(np.array([0]), NOW - 900, np.full((1, 2), np.nan))
        assert ledger.window(HOUR).known[0] < 1
        assert source.revisit()
        assert ledger.window(HOUR).known[0] == 1

    def test_a_clock_that_is_set_back_meanwhile_leaves_nothing_to_compare(self):
        """The answer is about slots that never were."""
        state = self.healed().engine.state
        end = state.ledger.end
        span = SlotRange(end - 4 * INTERVAL, end, INTERVAL)
        more = {SloIndex(0): np.full(4, 1e12)}
        assert state.revisiting.compare(span, more), "what has settled of it is counted again"
        state.ledger.retreat(end - 2 * INTERVAL)
        assert state.revisiting.compare(span, more) == {}

    def test_a_reload_knows_what_was_counted(self):
        """One in the middle of it changes nothing."""
        source, other = self.healed(), Source()
        other.now = NOW + 1950
        other.engine.follow(source.engine, {}, NOW + 1805.0, saved=False)
        other.run(NOW + 1950, NOW + 3000)
        total = other.shown().windows["1h"].total
        assert total == pytest.approx(3600 * RATE)


class TestAfterARestart:
    """Nobody remembers from which samples the slots in the store were counted."""

    def restarted(self, before: Shares, after: Shares) -> Source:
        """A daemon that goes on from what another one has counted until `NOW + 1800`."""
        source, other = Source(before), Source(after)
        source.run(NOW - 600, NOW + 1800 + 1)
        history = source.engine.state.history(SloIndex(0))
        stored = {SloIndex(0): StoredSlo(history, own=True)}
        other.engine.state.take_over(stored, at=NOW + 1800)
        with capture_logs() as self.logs:
            other.run(NOW + 1950, NOW + 3000)
        return other

    def test_what_was_counted_in_part_before_it_is_counted_again(self):
        """Though the samples came while no daemon ran: and only now tiers are replayed."""
        source = self.restarted(lambda at, _: 0.5 if BEGAN < at <= BEGAN + 600 else 1.0, whole)
        assert source.shown().windows["1h"].total == pytest.approx(3600 * RATE)
        [line] = [line for line in self.logs if line["log_level"] == "warning"]
        assert line["event"].startswith("samples came after their slots had settled")

    def test_what_was_counted_whole_is_not_told(self):
        source = self.restarted(whole, whole)
        assert source.shown().windows["1h"].total == pytest.approx(3600 * RATE)
        assert source.engine.revisits.found == 0
        assert not [line for line in self.logs if line["log_level"] == "warning"]

    @pytest.mark.parametrize("share", [0.0, 0.5])
    def test_what_the_source_has_lost_meanwhile_stays(self, share: float):
        """All samples of a time, or a part of them: they come no more."""
        source = self.restarted(whole, lambda at, _: share if at <= BEGAN else 1.0)
        last = source.now
        known = source.engine.ledger.window(last - NOW + 600)
        assert known.total[0] == pytest.approx((last - NOW + 600) * RATE)
        assert source.engine.revisits.found == 0

    def test_what_follows_a_loss_is_not_counted_again(self):
        """A counter that goes on there looks like one that begins."""
        state = self.restarted(whole, whole).engine.state
        end = state.ledger.end - 6 * INTERVAL
        span = SlotRange(end - 12 * INTERVAL, end, INTERVAL)
        state.ledger.checksums.note(np.array([0]), span.start, np.full((1, 12), np.nan))
        state.revisiting.counted_elsewhere(SloIndex(0))
        lost = np.array([0.0] * 4 + [1e6] * 8)
        [again] = state.revisiting.compare(span, {SloIndex(0): lost})
        assert again.start > span.start + 4 * INTERVAL + LEAST_RECOUNTED


class TestProbes:
    """They are counted twice, and from then on compared with the samples of the second time."""

    def test_that_are_counted_in_part_as_they_settle_are_counted_again(self):
        """A target of two was not told of in that moment, though it was before."""
        partly = range(NOW + 900, NOW + 900 + INTERVAL)
        source = Source(lambda _at, now: 0.5 if now in partly else 1.0)
        source.fake.counters["probe_success"] = source.fake.counters["requests_total"]
        probe = slo(sli=ProbeSli("probe_success"), period=7 * DAY)
        source.engine = engine(source.fake, probe, interval=INTERVAL)
        source.run(NOW, NOW + 3600)
        found = source.engine.ledger.between(NOW - HOUR, NOW + 2400).total[0]
        assert found == pytest.approx((HOUR + 2400) * RATE)
