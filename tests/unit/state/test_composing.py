"""Composites in the ledger: put together, corrected, merged, stored and restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.engine import Engine
from exporter.slo.maintenance import one_off
from exporter.slo.model import EventsSli, Timeslices
from exporter.slo.snapshot import DataState
from exporter.slo.types import DAY, HOUR
from tests.helpers.composites.oracle import composite_slot, summed
from tests.helpers.composites.slos import composite
from tests.helpers.composites.story import (
    PARTS,
    Story,
    assert_window,
    begun,
    seven_hours_later,
    status,
)
from tests.helpers.evaluation.engines import DELAY, NOW, engine, fill, poll
from tests.helpers.evaluation.fake_prometheus import Events, FakePrometheus, steady
from tests.helpers.evaluation.following import follow, silent
from tests.helpers.samples import slo

pytestmark = pytest.mark.lengthy


class TestSlots:
    @pytest.mark.parametrize("method", ["all", "worst", "weighted"])
    @pytest.mark.parametrize("leave_out", [False, True])
    def test_windows_are_what_the_oracle_puts_together(self, method: str, leave_out: bool) -> None:
        """Slot by slot, with slots of which parts are not known or have no traffic."""
        story = Story()
        more: Mapping[str, Any] = {"weights": (2.0, 1.0, 0.5)} if method == "weighted" else {}
        on_unknown = "leave_out" if leave_out else "unknown"
        journey = composite(method, *PARTS, on_unknown=on_unknown, **more)
        one = begun(story.fake(), journey, *PARTS)
        for name, length in (("5m", 300), ("1h", HOUR), ("6h", 6 * HOUR)):
            expected = story.expected(method, length, leave_out=leave_out, **more)
            assert_window(one, name, length, expected)

    def test_nothing_is_asked_for_it(self) -> None:
        """Prometheus is asked as much as without it."""
        asked = []
        for slos in (PARTS, (*PARTS, composite("all", *PARTS))):
            fake = Story().fake()
            begun(fake, *slos)
            asked.append([each.text for each in fake.ranges])
        assert asked[0] == asked[1]

    def test_it_has_neither_queries_nor_a_way_to_be_measured(self) -> None:
        """Pages and documents show none."""
        journey = composite("all", *PARTS)
        one = engine(Story().fake(), journey, *PARTS)
        assert (one.queries(journey), one.way(journey)) == ((), None)
        assert one.queries(PARTS[0])

    def test_composites_may_be_made_of_composites(self) -> None:
        """In any order of the file."""
        story = Story()
        inner = composite("all", *PARTS[:2], name="inner")
        outer = composite("all", inner, PARTS[2])
        one = begun(story.fake(), outer, inner, *PARTS)
        assert_window(one, "1h", HOUR, story.expected("all", HOUR))

    def test_slots_keep_what_they_were_as_they_merge(self) -> None:
        """What comes of merged slots would be something else."""
        story = Story()
        one, end = seven_hours_later(story)
        window = status(one, at=end).windows["1d"]
        old = status(one, at=end).windows["6h"]
        since = [story.expected("all", length, end) for length in (13 * HOUR, 6 * HOUR)]
        ledger = one.ledger
        [series] = one.state.series.indices(0)  # type: ignore[arg-type]  # a plain index
        sums = ledger.between(end - 13 * HOUR, end)
        assert sums.bad[series] == pytest.approx(since[0][0], rel=1e-9)
        assert old.bad == pytest.approx(since[1][0], rel=1e-9)
        assert window.total >= since[0][1]

    def test_a_late_sample_of_a_part_corrects_it(self) -> None:
        """Before it settles, and the slot of an SLO that is rebuilt after it has."""
        story = Story()
        one = begun(story.fake(), composite("all", *PARTS), *PARTS)
        one.evaluate(NOW + DELAY)
        story.late[0, NOW] = (40.0, 50.0)
        story.late[1, NOW - 4 * HOUR] = (30.0, 30.0)
        one.state.rebuilds.begin(2)  # type: ignore[arg-type]  # the index of cart
        one.state.rebuilds.begin(1)  # type: ignore[arg-type]
        poll(one, NOW)
        fill(one)
        assert_window(one, "6h", 6 * HOUR, story.expected("all", 6 * HOUR))

    def test_tiers_are_replayed_from_a_slot_that_changes_after_it_settled(self) -> None:
        """An outage of a part that is known later is an incident of the composite."""
        fake = FakePrometheus(_steady())
        journey = composite("all", *PARTS[:2], objective="90")
        one = begun(fake, journey, *PARTS[:2], at=NOW - 3 * HOUR)
        assert status(one, at=NOW - 3 * HOUR).incidents == ()
        poll(one, NOW)
        assert status(one).incidents == ()
        fake.counters["front_bad"] = lambda s, e: float(
            max(0, min(e, NOW - HOUR) - max(s, NOW - 2 * HOUR)) or (e - s) * 0.01
        )
        one.state.rebuilds.begin(1)  # type: ignore[arg-type]  # the index of front
        poll(one, NOW)
        fill(one)
        [incident] = status(one).incidents
        assert (incident.start, incident.end) == (NOW - 2 * HOUR, NOW - HOUR)

    def test_of_another_datasource_that_is_down_it_is_unknown_or_left_out(self) -> None:
        """And it catches up when the datasource is back."""
        story = Story()
        other = replace(PARTS[2], datasource="other")
        fakes = {"prometheus": story.fake(), "other": story.fake()}
        strict = composite("all", *PARTS[:2], other)
        lenient = composite("all", *PARTS[:2], other, name="lenient", on_unknown="leave_out")
        one = Engine((strict, lenient, *PARTS[:2], other), EvaluationSettings(), fakes)  # type: ignore[arg-type]  # fakes
        fakes["other"].down = True
        with pytest.raises(Exception, match="nobody there"):
            poll(one, NOW)
        assert status(one).state is DataState.STALE
        assert status(one).windows == {} or "1h" not in status(one).windows
        bad, total, _ = summed(
            composite_slot("all", [story.counts(i, at) for i in range(2)], leave_out=True)
            for at in range(NOW - HOUR + 30, NOW + 1, 30)
        )
        found = status(one, "lenient").windows["1h"]
        assert (found.bad, found.total) == (pytest.approx(bad), pytest.approx(total))
        fakes["other"].down = False
        poll(one, NOW)
        fill(one)
        assert_window(one, "1h", HOUR, story.expected("all", HOUR))
        bad, total, _ = story.expected("all", HOUR, leave_out=True)
        assert status(one, "lenient").windows["1h"].bad == pytest.approx(bad)


class TestReload:
    def test_a_composite_that_is_added_begins_with_what_its_parts_have(self) -> None:
        """Nothing is asked."""
        old = begun(FakePrometheus(_steady()), *PARTS[:2])
        fake = silent()
        new = follow(old, fake, *PARTS[:2], composite("all", *PARTS[:2], period=DAY))
        found = status(new)
        assert found.coverage == pytest.approx(1, abs=1e-6)
        assert found.windows["1d"].error_ratio == pytest.approx(1 - 0.99 * 0.98)

    def test_other_weights_are_another_composite(self) -> None:
        """All of it is put together again."""
        first = composite("weighted", *PARTS[:2], weights=(1.0, 1.0), period=DAY)
        old = begun(FakePrometheus(_steady()), *PARTS[:2], first)
        assert status(old).windows["1d"].error_ratio == pytest.approx(0.015)
        second = composite("weighted", *PARTS[:2], weights=(3.0, 1.0), period=DAY)
        new = follow(old, silent(), *PARTS[:2], second)
        assert status(new).windows["1d"].error_ratio == pytest.approx(0.0125)

    def test_what_it_put_together_itself_is_kept(self) -> None:
        """Its old slots are not put together again of merged ones."""
        story = Story()
        one, end = seven_hours_later(story)
        before = status(one, at=end).windows["1d"]
        new = follow(one, silent(), *PARTS, composite("all", *PARTS), at=end)
        after = status(new, at=end).windows["1d"]
        assert after.bad == pytest.approx(before.bad, rel=1e-12)


def _steady() -> dict[str, Events]:
    return {
        "front_total": steady(1),
        "front_bad": steady(0.01),
        "cart_total": steady(2),
        "cart_bad": steady(0.04),
    }


class TestGroups:
    def test_groups_are_matched_by_their_labels(self) -> None:
        """A part without groups counts in each; a group that a part lacks is not known."""
        front = replace(PARTS[0], group_by=("region",))
        whole = PARTS[2]
        fake = FakePrometheus(
            {
                "front_total": lambda _s, _e: {"eu": 100.0, "us": 100.0},
                "front_bad": lambda _s, _e: {"eu": 1.0, "us": 2.0},
                "cart_total": lambda _s, _e: {"eu": 100.0},
                "cart_bad": lambda _s, _e: {"eu": 10.0},
                "pay_total": steady(1),
                "pay_bad": steady(0.5),
            }
        )
        journey = composite("all", front, whole, group_by=("region",), period=DAY)
        one = begun(fake, journey, front, whole)
        found = {
            each.groups["region"]: each.windows["1h"].error_ratio
            for each in one.evaluate(NOW + DELAY).slos
            if each.slo.name == "journey"
        }
        assert found == {
            "eu": pytest.approx(1 - 0.99 * 0.5),
            "us": pytest.approx(1 - 0.98 * 0.5),
        }


class TestTimeslices:
    def test_a_slice_is_good_or_bad_as_a_whole(self) -> None:
        """By the ratio that its parts come to over the slice."""
        story = Story()
        story.late = {
            (i, at): (each if (each := story.counts(i, at)) is not None else (0, 0))
            for i in range(3)
            for at in range(NOW - DAY, NOW + 1, 30)
        }
        journey = composite("all", *PARTS, timeslices=Timeslices(60, 0.8))
        one = begun(story.fake(), journey, *PARTS)
        bad = total = 0
        for end in range(NOW - 6 * HOUR + 60, NOW + 1, 60):
            good = 1.0
            for i in range(3):
                two = [story.counts(i, at) or (0, 0) for at in (end - 30, end)]
                events = sum(each[1] for each in two)
                if events:
                    good *= 1 - sum(each[0] for each in two) / events
            bad += 60 * (good < 0.8)
            total += 60
        window = status(one).windows["6h"]
        assert (window.bad, window.total) == (bad, total)

    def test_parts_with_slices_are_good_or_bad_as_a_whole(self) -> None:
        """So the moments are that they make."""
        parts = tuple(replace(part, timeslices=Timeslices(300, 0.9)) for part in PARTS[:2])
        one = begun(FakePrometheus(_steady()), composite("all", *parts), *parts)
        assert status(one).windows["6h"].bad == 0
        assert status(one).windows["6h"].total == 6 * HOUR


def _now_and_then(count: float, rest: int) -> Events:
    """So many events in every other slot."""
    return lambda start, end: sum(count for at in range(start + 30, end + 1, 30) if at % 60 == rest)


class TestScrapes:
    def test_scrapes_that_are_far_apart_make_no_moments_without_traffic(self) -> None:
        """With a scrape a minute, every other slot of 30 s has no events."""
        fake = FakePrometheus(
            {
                "front_total": _now_and_then(100, 0),
                "front_bad": _now_and_then(10, 0),
                "cart_total": steady(1),
                "cart_bad": steady(0),
            },
            scrape_interval=60,
        )
        one = begun(fake, composite("all", *PARTS[:2]), *PARTS[:2])
        assert status(one).windows["1h"].error_ratio == pytest.approx(0.1)

    def test_counters_read_apart_are_evened_out(self) -> None:
        """What one slot has too much of the next one lacks: no moment was bad."""
        split = slo(name="split", sli=EventsSli(total="all_total", good="good_total"), period=DAY)
        fake = FakePrometheus(
            {
                "all_total": _now_and_then(60, 30),
                "good_total": _now_and_then(60, 0),
                "cart_total": steady(1),
                "cart_bad": steady(0.01),
            },
        )
        one = begun(fake, composite("all", split, PARTS[1]), split, PARTS[1])
        assert status(one).windows["1h"].error_ratio == pytest.approx(0.01)


class TestMaintenance:
    def test_windows_of_a_part_leave_the_composite_out(self) -> None:
        """They are its own windows: the configuration says so."""
        window = one_off("moving", NOW - 1800, NOW - 900)
        fake = FakePrometheus({**_steady(), "front_bad": _burning})
        parts = (replace(PARTS[0], maintenance=(window,)), PARTS[1])
        journey = composite("all", *parts, maintenance=(window,))
        one = begun(fake, journey, *parts)
        assert status(one).windows["1h"].error_ratio == pytest.approx(0.02)
        assert status(one).windows["1h"].total == 2700


def _burning(start: int, end: int) -> float:
    return max(0, min(end, NOW - 900) - max(start, NOW - 1800)) * 1.0
