"""The status page of a running exporter, in a real browser."""

from __future__ import annotations

import json
import re
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browser.stage import EVIL, Opened, Stage

DETAIL = "/slo/shop/availability"
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True}


def row(page: Page, name: str):
    """The line of an SLO."""
    return page.locator("tbody tr").filter(has_text=name)


class TestOverview:
    def test_it_shows_every_slo_worst_first(self, opened: Opened):
        """With the tier as a word, the budget as a number, and the state of the data."""
        page = opened()
        expect(page.locator("tbody tr")).to_have_count(4)
        expect(row(page, "availability")).to_contain_text("normal")
        expect(row(page, "availability")).to_contain_text("90%")
        expect(row(page, "availability").get_by_role("img").first).to_have_accessible_name(
            "90% of the budget left"
        )
        expect(row(page, "never there")).to_contain_text("no data")
        assert "never there" in page.locator("tbody tr").last.inner_text()

    def test_filters_are_in_the_url(self, opened: Opened):
        """Chosen ones take effect at once, and the page can be sent to others as it is."""
        page = opened()
        page.get_by_text("Filter and sort").click()
        page.get_by_label("Owner").select_option("operations")
        expect(page.locator("tbody tr")).to_have_count(1)
        assert "owner=operations" in page.url
        expect(page.get_by_text("1 of 4 SLOs")).to_be_visible()
        again = opened(page.url.removeprefix(page.url.partition("/?")[0]))
        expect(again.get_by_label("Owner")).to_have_value("operations")
        again.get_by_role("link", name="Clear").click()
        expect(again.locator("tbody tr")).to_have_count(4)

    def test_text_is_looked_for_in_names_and_labels(self, opened: Opened):
        """Whatever its case; and it says so where nothing is found."""
        page = opened()
        page.get_by_role("searchbox").fill('TEAM "shop"')
        page.get_by_role("searchbox").press("Enter")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("searchbox").fill("nobody")
        page.get_by_role("searchbox").press("Enter")
        expect(page.get_by_text("No SLO matches.")).to_be_visible()

    def test_a_tier_and_a_service_lead_to_their_slos(self, opened: Opened):
        """The chips above the table are links, and so are the services' pages."""
        page = opened()
        page.get_by_role("navigation", name="Tiers").get_by_role("link", name="unknown").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("navigation", name="Tiers").get_by_role("link", name="unknown").click()
        expect(page.locator("tbody tr")).to_have_count(4)
        page.get_by_role("link", name="shop tolerant").click()
        page.get_by_role("link", name="shop", exact=True).click()
        expect(page.locator("tbody tr")).to_have_count(2)

    def test_it_works_without_javascript(self, opened: Opened):
        """A form, and links."""
        page = opened(java_script_enabled=False)
        page.get_by_text("Filter and sort").click()
        page.get_by_role("combobox", name="Service").fill("shop")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("tbody tr")).to_have_count(2)
        page.get_by_role("link", name="shop tolerant").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("shop tolerant")
        page.go_back()
        page.get_by_role("link", name="By service").click()
        expect(page.get_by_role("link", name="shop tolerant")).to_be_hidden()
        page.locator("summary").filter(has_text="shop").click()
        expect(page.get_by_role("link", name="shop tolerant")).to_be_visible()


class TestDetail:
    def test_its_charts_say_what_they_show(self, opened: Opened):
        """By name and description, with what lies under the pointer."""
        page = opened()
        page.get_by_role("link", name="shop availability").click()
        for name in ("Error budget left", "Error ratio", "Burn rate", "Traffic"):
            chart = page.get_by_role("img", name=name, exact=True)
            expect(chart).to_be_visible()
            expect(chart).to_have_accessible_description(re.compile("UTC"))
            assert chart.locator(".hovers title").count() >= 240
        levels = page.get_by_role("img", name="Error budget").locator("text.level")
        assert levels.all_text_contents() == ["0%", "25%", "50%", "75%", "100%"]

    def test_prometheus_understands_what_it_shows(self, opened: Opened, stage: Stage):
        """The queries can be pasted, and the links lead to Prometheus."""
        page = opened(DETAIL)
        counting = page.locator("#queries ~ pre").all_inner_texts()
        asked = page.locator(".questions pre").all_inner_texts()
        assert (len(counting), len(asked)) == (2, 3)
        for query in [*counting, *asked]:
            with urlopen(f"{stage.prometheus.url}/api/v1/query?query={quote(query)}") as answer:
                assert json.load(answer)["data"]["result"]
        for name in ("Counting query 1 as a graph in Prometheus", "The same in Prometheus"):
            link = str(page.get_by_role("link", name=name).get_attribute("href"))
            assert link.startswith(f"{stage.prometheus.url}/graph?g0.expr=")

    def test_hostile_names_are_text(self, opened: Opened):
        """And their pages can be reached."""
        page = opened()
        page.get_by_role("link", name=f"search {EVIL} (job=shop)").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"search {EVIL} job=shop")
        assert page.title().startswith(f"search {EVIL}: ")
        page = opened("/slo/billing%2Feu/never%20there")
        expect(page.get_by_role("heading", level=1)).to_have_text("billing/eu never there")
        expect(page.get_by_text("Nothing of the period is known yet.")).to_be_visible()


class TestForEverybody:
    @pytest.mark.parametrize("path", ["/", DETAIL, "/?q=nobody", "/slo/no/such"])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
    def test_axe_finds_nothing_wrong(self, browser: Browser, stage: Stage, path, scheme, device):
        """Contrast, names, landmarks, structure: what can be judged by a program."""
        context = browser.new_context(color_scheme=scheme, **device)
        page = context.new_page()
        page.goto(f"{stage.daemon.url}{path}")
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        context.close()
        assert found.violations_count == 0, found.generate_report()

    def test_dark_is_dark(self, opened: Opened):
        """As the system has it."""
        paper = "getComputedStyle(document.body).backgroundColor"
        assert opened().evaluate(paper) == "rgb(255, 255, 255)"
        assert opened(color_scheme="dark").evaluate(paper) == "rgb(20, 23, 27)"

    @pytest.mark.parametrize("path", ["/", DETAIL])
    def test_a_phone_need_not_scroll_sideways(self, opened: Opened, path):
        """Lines become cards, and every figure has its label."""
        page = opened(path, **PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        label = page.locator("tbody td").first.evaluate(
            "e => getComputedStyle(e, ':before').content"
        )
        assert label.strip('"') in ("Tier", "Burn rate")

    def test_the_keyboard_is_enough(self, opened: Opened):
        """The first stop leads past the head; the next ones are in the order of the page."""
        page = opened()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("main")).to_be_focused()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('nav').ariaLabel") == "Alerts"

    def test_landmarks_tell_the_parts(self, opened: Opened):
        """One of each kind, and those of one kind are named."""
        page = opened()
        for role in ("banner", "main", "contentinfo", "search"):
            expect(page.get_by_role(role)).to_have_count(1)
        names = page.get_by_role("navigation").evaluate_all("all => all.map(e => e.ariaLabel)")
        assert len(set(names)) == len(names) == 4

    def test_paper_has_no_form(self, opened: Opened):
        """What cannot be used in print is left out of it."""
        page = opened()
        page.emulate_media(media="print")
        expect(page.get_by_role("search")).to_be_hidden()
        expect(page.locator("table")).to_be_visible()


class TestSafety:
    def test_scripts_from_elsewhere_do_not_run(self, browser: Browser, stage: Stage):
        """The policy of the page forbids them, should one ever get in."""
        page = browser.new_page()
        page.goto(stage.daemon.url)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "document.title = 'mine'";
                document.body.append(script);
                document.body.setAttribute("style", "color: red");
            }"""
        )
        page.wait_for_timeout(50)
        assert page.title() == "Error budgets"
        page.close()
        assert any("Content Security Policy" in text for text in complaints)


class TestIncident:
    """The last, as nothing is as before afterwards."""

    def test_the_page_follows_an_incident(self, opened: Opened, stage: Stage):
        """It brings itself up to date, where one lets it, and the SLO's page tells the same."""
        page = opened(wait=False)
        page.clock.install()
        page.goto(stage.daemon.url)
        expect(row(page, "availability")).to_contain_text("normal")
        stage.requests(good=0, bad=500)
        tier = 'slo_policy_tier{service="shop",slo="availability",tier="exhausted"} 1'
        stage.until(lambda: tier in stage.scrape())
        expect(row(page, "availability")).to_contain_text("normal")
        page.clock.run_for(31_000)
        expect(row(page, "availability")).to_contain_text("exhausted")
        expect(row(page, "availability")).to_contain_text("page 1h/5m")
        expect(page.locator("tbody tr").first).to_contain_text("availability")
        page.get_by_role("link", name="shop availability").click()
        expect(page.locator("dl.tiles")).to_contain_text("exhausted")
        expect(page.get_by_text("Alert condition holds: page 1h/5m")).to_be_visible()
        expect(page.locator("path.area.above")).to_have_count(1)

    def test_it_stays_as_it_is_where_one_says_so(self, opened: Opened, stage: Stage):
        """The choice is kept for the next page."""
        page = opened(wait=False)
        page.clock.install()
        page.goto(stage.daemon.url)
        page.get_by_label("refresh every 30 s").uncheck()
        page.reload()
        expect(page.get_by_label("refresh every 30 s")).not_to_be_checked()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.clock.run_for(61_000)
        assert asked == []
        with page.expect_request(f"{stage.daemon.url}/"):
            page.get_by_label("refresh every 30 s").check()
