"""Changes on the page of an SLO and in its incidents: marks, a table, and what came after."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from exporter.slo import incident_words
from exporter.slo.event_history import EventHistory
from exporter.slo.incident_details import incident_details
from exporter.slo.records import Change, Incident
from exporter.slo.snapshot import Snapshot
from exporter.slo.story import story
from exporter.web.api import answers
from exporter.web.pages.chart_marks import lanes
from exporter.web.pages.charts import TimeAxis
from exporter.web.pages.ranges import TimeRange
from tests.helpers.samples import AT, every_window, slo, snapshot, status, subject
from tests.helpers.web.asked import Web
from tests.helpers.web.shown import EVIL, ONE, history, shot, with_status

START = AT - 900
INCIDENT = Incident(START, AT - 600, 90.0, 0.3, open=True)
BURNT = replace(status(subject(slo()), (600.0, 1e6, 1.0)), incidents=(INCIDENT,))


def change(at: int, what: str = "v1.2.3", **more: str) -> Change:
    return Change("auth", what, at, **more)


def web(shown: Snapshot, slots: EventHistory) -> Web:
    found = Web(shown)
    found.daemon.history = slots
    return found


@pytest.mark.parametrize(
    ("changes", "about", "words"),
    [
        ([change(START - 300)], 0, "began 5m after v1.2.3"),
        ([change(START - 600, "v1"), change(START - 30, "v2")], 0, "began 30s after v2"),
        ([change(START + 20)], 0, "began with v1.2.3"),
        ([change(START - 3_601)], 0, ""),
        ([change(START + 61)], 0, ""),
        ([], 0, ""),
        ([change(START - 300)], 300, "began about 5m after v1.2.3"),
        ([change(START + 240)], 300, "began about with v1.2.3"),
    ],
)
def test_an_incident_begins_after_the_last_change_before_it(changes, about, words):
    """Within an hour; one within its first slot counts as before it."""
    one = replace(BURNT, incidents=(replace(INCIDENT, start_about=about),))
    [of] = incident_details(one, AT, changes)
    assert incident_words.after_change(of) == words


EXPERIMENT = change(START - 40, "experiment: kill one", source="experiment")


@pytest.mark.parametrize(
    ("changes", "planned"),
    [
        ([EXPERIMENT], True),
        ([change(START + 30, "experiment: kill one", source="experiment")], True),
        ([EXPERIMENT, change(START - 20)], True),
        ([EXPERIMENT, change(START + 90, "experiment over", source="experiment_over")], True),
        ([EXPERIMENT, change(START - 9, "experiment over", source="experiment_over")], False),
        ([change(START + 61, "experiment: kill one", source="experiment")], False),
        ([change(START - 86_401, "experiment: kill one", source="experiment")], False),
        ([change(START - 40, "experiment: kill one")], False),
    ],
)
def test_an_incident_that_begins_during_an_experiment_is_planned(changes, planned):
    """Whatever else was changed meanwhile, and until its end."""
    [of] = incident_details(BURNT, AT, changes)
    assert (of.planned is not None) == planned
    assert (incident_words.after_change(of) == "planned: experiment: kill one") == planned


def test_the_api_and_the_log_tell_of_it():
    """Whoever reads of the incident reads of the change."""
    made = {"auth": (change(START - 300, by="ada"),)}
    before = snapshot((subject(slo()), (600.0, 1e6, 1.0)))
    after = replace(with_status(before, incidents=(INCIDENT,)), changes=made)
    [entry] = json.loads(answers.slos(after, {}))["data"]["slos"]
    told = {name: entry["incidents"][0]["change"][name] for name in ("what", "by", "at")}
    assert told == {"what": "v1.2.3", "by": "ada", "at": START - 300}
    [began] = [one for one in story(before, after) if one.what == "incident began"]
    assert began.figures["change"] == "began 5m after v1.2.3"


def test_changes_are_marked_on_the_charts():
    """Those in the range; what would overlap is one mark. The incident's says what came before."""
    changes = [change(START - 7_200, "v1"), change(START - 301, "v2"), change(START - 300, "v3")]
    axis = TimeAxis(EventHistory(np.linspace(AT - 3_600.0, AT, 3), *np.ones((3, 2))))
    found = lanes(BURNT, TimeRange("1h", AT - 3_600.0, float(AT)), axis, changes)
    assert [lane.label for lane in found] == ["incident", "change"]
    assert found[0].boxes[0].title.endswith("began 5m after v3")
    assert [box.title for box in found[1].boxes] == ["v2 at 14 Nov 21:54:59\nv3 at 14 Nov 21:55"]


class TestTable:
    def page(self, *changes: Change, bad: float = 0.0) -> str:
        """The page with an hour's bad events in each hour of two days."""
        count = 48
        bounds = AT - 3_600.0 * np.arange(count, -1, -1)
        slots = EventHistory(bounds, np.full(count, bad), np.full(count, 1e3), np.ones(count))
        shown = replace(
            snapshot((subject(slo()), every_window(slo(), (600.0, 1e6, 1.0)))),
            changes={"auth": changes},
        )
        return web(shown, slots).page(ONE)

    def test_it_tells_what_the_budget_paid(self):
        """Risky ones stand out; newest first."""
        page = self.page(change(AT - 7_200, by="ada"), change(AT - 1_800, "flag"), bad=40.0)
        row = '<td data-label="Budget spent" class="number alarm">about 4%</td>'
        assert row in page
        assert '<td data-label="By">ada</td>' in page
        assert "about 2% so far" in page
        assert page.index(">flag<") < page.index(">v1.2.3<")

    def test_what_is_not_known_is_said(self):
        """A change from before all slots, and one that was noted a moment ago."""
        page = self.page(change(AT - 90 * 3_600), change(AT + 3, "now"))
        assert '<td data-label="Budget spent" class="number">not known</td>' in page
        assert '<td data-label="Budget spent" class="number">not known yet</td>' in page

    def test_links_are_of_the_web_and_everything_is_escaped(self):
        """Whatever the store holds."""
        page = self.page(
            change(AT - 60, EVIL, link="https://ci.test/7", by=EVIL),
            change(AT - 30, "bad", link="javascript:alert(1)"),
        )
        assert "<script>alert" not in page
        assert 'href="https://ci.test/7" rel="noopener noreferrer">&lt;script' in page
        assert "javascript:" not in page

    def test_without_any_it_is_said_how_one_is_noted(self):
        """The service included."""
        page = web(shot(), history(*[0.0] * 10)).page(ONE)
        assert "<code>error-budget-exporter change add auth WHAT</code> notes one" in page
