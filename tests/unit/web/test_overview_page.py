"""The overview as HTML; how it looks is for tests/server/browser."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar

import pytest

from exporter.slo.model import LowTraffic
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy import BurnRate, Gate, Policy, Tier
from exporter.slo.records import Override
from exporter.slo.snapshot import TierStatus
from exporter.slo.types import DAY
from exporter.web.daemon import EvaluationStatus
from exporter.web.pages.overview import PAGE
from tests.helpers.samples import AT, every_window, slo, snapshot, subject
from tests.helpers.web.asked import Web
from tests.helpers.web.shown import ONE, SPENT, history, shot, with_status


class TestOverview:
    def test_it_shows_every_slo(self):
        """With its objective, owner, tier, budget, burn rate and outlook."""
        page = Web(shot(labels={"owner": "team"})).page()
        for text in (
            '<span class="service">auth</span> availability</a>',
            "99.9% over 30d, team",
            '<span class="tier caution">slow down</span>',
            "slow feature releases down, prioritise reliability",
            "40%",
            "0.6x",
            "lasts at this rate",
            "error-budget-exporter 1.2.3",
            "1 SLO, evaluated 2023-11-14 22:15:00 UTC; no alert condition holds.",
        ):
            assert text in page, text

    def test_a_tier_leads_to_what_is_written_about_it(self):
        """The link of the policy stands beside the guidance, and nothing where there is none."""
        frozen = Tier("frozen", 0.0, Gate.BLOCK, "", "https://wiki.example.com/?a=1&b=2")
        page = Web(shot(policy=Policy("own", (frozen,)))).page()
        assert ' <a href="https://wiki.example.com/?a=1&amp;b=2" rel="noreferrer">more</a>' in page
        assert ">more</a>" not in Web(shot()).page()

    @pytest.mark.parametrize(
        ("sums", "answered", "texts"),
        [
            ((0.0, 100.0, 1.0), True, ["100%", ">0<", "not burning", "data ok"]),
            ((1.0, 100.0, 1.0), True, ["-900%", "10x", ">spent<", "exhausted"]),
            ((0.0, 0.0, 1.0), True, ["no traffic", "not burning"]),
            ((0.0, 0.0, 0.0), True, ["no data", "unknown"]),
            ((0.0, 100.0, 0.5), True, ["50% of the period is known"]),
            ((0.0, 100.0, 1.0), False, ["stale", "100%", "unknown"]),
        ],
    )
    def test_it_says_what_is_known(self, sums, answered, texts):
        """What is unknown is called so, and budgets below 0 are shown as such."""
        page = Web(snapshot((subject(slo(), answered=answered), sums))).page()
        for text in texts:
            assert text in page, text
        assert not re.search(r"\b(None|nan|inf)\b", page.partition("<tbody>")[2])

    def test_it_tells_when_a_tier_gets_better(self):
        """Where nothing burns: the moment is what one waits for."""
        calm = snapshot((subject(slo()), every_window(slo(), (0.0, 1e5, 1.0), period=SPENT)))
        found = with_status(calm, tier_status=TierStatus(recovery=AT + 2 * DAY))
        assert "recovers on Thu 16 Nov, 22:15 UTC" in Web(found).page()

    def test_what_holds_a_tier_is_told(self):
        """And who has overridden its gate, until when."""
        found = with_status(
            shot(),
            tier_status=TierStatus(held="held: data are stale"),
            override=Override("auth", None, "kim", "a hotfix", AT, AT + 3600),
        )
        page = Web(found).page()
        assert "held: data are stale" in page
        assert "overridden until 2023-11-14 23:15 UTC" in page

    def test_alert_conditions_are_named(self):
        """Those that hold, by severity, and those that too few events hold back."""
        page = Web(snapshot((subject(slo()), (20.0, 1000.0, 1.0)))).page()
        assert '<span class="alarm">page 1h/5m, 6h/30m</span>' in page
        assert '<span class="warn">ticket 1d/2h, 3d/6h</span>' in page
        of = slo(low_traffic=LowTraffic(min_events=5000))
        page = Web(snapshot((subject(of), (20.0, 1000.0, 1.0)))).page()
        assert "page 1h/5m held back: too few events" in page
        assert 'class="alarm"' not in page

    PAGING: ClassVar = snapshot(
        (subject(slo(name="burning")), (20.0, 1000.0, 1.0)),
        (subject(slo(name="calm")), (0.0, 1000.0, 1.0)),
        (subject(slo(name="gone")), (0.0, 0.0, 0.0)),
        (subject(slo(name="wrong")), (30.0, 10.0, 1.0)),
    )

    def test_what_pages_stands_on_top_in_one_sentence(self):
        """Whatever the filters and the order; while nothing pages there is nothing."""
        for path in ("/", "/?q=calm", "/?sort=name"):
            page = Web(self.PAGING).page(path)
            banner = page.partition('aria-label="Paging"')[2].partition("</section>")[0]
            assert "<b>1 SLO pages</b>" in banner
            assert (
                '<a href="/slo/auth/burning">auth/burning</a>: 2% of events fail, 0.1% allowed'
                in banner
            )
            assert "<title>1 paging: Error budgets</title>" in page
        calm = Web(shot()).page()
        assert 'aria-label="Paging"' not in calm
        assert "<title>Error budgets</title>" in calm

    def test_of_many_that_page_the_worst_are_named(self):
        """And a link leads to all of them."""
        many = [(subject(slo(name=f"slo-{i}")), (20.0 + i, 1000.0, 1.0)) for i in range(5)]
        page = Web(snapshot(*many)).page()
        banner = page.partition('aria-label="Paging"')[2].partition("</section>")[0]
        assert "<b>5 SLOs page</b>" in banner
        assert re.findall(r">auth/(slo-\d)</a>: ", banner) == ["slo-4", "slo-3", "slo-2"]
        assert '<a href="/?alert=page">show all</a>' in banner

    def test_chips_count_what_there_is_and_lead_to_it(self):
        """SLOs that page, have tickets, or are not measured; none is shown for none."""
        page = Web(self.PAGING).page()
        chips = re.findall(r'<a href="(/\?alert=\w+)">.*?<b>(\d+)</b>', page, re.DOTALL)
        assert chips == [("/?alert=page", "1"), ("/?alert=unmeasured", "2")]
        navigation = page.partition('aria-label="Alerts"')[2].partition("</nav>")[0]
        words = " ".join(re.sub("<[^>]*>", " ", navigation.partition(">")[2]).split())
        assert words == "paging 1 without data 2"
        shown = Web(self.PAGING).page("/?alert=unmeasured")
        assert re.findall(r'class="service">auth</span> (\w+)</a>', shown) == ["gone", "wrong"]
        assert '<a href="/" aria-current="true"' in shown, "a second click shows all again"
        assert 'aria-label="Alerts"' not in Web(shot()).page()

    def test_a_calendar_period_is_named_with_its_zone(self):
        """As users speak of it."""
        page = Web(shot(period=CalendarPeriod("month", "Europe/Berlin"))).page()
        assert "99.9% over the calendar month (Europe/Berlin)" in page

    def test_the_worst_come_first(self):
        """A worse gate, then less budget, stand higher; what is unknown comes last."""
        burning = Policy("fast", (Tier("halt", 0.0, Gate.BLOCK, "", None, BurnRate(3600, 0.1)),))
        cases = {
            "d-fine": (slo(name="d-fine"), (100.0, 1e6, 1.0)),
            "a-slow": (slo(name="a-slow"), SPENT),
            "e-halted": (slo(name="e-halted", policy=burning), SPENT),
            "b-unknown": (slo(name="b-unknown"), (0.0, 0.0, 0.0)),
            "c-spent": (slo(name="c-spent"), (9e3, 1e6, 1.0)),
        }
        page = Web(snapshot(*((subject(each), sums) for each, sums in cases.values()))).page()
        order = ("c-spent", "e-halted", "a-slow", "d-fine", "b-unknown")
        places = [page.index(f"</span> {name}</a>") for name in order]
        assert places == sorted(places)

    def test_thousands_of_slos_are_paged(self):
        """With links to the pages beside, and the last one for numbers beyond it."""
        many = [(subject(slo(name=f"slo-{i}-")), (float(i), 1e6, 1.0)) for i in range(2 * PAGE + 7)]
        web = Web(snapshot(*many))
        first, last = web.page(), web.page("/?page=99")
        assert first.count('<th scope="row">') == PAGE
        assert "Page 1 of 3" in first
        assert '<a href="/?page=2" rel="next">' in first
        assert 'rel="prev"' not in first
        assert f"slo-{2 * PAGE + 6}-" in first
        assert last.count('<th scope="row">') == 7
        assert '<a href="/?page=2" rel="prev">' in last
        assert web.page("/?page=x") == web.page("/?page=0") == first

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("service=auth", {"a", "b"}),
            ("tier=exhausted", {"b"}),
            ("tier=unknown", {"c"}),
            ("state=no_data", {"c"}),
            ("owner=ops", {"a"}),
            ("q=EU", {"b"}),
            ("q=ops", {"a"}),
            ("service=auth&q=team+x", {"b"}),
            ("service=other", set()),
        ],
    )
    def test_one_looks_for_some(self, query, found):
        """All that is given must be right; text is found in every name, group and label."""
        grouped = slo(name="b", group_by=("region",), labels={"team": "Team X"})
        web = Web(
            snapshot(
                (subject(slo(name="a", labels={"owner": "ops"})), SPENT),
                (subject(grouped, groups={"region": "eu"}), (9e3, 1e6, 1.0)),
                (subject(slo(service="web", name="c")), (0.0, 0.0, 0.0)),
            )
        )
        page = web.page(f"/?{query}")
        assert set(re.findall(r"</span> (\w)(?: \(region=eu\))?</a>", page)) == found
        assert ("No SLO matches." in page) == (not found)

    def test_filters_stay_from_page_to_page(self):
        """And are escaped on their way."""
        many = [(subject(slo(service="a&b", name=f"slo-{i}")), SPENT) for i in range(PAGE + 1)]
        page = Web(snapshot(*many)).page("/?service=a%26b&q=slo")
        assert '<a href="/?q=slo&amp;service=a%26b&amp;page=2" rel="next">' in page

    def test_the_course_of_the_budget_is_a_line(self):
        """With words for those who do not see it."""
        web = Web(shot())
        assert "<title>Budget over" not in web.page()
        web.daemon.history = history(0.0, 0.0, 1.5, 0.0)
        page = web.page()
        assert "<title>Budget over the period: 100% at its start, 62.5% now</title>" in page
        assert re.search(r'<path class="caution" d="M2 2L[\d. L]+"/>', page)

    def test_history_that_is_being_read_shows_how_far_it_is(self):
        """Until all of it is there."""
        web = Web(shot())
        assert "History is being read" not in web.page()
        web.daemon.shown = replace(web.daemon.shown, evaluation=EvaluationStatus(None, None, 0.42))
        for path in ("/", ONE):
            assert "History is being read: 42%" in web.page(path)

    def test_before_the_first_evaluation_it_says_so(self):
        """Rather than showing an empty table."""
        page = Web(ready=False).page()
        assert "Waiting for the first evaluation." in page
        assert "<table>" not in page

    def test_an_evaluation_without_slos_says_so(self):
        """With group_by there may be none yet."""
        assert "No SLO has data yet." in Web(snapshot()).page()

    def test_a_new_evaluation_is_shown_at_once(self):
        """The order of the SLOs is remembered for one snapshot only."""
        web = Web(shot())
        assert "40%" in web.page()
        web.publisher.publish(snapshot((subject(slo()), (0.0, 100.0, 1.0))))
        assert "100%" in web.page()
