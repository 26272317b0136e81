"""Composites on their pages, and the page of rollups."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.slo.types import DAY
from tests.helpers.composites.slos import composite
from tests.helpers.samples import slo, snapshot, subject
from tests.helpers.web.asked import Web

FRONT = slo("99", service="shop", name="front", period=10 * DAY)
PAY = slo("99.9", service="pay", name="pay", period=10 * DAY, labels={"owner": "web"})
JOURNEY = composite("weighted", FRONT, PAY, weights=(2.0, 1.0), period=10 * DAY)


def web() -> Web:
    return Web(
        snapshot(
            (subject(FRONT), (50.0, 10_000.0, 1.0)),
            (subject(PAY), (10.0, 10_000.0, 1.0)),
            (subject(JOURNEY), (20.0, 10_000.0, 1.0)),
        )
    )


def test_the_page_shows_the_parts_and_their_share_of_the_burn() -> None:
    """With their weights, and a link to each."""
    text = web().ask("/slo/shop/journey").text
    assert '<a href="/slo/shop/front">shop/front</a>' in text
    assert '<td class="number" data-label="Weight">2</td>' in text
    assert 'data-label="Share of the burn">90.9%' in text
    assert "by the method weighted" in text


def listed(by: Web) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = by.ask("/api/v1/slos").json()["data"]["slos"]
    return found


def test_the_api_lists_the_parts_and_their_share_of_the_burn() -> None:
    """As the page does; of a part that is not known it says so."""
    found = {each["slo"]: each["composite"] for each in listed(web())}
    assert found["front"] is None
    parts = found["journey"].pop("parts")
    assert found["journey"] == {"method": "weighted", "on_unknown": "unknown", "window": "1h"}
    assert [(each["slo"], each["weight"], each["state"]) for each in parts] == [
        ("shop/front", 2.0, "ok"),
        ("pay/pay", 1.0, "ok"),
    ]
    assert [each["share"] for each in parts] == pytest.approx([10 / 11, 1 / 11])
    assert [each["tier"] for each in parts] == ["slow_down", "exhausted"]
    alone = Web(snapshot((subject(JOURNEY), (20.0, 10_000.0, 1.0))))
    [front, _] = listed(alone)[0]["composite"]["parts"]
    assert (front["state"], front["budget_remaining"], front["share"]) == (None, None, None)


def test_the_page_of_another_has_no_parts() -> None:
    """It is made of nothing."""
    assert 'id="parts"' not in web().ask("/slo/shop/front").text


def test_rollups_have_a_row_for_all_each_owner_and_each_service() -> None:
    """Linked from every page."""
    found = web()
    text = found.ask("/rollups").text
    for name in ("everything", "web", "shop", "pay"):
        assert f">{name}</a></th>" in text
    assert 'href="/?owner=web"' in text
    assert '<a href="/rollups">Rollups</a>' in found.ask("/").text


def test_rollups_are_metrics() -> None:
    """With few series, whatever the number of SLOs."""
    text = web().ask("/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("slo_rollup_")]
    assert 'slo_rollup_slos{rollup="all",name=""} 3.0' in lines
    assert len(lines) == 4 * 4
