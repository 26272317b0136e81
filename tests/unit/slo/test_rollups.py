"""What several SLOs have left of their budgets together, and what parts have of a burn."""

from __future__ import annotations

import pytest

from exporter.slo.part_shares import by_name, part_shares
from exporter.slo.rollups import Rollup, rollups
from exporter.slo.snapshot import Snapshot
from exporter.slo.types import DAY
from tests.helpers.composites.slos import composite
from tests.helpers.samples import every_window, slo, snapshot, subject

FRONT = slo("99", service="shop", name="front", labels={"owner": "web"}, period=10 * DAY)
PAY = slo("99.9", service="pay", name="pay", labels={"owner": "web"}, period=10 * DAY)
LOST = slo("99", service="pay", name="lost", period=10 * DAY)
JOURNEY = composite("all", FRONT, PAY, service="shop", name="journey", period=10 * DAY)
NONE = (0.0, 0.0, 0.0)


def known() -> Snapshot:
    """Half of the budget is left of the front, nothing of the payment; one is not known."""
    return snapshot(
        (subject(FRONT), (50.0, 10_000.0, 1.0)),
        (subject(PAY), (10.0, 10_000.0, 1.0)),
        (subject(LOST), every_window(LOST, NONE)),
        (subject(JOURNEY), (1_000.0, 10_000.0, 1.0)),
    )


def of(kind: str, name: str = "") -> Rollup:
    [found] = [each for each in rollups(known().slos) if (each.kind, each.name) == (kind, name)]
    return found


class TestRollups:
    def test_budgets_weigh_as_the_downtime_that_they_allow(self) -> None:
        """Ten times as much downtime, ten times the weight; a composite's parts are there."""
        assert of("owner", "web").remaining == pytest.approx(0.5 * 10 / 11)
        assert of("all").remaining == pytest.approx(0.5 * 10 / 11)

    def test_a_composite_counts_where_its_parts_are_not(self) -> None:
        """They are of other services."""
        found = of("service", "shop")
        assert found.remaining == pytest.approx((0.5 - 9) / 2)
        assert found.worst is not None
        assert found.worst.slo is JOURNEY

    def test_what_is_not_known_is_said(self) -> None:
        """And is in no other figure."""
        found = of("service", "pay")
        assert (found.slos, found.unknown) == (2, 1)
        assert found.remaining == pytest.approx(0, abs=1e-9)

    def test_of_nothing_known_there_is_no_figure(self) -> None:
        """It is not taken to be good."""
        [whole, _] = rollups(snapshot((subject(LOST), every_window(LOST, NONE))).slos)
        assert (whole.remaining, whole.worst, whole.unknown) == (None, None, 1)


class TestParts:
    def test_each_has_its_share_of_the_burn(self) -> None:
        """By its error ratio of the last hour."""
        slos = known().slos
        [journey] = [each for each in slos if each.slo is JOURNEY]
        found = part_shares(journey, by_name(slos))
        assert [each.name for each in found] == ["shop/front", "pay/pay"]
        assert [each.share for each in found] == [pytest.approx(5 / 6), pytest.approx(1 / 6)]

    def test_shares_are_not_known_while_a_part_is_not(self) -> None:
        """Its own ratio is missing as well."""
        made = composite("weighted", FRONT, LOST, weights=(2.0, 1.0), period=10 * DAY)
        slos = snapshot(
            (subject(FRONT), (50.0, 10_000.0, 1.0)), (subject(made), (1.0, 10.0, 1.0))
        ).slos
        found = part_shares(slos[1], by_name(slos))
        assert [each.share for each in found] == [None, None]
        assert [each.weight for each in found] == [2.0, 1.0]
        assert found[1].status is None
