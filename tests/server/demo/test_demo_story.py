"""What the demo tells from the exporter's metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exporter.config.reading.loading import load
from exporter.demo.scene import EXPORTER_CONFIG
from exporter.demo.story import Story, View, read_views

EXPOSITION = """\
slo_info{service="checkout",slo="availability",objective="99.9"} 1
slo_burn_rate{service="checkout",slo="availability",window="5m"} 161.04
slo_burn_rate{service="checkout",slo="availability",window="1h"} 16.9
slo_error_budget_remaining_ratio{service="checkout",slo="availability"} 0.508
slo_policy_tier{service="checkout",slo="availability",tier="normal"} 1
slo_policy_tier{service="checkout",slo="availability",tier="slow_down"} 0
slo_burn_rate_alert{service="checkout",slo="availability",severity="page",long="1h",short="5m"} 1
slo_burn_rate_alert{service="checkout",slo="availability",severity="page",long="6h",short="30m"} 0
slo_data_coverage_ratio{service="checkout",slo="availability"} 1
slo_error_budget_remaining_ratio{service="auth",slo="availability",region="eu"} 0.18
slo_service_policy_tier{service="auth",tier="freeze"} 1
error_budget_exporter_evaluations_total 7
"""


def checkout(budget: float = 0.53, tier: str = "normal", *, page: bool = False) -> dict[str, View]:
    """An answer with checkout alone."""
    view = View({"5m": 0.3, "1h": 0.3}, budget, tier, {"page 1h/5m": page}, 1.0)
    return {"checkout availability": view}


def gate(decision: str, recovery: float | None = None) -> dict[str, Any]:
    """An answer of the deploy gate."""
    return {
        "decision": decision,
        "why": f"Since it is {decision}.",
        "slos": [{"recovery": recovery}],
    }


class Told:
    """A story and what it has told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.announcements: list[str] = []
        self.story = Story(self.lines.append, self.announcements.append)


@pytest.fixture
def told() -> Told:
    """A story that has told nothing yet."""
    return Told()


class TestReading:
    def test_views_are_read_by_slo_and_group(self):
        """Service metrics and self-metrics belong to no SLO."""
        views = read_views(EXPOSITION)
        assert views.keys() == {"checkout availability", "auth availability eu"}
        view = views["checkout availability"]
        assert view == View(
            burn_rate={"5m": 161.04, "1h": 16.9},
            budget=0.508,
            tier="normal",
            alerts={"page 1h/5m": True, "page 6h/30m": False},
            coverage=1.0,
        )

    def test_a_line_has_every_figure(self):
        """Burn rates, budget, tier, and the rungs that fire."""
        text = read_views(EXPOSITION)["checkout availability"].text()
        assert text.split() == ["161.0", "16.9", "50.8%", "normal", "page", "1h/5m"]

    def test_what_is_not_known_is_a_question_mark(self):
        """A value that the exporter withholds is not shown as zero."""
        text = read_views(EXPOSITION)["auth availability eu"].text()
        assert text.split() == ["?", "?", "18.0%", "?", "-"]


class TestTelling:
    def test_changes_stand_out(self, told):
        """A condition that fires and a tier that changes."""
        told.story.see(checkout(), 20)
        told.story.see(checkout(0.49, "slow_down", page=True), 85)
        assert told.announcements == [
            "1:25  checkout availability: page 1h/5m fires",
            "1:25  checkout availability: tier normal -> slow_down",
        ]

    def test_an_end_stands_out_too(self, told):
        """A condition that fires no more."""
        told.story.see(checkout(page=True), 20)
        told.story.see(checkout(), 25)
        assert told.announcements == ["0:25  checkout availability: page 1h/5m is over"]

    def test_the_gate_is_told_when_it_turns(self, told):
        """With its reason, and until when."""
        for second, answer in [
            (0, gate("allow")),
            (1, gate("allow")),
            (2, gate("block", 86_460.0)),
        ]:
            told.story.see_gate(answer, second)
        assert told.announcements == [
            "0:00  deploy gate of checkout: allow",
            "0:02  deploy gate of checkout: allow -> block",
        ]
        assert [line.strip() for line in told.lines] == [
            "Since it is allow.",
            "Since it is block.",
            "It gets better at 1970-01-02 00:01 UTC if nothing more fails.",
        ]

    def test_calm_is_told_seldom_and_movement_at_once(self, told):
        """A line every 15 s while nothing moves; one for every percent of budget."""
        for second, budget in [(0, 0.53), (1, 0.529), (14, 0.525), (15, 0.525), (16, 0.50)]:
            told.story.see(checkout(budget), second)
        assert [line.split()[0] for line in told.lines] == ["0:00", "0:15", "0:16"]


class TestJudging:
    def test_the_incident_was_seen(self, told):
        """Both the page condition and the tier changed before its eyes."""
        told.story.see(checkout(), 0)
        told.story.see(checkout(page=True), 5)
        told.story.see(checkout(0.49, "slow_down", page=True), 10)
        assert len(told.story.missing()) == 1
        for decision in ("allow", "caution", "block"):
            told.story.see_gate(gate(decision), 11)
        assert told.story.missing() == []

    def test_nothing_seen(self, told):
        """Each thing that did not come is named."""
        told.story.see(checkout(), 0)
        told.story.see(checkout(), 5)
        assert told.story.missing() == [
            "no page condition of checkout availability went from 0 to 1",
            "the tier of checkout availability did not change",
            "the deploy gate did not turn from allow to block (seen: nothing)",
        ]

    def test_what_was_there_from_the_beginning_does_not_count(self, told):
        """A condition must go from 0 to 1: one that always fires proves nothing."""
        told.story.see(checkout(0.49, "slow_down", page=True), 0)
        told.story.see(checkout(0.48, "slow_down", page=True), 5)
        assert len(told.story.missing()) == 3

    def test_a_condition_that_was_not_known_before_does_not_count(self, told):
        """From unknown to 1 is not from 0 to 1."""
        told.story.see({"checkout availability": View()}, 0)
        told.story.see(checkout(page=True), 5)
        assert told.story.pages == []

    def test_what_befalls_another_slo_does_not_count(self, told):
        """The incident is checkout's."""
        for page, tier in [(False, "normal"), (True, "slow_down")]:
            view = checkout(0.5, tier, page=page)["checkout availability"]
            told.story.see({"auth availability eu": view}, 0)
        assert len(told.story.missing()) == 3


def test_the_demos_configuration_is_valid():
    """Three SLOs, one of them in groups."""
    settings = load(EXPORTER_CONFIG.format(url="http://127.0.0.1:1"), Path("config.yaml"))
    assert [(slo.service, slo.name, slo.group_by) for slo in settings.slos] == [
        ("checkout", "availability", ()),
        ("search", "latency", ()),
        ("auth", "availability", ("region",)),
    ]
