"""The page of an SLO in every state that an SLO can be in, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.helpers.web.scenes import SPELLS, PlayedDaemon, played
from tests.helpers.web.serving import Serving

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True}
CHARTS = ["Error budget left", "Error ratio", "Burn rate", "Traffic"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the pages are."""
    with ThreadPoolExecutor(1) as thread:  # Playwright holds the event loop of this one
        _, shot = thread.submit(played).result()
    with Serving(shot=shot, daemon=PlayedDaemon()) as serving:
        yield f"http://127.0.0.1:{serving.port}/slo/shop"


def shown(browser: Browser, url: str, **settings: object) -> Page:
    page = browser.new_context(**settings).new_page()
    page.goto(url)
    return page


def current(page: Page) -> str:
    return page.get_by_role("navigation", name="Time range").locator("[aria-current]").inner_text()


class TestStates:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
    @pytest.mark.parametrize("scene", ["calm", "burning", "after", "holes", "absent", "invalid"])
    def test_axe_finds_nothing_wrong(self, browser, url, scene, device, scheme):
        """And nothing has to be scrolled sideways."""
        page = shown(browser, f"{url}/{scene}", color_scheme=scheme, **device)
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        width = page.evaluate("document.documentElement.scrollWidth")
        page.context.close()
        assert found.violations_count == 0, found.generate_report()
        assert width <= (360 if device else 1280)

    @pytest.mark.parametrize(
        ("scene", "name", "charts"),
        [
            ("calm", "period", CHARTS),
            ("burning", "6h", CHARTS),
            ("after", "7d", CHARTS),
            ("invalid", "period", CHARTS[1:]),
            ("absent", "period", []),
        ],
    )
    def test_it_shows_what_tells_most(self, browser, url, scene, name, charts):
        """The range in which what fires began; the period where nothing does."""
        page = shown(browser, f"{url}/{scene}")
        assert current(page) == name
        assert page.locator(".charts h3").all_inner_texts() == charts
        page.context.close()

    def test_ranges_are_links_that_need_no_script(self, browser, url):
        """In the URL, which can be sent to others."""
        page = shown(browser, f"{url}/after", java_script_enabled=False)
        for name in ("1h", "6h", "1d", "7d", "period"):
            page.get_by_role("link", name=name, exact=True).click()
            assert page.url == f"{url}/after?range={name}#charts"
            assert current(page) == name
            expect(page.get_by_role("img", name="Traffic")).to_be_visible()
        page.context.close()

    def test_what_happened_is_marked_with_titles(self, browser, url):
        """In rows above every plot, and in the tables below."""
        page = shown(browser, f"{url}/after?range=6h")
        for chart in page.locator(".chart svg").all():
            assert chart.locator(".lane text").all_text_contents() == ["page", "ticket", "incident"]
            marks = chart.locator(".lane.page title").all_text_contents()
            assert marks[0].startswith("page 1h/5m fired 15 Nov 05:")
            assert "Incident 15 Nov 05:0" in str(
                chart.locator(".lane.incident title").text_content()
            )
        firings = page.get_by_role("heading", name="Firings").locator("~ table tbody tr")
        assert firings.count() == 4
        page.goto(f"{url}/holes?range=6h")
        mark = page.locator(".lane.maintenance title").first
        assert mark.text_content() == "Maintenance 15 Nov 02:12:30 to 03:12:30: database move"
        assert str(page.locator(".chart .gap title").first.text_content()).startswith(
            "unknown: 15 Nov 04"
        )
        page.context.close()

    def test_a_label_that_is_a_url_is_a_link(self, browser, url):
        """Which tells the other side nothing."""
        page = shown(browser, f"{url}/calm")
        link = page.get_by_role("link", name="https://grafana.example.com/d/shop")
        assert link.get_attribute("rel") == "noopener noreferrer"
        assert page.get_by_role("link", name="team shop").count() == 0
        page.context.close()

    @pytest.mark.parametrize("name", ["1h", "6h", "1d", "7d", "period"])
    def test_a_page_stays_small(self, url, name):
        """However fine the ledger's slots are."""
        for scene in SPELLS:
            answer = httpx.get(
                f"{url}/{scene}", params={"range": name}, trust_env=False, timeout=60
            )
            assert answer.status_code == 200
            assert len(answer.content) < 400_000
