"""The page of an SLO as HTML; how it looks is for tests/browser."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from exporter.slo.findings import fail, ok
from exporter.slo.maintenance import one_off
from exporter.slo.records import Acknowledgement, Firing, Incident, Override, TierChange
from exporter.slo.snapshot import TierStatus
from exporter.slo.types import DAY
from exporter.web.daemon import Source
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.asked import Web
from tests.helpers.web.shown import EVIL, ONE, SPENT, history, shot, with_status


class TestSlo:
    def test_it_shows_the_figures(self):
        """Budget as ratio, events and time; every window; every alert condition."""
        page = Web(shot(labels={"owner": "team"})).page(ONE)
        for text in (
            "Objective 99.9% over 30d; figures from 2023-10-15 22:15 UTC to 2023-11-14 22:15 UTC",
            "owner: team.",
            "400 bad events, or 17m17s of full downtime",
            '<th scope="row">5m</th>',
            '<th scope="row">30d</th>',
            "0.06%",
            "2% of the budget in 1h",
            "14.4x",
            "more than 25% of the budget left",
            "quiet",
        ):
            assert text in page, text

    def test_it_says_what_people_wrote_of_the_slo(self):
        """Its description, how critical it is, and when it was reviewed; or none of it."""
        words = {"description": "People sign in", "criticality": "tier 1"}
        page = Web(shot(**words, reviewed=date(2026, 11, 1))).page(ONE)
        assert '<p class="description">People sign in</p>' in page
        assert "Criticality: tier 1. Reviewed: 2026-11-01." in page
        bare = Web(shot()).page(ONE)
        assert not [word for word in ("description", "Criticality", "Reviewed") if word in bare]

    def test_records_are_listed(self):
        """Incidents with their share, changes with their reason, the override, all newest first."""
        found = with_status(
            shot(),
            tier_status=TierStatus(
                since=AT - 7200,
                changes=(
                    TierChange(AT - 9000, None, "normal", "default", 0.9),
                    TierChange(AT - 7200, "normal", "slow_down", "default", 0.6, 3600, 20.0),
                ),
                recovery=AT + DAY,
            ),
            incidents=(
                Incident(AT - 9000, AT - 8000, 30, 0.3, False, True, None, 0.047, 3600, 300),
                Incident(
                    AT - 8000, AT - 7000, 31, 0.31, False, True, Acknowledgement(AT, "kim", "doc/1")
                ),
                Incident(AT - 60, AT, 5, 0.05, True),
            ),
            firings=(Firing("page", 3600, 300, AT - 7940, AT - 6600, open=False),),
            override=Override("auth", None, "kim", "a hotfix", AT, AT + 3600),
        )
        page = Web(found).page(ONE)
        for text in (
            "since 2023-11-14 20:15 UTC",
            "tier improves on Wed 15 Nov, 22:15 UTC",
            '<td data-label="Postmortem" class="alarm">required<br><code>error-budget-exporter '
            "postmortem ack ",
            "kim: doc/1",
            "ongoing",
            '<th scope="row">about 2023-11-14 19:45 UTC</th>'
            '<td data-label="Until">about 2023-11-14 20:01 UTC</td>'
            '<td class="number" data-label="Lasted">about 16m40s</td>'
            '<td class="number" data-label="Peak">at least 4.7%</td>',
            '<td data-label="First page after">not known</td>',
            '<td data-label="First page after">1m<br><small>page 1h/5m from '
            "2023-11-14 20:02:40 UTC to 2023-11-14 20:25:00 UTC</small></td>",
            "60% of the budget left, burning at 20x over 1h",
            "by kim from 2023-11-14 22:15 UTC until 2023-11-14 23:15 UTC: a hotfix",
        ):
            assert text in page, text
        assert page.index("ongoing") < page.index("kim: doc/1") < page.index(">required<")

    def test_without_records_it_says_so(self):
        """Rather than showing empty tables."""
        page = Web(shot()).page(ONE)
        assert "None in the period." in page
        assert "None is known." in page
        assert "None in the period or in the next 30 days." in page
        assert "The SLO is no longer in the configuration." in page
        assert "Nothing of the period is known yet." in page

    def test_maintenance_windows_are_listed(self):
        """Those of the period and those ahead; and what they make of the budget."""
        windows = tuple(
            one_off(reason, AT + begin, AT + end)
            for reason, begin, end in (
                ("long ago", -40 * DAY, -39 * DAY),
                ("upgrade", -60, 60),
                ("move", DAY, 2 * DAY),
            )
        )
        found = snapshot((subject(slo(maintenance=windows)), SPENT), raw=(800.0, 1e6, 1.0))
        page = Web(found).page(ONE)
        rows = re.findall(r'data-label="Reason">(\w+)</td><td data-label="State">(\w+)', page)
        assert rows == [("move", "upcoming"), ("upgrade", "active")]
        assert "20% including maintenance" in page

    def test_its_charts_have_axes_units_and_titles(self):
        """The budget before the bands of the tiers, the error ratio beside the objective."""
        web = Web(shot())
        web.daemon.history = history(*[1.0] * 30, known=1.0)
        page = web.page(ONE)
        budget, errors, burn, traffic = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
        assert re.findall(r'class="level"[^>]*>([^<]*)', budget) == [
            "0%",
            "25%",
            "50%",
            "75%",
            "100%",
        ]
        assert re.findall(r'class="level"[^>]*>([^<]*)', errors) == ["0.01%", "0.1%", "1%"]
        assert re.findall(r'class="level"[^>]*>([^<]*)', burn) == ["0.1x", "1x", "10x", "100x"]
        assert "page 1h/5m fires above 14.4x" in burn
        assert "events per hour, the bad ones at the bottom" in traffic
        times = ["20 Oct", "25 Oct", "30 Oct", "04 Nov", "09 Nov", "14 Nov"]
        assert re.findall(r'class="time[^>]*>([^<]*)', budget) == times
        bands = re.findall(r'<rect class="band (\w+)".*?<title>([\w ]+)', budget)
        assert bands == [
            ("allow", "normal"),
            ("caution", "slow down"),
            ("block", "freeze"),
            ("block", "incident"),
        ]
        assert "14 Nov 22:15: 0% left" in budget
        assert "objective allows 0.1%" in errors
        assert "13 Nov 22:15 to 14 Nov 22:15: 0.1% (1 of 1,000)" in errors

    def test_what_is_unknown_is_grey(self):
        """And named with its times."""
        web = Web(shot())
        web.daemon.history = replace(history(0.0, 0.0, 0.0), known=np.array([0.0, 1.0, 1.0]))
        page = web.page(ONE)
        assert "unknown: 15 Oct 22:15 to 25 Oct 22:15" in page
        assert page.count('<rect class="gap"') == 4

    def test_an_overspent_budget_has_room_below_zero(self):
        """And the tier that it is in has its band there."""
        web = Web(snapshot((subject(slo()), (3000.0, 1e6, 1.0))))
        web.daemon.history = history(1500.0, 1500.0, total=5e5)
        budget = web.page(ONE).partition("<figure")[2].partition("</figure>")[0]
        levels = [float(each[:-1]) for each in re.findall(r'class="level"[^>]*>([^<]*)', budget)]
        assert min(levels) <= -200
        assert "<title>exhausted</title>" in budget

    def test_queries_are_shown_with_links(self):
        """Escaped in the text, encoded in the link."""
        web = Web(shot())
        web.daemon.origin = Source("http://prom.example.com/x", ('sum(a{b="<c>"})',))
        page = web.page(ONE)
        assert "<code>sum(a{b=&#34;&lt;c&gt;&#34;})</code>" in page
        link = (
            "http://prom.example.com/x/graph?g0.expr=sum%28a%7Bb%3D%22%3Cc%3E%22%7D%29&amp;g0.tab=0"
        )
        assert f'href="{link}"' in page
        assert "Grafana" not in page

    def test_the_review_is_shown_with_levels_and_advice(self):
        """As check --live has it, escaped; without an answer in time that is said."""
        web = Web(shot())
        web.daemon.review = (
            ok("total", "2 series"),
            fail("bad", "no label <status>", "it has code"),
        )
        page = web.page(ONE)
        assert '<li class="allow"><b>ok</b> total: 2 series</li>' in page
        assert (
            '<li class="block"><b>FAIL</b> bad: no label &lt;status&gt;: it has code</li>' in page
        )
        web.daemon.review = None
        assert "Prometheus does not answer in time for a review." in web.page(ONE)

    def test_it_leads_to_its_dashboard(self):
        """Where the configuration says that there is a Grafana."""
        web = Web(shot(name="a b"))
        web.daemon.origin = Source("http://prom.example.com", (), "https://grafana.example.com")
        link = "https://grafana.example.com/d/error-budget-slo?var-service=auth&amp;var-slo=a+b"
        assert f'<a href="{link}" rel="noreferrer">' in web.page("/slo/auth/a%20b")

    @pytest.mark.parametrize("name", ["a/b", EVIL, "ü ?#%2F", "..."])
    def test_every_name_has_a_page(self, name):
        """Whatever is in it, and in its groups."""
        one = subject(slo(service=name, name=name, group_by=("g",)), groups={"g": name})
        web = Web(snapshot((one, SPENT)))
        [link] = re.findall(r'<th scope="row"><a href="([^"]*)"', web.page())
        found = web.ask(link.replace("&amp;", "&"))
        assert found.status_code == 200
        assert "40%" in found.text

    @pytest.mark.parametrize(
        "path", ["/slo/auth", f"{ONE}?g=x", f"{ONE}/more", "/slo/", "/slo/a/b"]
    )
    def test_others_are_not_found(self, path):
        """404, with the way back."""
        found = Web(shot()).ask(path)
        assert found.status_code == 404
        assert '<a href="/">All SLOs</a>' in found.text
