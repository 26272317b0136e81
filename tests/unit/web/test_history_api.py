"""What charts are drawn from, over the API."""

from __future__ import annotations

import pytest

from exporter.slo.types import DAY, HOUR
from exporter.web.api.openapi import document
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.asked import Web
from tests.helpers.web.documented import validate
from tests.helpers.web.shown import SPENT, history, shot

ASKED = "/api/v1/history?service=auth&slo=availability"


def web(**of: object) -> Web:
    """An SLO whose thirty days had 10 bad of 1,000 events each, the last one 40."""
    web = Web(shot(**of))
    web.daemon.history = history(*([10.0] * 29), 40.0)
    return web


@pytest.mark.parametrize(
    ("range_", "length", "bad", "total"),
    [("1h", HOUR, 40 / 24, 1_000 / 24), ("1d", DAY, 40, 1_000), ("7d", 7 * DAY, 100, 7_000)],
)
def test_it_has_the_events_of_a_range(range_, length, bad, total):
    """In points of equal length up to the newest slot; the ratios are theirs."""
    answer = web().ask(f"{ASKED}&range={range_}")
    validate(document("1.2.3"), "/api/v1/history", "get", 200, answer.json())
    data = answer.json()["data"]
    assert (data["range"], data["total"]) == (range_, 1)
    [series] = data["series"]
    points = series["points"]
    assert (len(points), points[-1]["end"]) == (120, AT)
    assert points[1]["end"] - points[0]["end"] == pytest.approx(length / 120)
    assert sum(point["bad"] for point in points) == pytest.approx(bad)
    assert sum(point["total"] for point in points) == pytest.approx(total)
    assert points[-1]["error_ratio"] == pytest.approx(0.04)


def test_what_is_not_known_is_null():
    """And not a ratio of 0."""
    web_ = web()
    web_.daemon.history = history(*([0.0] * 30), known=0.0)
    [series] = web_.ask(ASKED).json()["data"]["series"]
    assert {point["error_ratio"] for point in series["points"]} == {None}
    web_.daemon.history = None  # it went away with a reload
    [series] = web_.ask(ASKED).json()["data"]["series"]
    assert series["points"] == []


def test_every_group_has_its_own_and_many_are_bounded():
    """The first twenty; how many there are is told."""
    groups = [
        (subject(slo(group_by=("region",)), groups={"region": f"r{n}"}), SPENT) for n in range(25)
    ]
    web_ = Web(snapshot(*groups))
    web_.daemon.history = history(1.0)
    data = web_.ask(ASKED).json()["data"]
    assert data["total"] == 25
    assert [each["groups"]["region"] for each in data["series"]] == [f"r{n}" for n in range(20)]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("service=auth", 400, "slo is required"),
        ("slo=availability", 400, "service is required"),
        ("service=auth&slo=availability&range=2h", 400, "range must be one of 1h, 6h, 1d, 7d, "),
        ("service=auth&slo=availability&rnage=1h", 400, "'rnage' is not known"),
        ("service=auth&service=a&slo=availability", 400, "service must be given only once"),
        ("service=&slo=availability", 400, "service must be a string of 1 to "),
        ("service=auth&slo=latency", 404, "no SLO auth/latency is known"),
    ],
)
def test_what_cannot_be_answered_is_told(query, status, words):
    """In the API's words."""
    answer = web().ask(f"/api/v1/history?{query}")
    assert (answer.status_code, words in answer.json()["error"]) == (status, True)
