"""The ranges of time of an SLO's page, its links, and what is marked on its charts."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from exporter.reports.markdown import web_address
from exporter.slo.event_history import EventHistory
from exporter.slo.records import Acknowledgement, Firing, Incident, TierChange
from exporter.slo.snapshot import TierStatus
from exporter.slo.types import DAY, HOUR
from exporter.web.daemon import Source
from exporter.web.pages.chart_marks import lanes
from exporter.web.pages.charts import TimeAxis
from exporter.web.pages.ranges import chosen_range
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.asked import Web
from tests.helpers.web.shown import ONE, SPENT, history, shot, with_status


def current(page: str) -> str:
    [name] = re.findall(r'aria-current="page">(\w+)<', page)
    return name


class TestRange:
    @pytest.mark.parametrize(("long", "name"), [(3_600, "6h"), (21_600, "1d"), (86_400, "7d")])
    def test_while_something_fires_its_beginning_is_shown(self, long, name):
        """The shortest range from 6 h on that is longer than the condition's window."""
        [status] = shot().slos
        alerts = [replace(alert, firing=alert.condition.long == long) for alert in status.alerts]
        burning = replace(status, alerts=tuple(alerts), windows={})
        assert chosen_range(burning, None).name == name
        assert chosen_range(burning, "1h").length == HOUR

    def test_an_incident_that_goes_on_is_shown(self):
        """Though no condition fires; one that has ended is in the period."""
        [status] = shot().slos
        one = Incident(AT - HOUR, AT, 5, 0.05, open=True)
        assert chosen_range(replace(status, incidents=(one,)), None).name == "6h"
        ended = replace(status, incidents=(replace(one, open=False),))
        assert chosen_range(ended, None).name == "period"

    def test_a_url_names_it(self):
        """Beside the group's labels, one of which may be called so too."""
        one = subject(slo(group_by=("range",)), groups={"range": "1h"})
        web = Web(snapshot((one, SPENT)))
        assert current(web.page(f"{ONE}?range=1h")) == "period"
        page = web.page(f"{ONE}?range=1h&range=7d")
        assert current(page) == "7d"
        assert f'href="{ONE}?range=1h&amp;range=6h#charts"' in page

    def test_another_one_is_an_error_that_says_what_there_is(self):
        """And an SLO that is not there is not found, whatever the range."""
        found = Web(shot()).ask(f"{ONE}?range=2h")
        assert found.status_code == 400
        assert found.text == "There is no range '2h': it must be one of 1h, 6h, 1d, 7d, period.\n"
        assert Web(shot()).ask("/slo/auth/other?range=6h").status_code == 404


class TestLinks:
    @pytest.mark.parametrize(
        "text",
        ["https://a.example.com/x?y=z#t", "http://a", "HTTPS://a.example.com", "http://[::1]/"],
    )
    def test_web_pages_are_links(self, text):
        """By http and https."""
        assert web_address(text) == text

    @pytest.mark.parametrize(
        "text",
        [
            *("", "team shop", "a.example.com", "/path", "//a.example.com", "https:", "https://"),
            *("javascript:alert(1)", "JaVaScRiPt://a/%0aalert(1)", "data:text/html,x", "file:///x"),
            *(
                " https://a",
                "https://a b",
                "https://a\n",
                "java\nscript:x",
                "http://[::1",
                "ftp://a",
            ),
            *("see https://a.example.com", "vbscript:x", 'https://a"onclick="x', "http://a\\b"),
        ],
    )
    def test_nothing_else_is(self, text):
        """Whatever else a browser might do with it."""
        assert web_address(text) == ""

    def test_labels_and_notes_are_shown_with_theirs(self):
        """What is no URL is text."""
        one = shot(labels={"runbook": "https://r.example.com/?a=1&b", "bad": "javascript:alert(1)"})
        word = Acknowledgement(AT, "kim", "https://doc.example.com/1")
        page = Web(
            with_status(one, incidents=(Incident(AT - 60, AT, 5, 0.3, False, True, word),))
        ).page(ONE)
        rel = 'rel="noopener noreferrer"'
        runbook = "https://r.example.com/?a=1&amp;b"
        assert f'runbook: <a href="{runbook}" {rel}>{runbook}</a>.' in page
        assert (
            f'<a href="https://doc.example.com/1" {rel}>kim: https://doc.example.com/1</a>' in page
        )
        assert "bad: javascript:alert(1)." in page
        assert 'href="javascript' not in page

    def test_prometheus_is_asked_over_the_range_that_is_shown(self):
        """A panel per question, escaped."""
        web = Web(shot())
        web.daemon.origin = Source(
            "http://p.example.com", ("c",), None, {"error ratio": "a/b", "bad": "a"}
        )
        page = web.page(f"{ONE}?range=7d")
        panels = "&amp;".join(
            f"g{i}.expr={text}&amp;g{i}.tab=0&amp;g{i}.range_input=7d"
            for i, text in enumerate(("a%2Fb", "a"))
        )
        link = f'<a href="http://p.example.com/graph?{panels}" rel="noreferrer">'
        assert page.count(link) == 2
        assert (
            page.index("a/b</code>") < page.index("How events are counted") < page.index("c</code>")
        )


class TestMarks:
    def found(self, **fields: object):
        [status] = with_status(shot(), **fields).slos
        shown = chosen_range(status, "1d")
        axis = TimeAxis(history(0.0).part(shown.start, shown.end, 60))
        return {
            lane.look: [(box.x, box.width, box.title) for box in lane.boxes]
            for lane in lanes(status, shown, axis)
        }

    def test_what_lies_outside_of_the_range_has_no_lane(self):
        """And what begins before it begins at its edge."""
        firings = (
            Firing("page", 3600, 300, AT - 3 * DAY, AT - 2 * DAY, open=False),
            Firing("ticket", 86400, 7200, AT - 3 * DAY, AT - DAY // 2, open=False),
        )
        found = self.found(firings=firings)
        assert list(found) == ["ticket"]
        [(x, width, title)] = found["ticket"]
        assert (x, x + width) == (88, (88 + 708) / 2)
        assert title == "ticket 1d/2h fired 11 Nov 22:15 to 14 Nov 10:15 (2d12h)"

    def test_a_moment_can_be_seen(self):
        """A tier's change has no length; the first one is none."""
        changes = (
            TierChange(AT - 7200, None, "normal", "default", 0.9),
            TierChange(AT - 3600, "normal", "slow_down", "default", 0.4),
        )
        found = self.found(tier_status=TierStatus(changes=changes))
        [(_, width, title)] = found["tier"]
        assert width == 4
        assert title == "Tier normal to slow down at 14 Nov 21:15"

    def test_what_cannot_be_told_apart_is_one_mark(self):
        """Thousands of firings make no page of megabytes."""
        firings = tuple(
            Firing("page", 3600, 300, AT - 20 * n, AT - 20 * n + 10, open=False)
            for n in range(4_000, 0, -1)
        )
        found = self.found(firings=firings)["page"]
        assert len(found) < 150
        assert max(title.count("\n") for _, _, title in found) == 4
        assert any("more" in title for _, _, title in found)


class TestBounds:
    @pytest.mark.parametrize("name", ["1h", "6h", "1d", "7d", "period"])
    def test_a_page_stays_small_however_fine_the_slots(self, name):
        """Slots of a second, 90 days of which, with something else in each."""
        web = Web(shot(period=90 * DAY))
        chance = np.random.default_rng(1)
        bounds = np.concatenate(
            [
                np.arange(AT - 90 * DAY, AT - 6 * HOUR, 300),
                np.arange(AT - 6 * HOUR, AT + 1, 1),
            ]
        ).astype(float)
        total = chance.integers(1, 1_000_000, len(bounds) - 1).astype(float)
        bad = total * chance.random(len(total)) ** 9
        web.daemon.history = EventHistory(bounds, bad, total, np.ones(len(total)))
        page = web.page(f"{ONE}?range={name}")
        assert page.count("<figure") == 4
        assert len(page) < 400_000
