"""The oracle against counts made by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.oracle import (
    DAY,
    HOUR,
    Counters,
    Events,
    Figures,
    always_up,
    in_window,
    labels,
    overspent_after,
    pair,
    slots,
)

UP = always_up(range(0, 1000, 10))
TARGET = {"job": "j", "instance": "a"}


def increases(samples, up) -> list[tuple[float, float]]:
    """The events of one counter."""
    identity = labels(code="500", **TARGET)
    return Counters({identity: samples}, {labels(**TARGET): up}).increases[identity]


class TestIncreases:
    def test_adds_positive_differences(self):
        """Each difference belongs to the later of its two samples."""
        assert increases([(10, 5), (20, 7), (30, 7), (40, 10)], ()) == [(20, 2), (40, 3)]

    def test_counts_the_new_value_whole_after_a_reset(self):
        """5 to 3 is a reset and three events."""
        assert increases([(10, 5), (20, 3), (30, 4)], ()) == [(20, 3), (30, 1)]

    def test_sees_each_of_several_resets(self):
        """A counter that climbs past its old value after a reset hides nothing."""
        samples = [(10, 5), (20, 1), (30, 9), (40, 0), (50, 2)]
        assert increases(samples, ()) == [(20, 1), (30, 8), (50, 2)]

    def test_counts_a_birth_under_a_scraped_target_from_zero(self):
        """The first value is events, where the target had been scraped before it."""
        assert increases([(50, 4), (60, 5)], UP) == [(50, 4), (60, 1)]

    def test_counts_a_birth_with_its_target_from_the_first_sample(self):
        """The scrape that brings the first sample does not make its target an old one."""
        assert increases([(50, 4), (60, 5)], always_up([50, 60])) == [(60, 1)]

    def test_counts_a_birth_after_failed_scrapes_from_zero(self):
        """What a target counts that it did not have when it last answered is new."""
        assert increases([(50, 4), (60, 5)], [(30, 1), (40, 0), (50, 1)]) == [(50, 4), (60, 1)]

    def test_counts_a_birth_at_the_first_successful_scrape_from_the_first_sample(self):
        """Failed scrapes before it tell nothing of what the target had."""
        assert increases([(50, 4), (60, 5)], [(30, 0), (40, 0), (50, 1)]) == [(60, 1)]

    def test_counts_a_birth_long_after_the_last_scrape_from_the_first_sample(self):
        """A target that was away for longer than 6 h is a new one."""
        up = [(10, 1), (6 * HOUR + 11, 1)]
        assert increases([(6 * HOUR + 11, 4), (6 * HOUR + 21, 5)], up) == [(6 * HOUR + 21, 1)]

    def test_counts_over_a_gap(self):
        """Samples are consecutive however far apart they are."""
        assert increases([(10, 5), (9000, 25)], ()) == [(9000, 20)]


OK, FAILED, TOO = (labels(code=code, **TARGET) for code in ("200", "500", "503"))
TEAM_OK, TEAM_FAILED = (labels(code=code, team="x", **TARGET) for code in ("200", "500"))


def births(
    before: dict[tuple, float], after: dict[tuple, float]
) -> tuple[dict[tuple, list[tuple[float, float]]], set[float]]:
    """The increases at 40 of counters that stood so until 30 and so at 40, and what is in doubt."""
    series = {
        identity: [(t, before[identity]) for t in (0, 10, 20, 30) if identity in before]
        + [(40, value) for each, value in after.items() if each == identity]
        for identity in before.keys() | after.keys()
    }
    found = Counters(series, {labels(**TARGET): UP})
    return {identity: count for identity, count in found.increases.items() if count}, found.doubts


class TestBirths:
    def test_a_counter_goes_on_under_more_labels(self):
        """Each where the one ended that has all its other labels."""
        before, after = {OK: 950_000, FAILED: 50_000}, {TEAM_OK: 950_300, TEAM_FAILED: 50_000}
        assert births(before, after) == ({TEAM_OK: [(40, 300)]}, set())

    def test_a_counter_goes_on_under_fewer_labels(self):
        """A label that is dropped is a change like one that is added."""
        found = births({TEAM_OK: 950_000, TEAM_FAILED: 7}, {OK: 950_300, FAILED: 8})
        assert found == ({OK: [(40, 300)], FAILED: [(40, 1)]}, set())

    def test_a_restart_under_other_labels_counts_whole(self):
        """One counter that fell says that the process began again, and all of it is new."""
        found = births({OK: 950_000, FAILED: 2}, {TEAM_OK: 12, TEAM_FAILED: 5})
        assert found == ({TEAM_OK: [(40, 12)], TEAM_FAILED: [(40, 5)]}, set())

    def test_what_cannot_have_happened_since_the_last_scrape_is_not_known(self):
        """A lifetime that appears at a target that was up is no count."""
        assert births({OK: 10}, {OK: 20, FAILED: 50_000}) == ({OK: [(40, 10)]}, {40})
        assert births({OK: 10}, {OK: 20, FAILED: 200})[1] == set()

    def test_another_value_of_a_label_is_in_doubt(self):
        """Nothing tells a counter that was renamed from one that ended and one that was born."""
        assert births({FAILED: 3}, {TOO: 5}) == ({}, {40})
        assert births({FAILED: 3}, {TOO: 2}) == ({TOO: [(40, 2)]}, set())
        assert births({FAILED: 3, OK: 9}, {TOO: 5, OK: 1})[0] == {TOO: [(40, 5)], OK: [(40, 1)]}

    def test_another_value_of_a_label_goes_on_where_nothing_else_can_be(self):
        """So many events cannot have happened; so few have."""
        assert births({FAILED: 50_000}, {TOO: 50_003}) == ({TOO: [(40, 3)]}, set())


def test_the_likest_counter_is_the_one_before():
    """By the number of labels that differ, then by value; each is continued once."""
    found = pair({OK: 10, FAILED: 5}, {TEAM_FAILED: 50, TEAM_OK: 10})
    assert found == {TEAM_OK: OK, TEAM_FAILED: FAILED}
    assert pair({OK: 10, FAILED: 5}, {TOO: 7}) == {TOO: FAILED}
    assert pair({OK: 10}, {labels(x="1", **TARGET): 10, TEAM_OK: 12}) == {TEAM_OK: OK}


class TestEvents:
    def test_sums_the_series_of_several_targets(self):
        """Each series is counted under its own target's `up`."""
        old, new = labels(job="j", instance="a"), labels(job="j", instance="b")
        series = {
            labels(code="500", job="j", instance="a"): [(50, 4), (60, 5)],
            labels(code="500", job="j", instance="b"): [(50, 7), (60, 9)],
        }
        events = Events(series, {old: UP, new: always_up([50, 60])})
        assert events.between(0, 50) == 4
        assert events.between(50, 60) == 3

    def test_excludes_the_start_and_includes_the_end(self):
        """(start, end] takes the sample at its end and leaves the one at its start."""
        events = Events({labels(job="j", instance="a"): [(10, 0), (20, 1), (30, 3)]}, {})
        assert events.between(10, 20) == 1
        assert events.between(20, 30) == 2
        assert events.between(20, 29.9) == 0


class TestSlots:
    def test_are_fine_where_young_and_coarse_where_old(self):
        """At a whole hour the tiers meet at 6 h, 3 d and 35 d."""
        now = 100 * DAY
        found = slots(now, 30, 90 * DAY)
        lengths = [end - start for start, end in found]
        assert [lengths.count(n) for n in (30, 300, 3600, 21600)] == [720, 792, 768, 220]
        assert found[0] == (now - 30, now)
        assert found[-1] == (now - 90 * DAY, now - 90 * DAY + 21600)

    def test_leave_no_gap_where_tiers_meet(self):
        """Between whole hours the finer tier reaches back to the coarser one's last slot."""
        now = 100 * DAY + 4 * HOUR + 1230
        found = slots(now, 30, 40 * DAY)
        assert all(newer[0] == older[1] for newer, older in pairwise(found))
        assert all(end % (end - start) == 0 for start, end in found)
        assert found[-1][0] < now - 40 * DAY <= found[-1][1]


class TestInWindow:
    def test_takes_the_share_of_a_slot_that_the_edge_cuts(self):
        """A day that begins 90 s before a 5 m slot's end holds 90/300 of its events."""
        now = 100 * DAY + 210
        cut = now - DAY - 210
        series = {labels(job="j", instance="a"): [(cut - 1, 0), (cut + 1, 10), (cut + 301, 17)]}
        events = Events(series, {})
        assert now - DAY == cut + 210
        assert in_window(events.between, now, DAY, 30) == pytest.approx(10 * 90 / 300 + 7)


class TestFigures:
    def test_follow_from_bad_and_total(self):
        """20 of 10,000 bad at 99.9% is twice the budget."""
        figures = Figures(bad=20, total=10_000, error_budget=0.001)
        assert figures.error_ratio == 0.002
        assert figures.burn_rate == pytest.approx(2)
        assert figures.budget_remaining == pytest.approx(-1)
        assert figures.budget_events == pytest.approx(-10)
        assert figures.budget_seconds(30 * DAY) == pytest.approx(-2592)

    def test_no_traffic_burns_nothing(self):
        """Without events the ratio is 0 and the budget whole."""
        figures = Figures(bad=0, total=0, error_budget=0.001)
        assert (figures.error_ratio, figures.burn_rate, figures.budget_remaining) == (0, 0, 1)
        assert figures.budget_seconds(30 * DAY) == pytest.approx(2592)


@pytest.mark.parametrize(
    ("seconds", "moves", "expected"),
    [
        (0, True, -5.0),
        (3_600, True, 95 + 0.02 * 7_200 - 0.01 * (6_400 + 7_200)),
        (7_200, True, 95 + 0.02 * 10_800 - 0.01 * (2_800 + 10_800)),
        (10_000, True, 0.02 * (7_200 + 6_400) - 0.01 * (7_200 + 6_400)),
        (10_000, False, -5 + 0.02 * 13_600 - 0.01 * 13_600),
    ],
)
def test_what_is_overspent_in_a_while(seconds, moves, expected):
    """Of 100 events that are allowed, 95 were bad, all of them last."""
    found = overspent_after(
        seconds,
        bad=lambda start, end: 95.0 if start < end else 0.0,
        total=lambda start, end: end - start,
        window=(0, 10_000),
        moves=moves,
        holds=(0.02, 2.0, 1.0),
        error_budget=0.01,
    )
    assert found == pytest.approx(expected)
