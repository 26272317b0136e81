"""What a counter that begins counts from: the definition, case by case."""

from __future__ import annotations

import pytest

from exporter.prometheus.births import Doubt, Proofs, Scrape, begin_from, continued
from exporter.prometheus.raw import SeriesKey

INTERVAL = 30
NOTHING_MORE = Proofs()
LIFETIME = 50_000.0


def of(**labels: str) -> SeriesKey:
    """A counter of one target."""
    return tuple(sorted({"__name__": "requests_total", **labels}.items()))


OK, FAILED, TEAM_OK, TEAM_FAILED = (
    of(code=code, **more) for more in ({}, {"team": "x"}) for code in ("200", "500")
)
ZONE_A, ZONE_B = of(code="500", zone="a"), of(code="500", zone="b")


def judged(
    ended: dict[SeriesKey, float],
    begun: dict[SeriesKey, float],
    proofs: Proofs | None = NOTHING_MORE,
    **more,
) -> dict[SeriesKey, float | Doubt]:
    scrape = Scrape(**{"elapsed": INTERVAL, "ended": ended, "begun": begun} | more)
    return begin_from(scrape, INTERVAL, proofs)


class TestBirths:
    @pytest.mark.parametrize(
        ("first", "grown", "busiest"), [(100, 0, 0), (3_100, 300, 0), (3_100, 0, 10)]
    )
    def test_count_whole_as_far_as_they_can_have_happened(self, first, grown, busiest):
        """A hundred events, or ten times what the target or the busiest of its job counts."""
        proofs = Proofs(busiest=busiest)
        assert judged({}, {FAILED: first}, proofs, grown=grown) == {FAILED: 0}
        assert judged({}, {FAILED: first + 1}, proofs, grown=grown) == {FAILED: Doubt.TOO_LARGE}

    def test_are_judged_together(self):
        """Many that are small make a lifetime; those at zero are not in doubt."""
        tenants = {of(tenant=str(n)): 30.0 for n in range(4)}
        found = judged({}, {**tenants, OK: 0})
        assert found == {**dict.fromkeys(tenants, Doubt.TOO_LARGE), OK: 0}

    def test_count_whole_whatever_their_value_if_they_were_created_since(self):
        """And do not put others in doubt."""
        found = judged({}, {OK: LIFETIME, FAILED: 7}, Proofs(born=frozenset([OK])))
        assert found == {OK: 0, FAILED: 0}


class TestCountersOfOtherLabels:
    def test_go_on_where_a_label_came_or_went(self):
        """Each from the one with the fewest differences; more labels or less."""
        old, new = {OK: 1e6, FAILED: LIFETIME}, {TEAM_OK: 1e6 + 300, TEAM_FAILED: LIFETIME}
        assert judged(old, new) == {TEAM_OK: 1e6, TEAM_FAILED: LIFETIME}
        assert judged(new, {OK: 1e6 + 600, FAILED: LIFETIME}) == {OK: 1e6 + 300, FAILED: LIFETIME}

    def test_go_on_under_another_name(self):
        """A metric that was renamed is the same counter."""
        renamed = of(__name__="http_requests_total", code="200")
        assert judged({OK: 1e6}, {renamed: 1e6 + 3}) == {renamed: 1e6}

    def test_count_whole_if_one_of_them_fell(self):
        """The process has restarted, with other labels: nobody goes on, however it stands."""
        assert judged({OK: 1e6, FAILED: 2}, {TEAM_OK: 9, TEAM_FAILED: 5}) == {
            TEAM_OK: 0,
            TEAM_FAILED: 0,
        }
        assert judged({FAILED: 2}, {TEAM_FAILED: 5}, fell=True) == {TEAM_FAILED: 0}

    def test_do_not_take_in_one_that_was_born_with_them(self):
        """It has nothing to go on from."""
        found = judged({OK: 10}, {TEAM_OK: 12, TEAM_FAILED: 4})
        assert found == {TEAM_OK: 10, TEAM_FAILED: 0}

    def test_do_not_go_on_to_what_they_cannot_have_counted(self):
        """A small counter that ended says nothing of a large one that begins."""
        assert judged({FAILED: 5}, {TEAM_FAILED: LIFETIME}) == {TEAM_FAILED: Doubt.TOO_LARGE}

    def test_go_on_from_the_highest_below_where_several_are_equally_like(self):
        """Two paths become one that the server keeps of them."""
        paths = {of(path="/a"): 900.0, of(path="/b"): 950.0}
        assert judged(paths, {of(): 955}) == {of(): 950}
        assert judged(paths, {of(): 940}) == {of(): 900}


class TestOtherValuesOfLabels:
    @pytest.mark.parametrize("proofs", [None, Proofs()])
    def test_are_in_doubt(self, proofs):
        """One may have ended and another been born; a value below is no continuation."""
        assert judged({ZONE_A: 20}, {ZONE_B: 25}, proofs) == {ZONE_B: Doubt.SUCCESSOR}
        assert judged({ZONE_A: 20}, {ZONE_B: 19}, proofs) == {ZONE_B: 0}
        assert judged({ZONE_A: 0}, {ZONE_B: 19}, proofs) == {ZONE_B: 0}

    def test_are_decided_by_the_start_of_the_process(self):
        """The same process only goes on; a new one counts from zero."""
        assert judged({ZONE_A: 20}, {ZONE_B: 25}, Proofs(restarted=False)) == {ZONE_B: 20}
        assert judged({ZONE_A: 20}, {ZONE_B: 25}, Proofs(restarted=True)) == {ZONE_B: 0}

    def test_go_on_where_nothing_else_can_be(self):
        """Too much for a birth; but that is asked for before it is said."""
        found = {ZONE_B: LIFETIME + 5}
        assert judged({ZONE_A: LIFETIME}, found) == {ZONE_B: LIFETIME}
        assert judged({ZONE_A: LIFETIME}, found, None) == {ZONE_B: Doubt.SUCCESSOR}

    def test_of_three_labels_are_another_counter(self):
        """Then nothing is left that makes them alike."""
        old, new = (of(a=value, b=value, c=value) for value in "xy")
        assert judged({old: 5}, {new: 7}) == {new: 0}

    def test_do_not_count_after_a_pause(self):
        """What was not in the scrape just before may have ended at any time."""
        assert judged({ZONE_A: 20}, {ZONE_B: 25}, elapsed=None) == {ZONE_B: 0}
        assert judged({FAILED: LIFETIME}, {TEAM_FAILED: LIFETIME}, elapsed=None) == {
            TEAM_FAILED: LIFETIME
        }


class TestContinued:
    def test_a_relabeling_that_is_taken_back_goes_on_from_the_other_labels(self):
        """Its events meanwhile were counted there."""
        assert continued(100, 120, OK, {TEAM_OK: 115}) == 115

    @pytest.mark.parametrize(
        "ended", [{}, {TEAM_OK: 121}, {TEAM_OK: 99}, {TEAM_FAILED: 115}, {FAILED: 115}]
    )
    def test_others_have_no_say(self, ended):
        """Those above it, below its own value, or of other values of labels."""
        assert continued(100, 120, OK, ended) == 100
