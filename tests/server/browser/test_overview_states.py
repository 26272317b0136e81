"""The overview in every state that it may have to show, in a real browser.

The server and the pages are real; the snapshots are evaluated from sums, as an hour of outage takes
an hour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from exporter.slo.snapshot import Snapshot
from tests.helpers.browser import scenes
from tests.helpers.web.serving import Serving, ToldDaemon

DESK = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True}
SCENES = (scenes.calm, scenes.burning, scenes.tickets, scenes.without_data, scenes.after)

Shown = Callable[..., Page]


@pytest.fixture
def serving() -> Iterator[Serving]:
    """A server, of which the tests say what it shows."""
    with Serving(daemon=ToldDaemon(history=scenes.history())) as running:
        yield running


@pytest.fixture
def shown(browser: Browser, serving: Serving) -> Iterator[Shown]:
    """Opens the overview of a snapshot in a tab; what the browser complains of fails the test."""
    complaints: list[str] = []
    with ExitStack() as stack:

        def show(
            shot: Snapshot, path: str = "/", *, fails: bool = False, **settings: object
        ) -> Page:
            serving.publisher.publish(shot)
            context = browser.new_context(**(DESK | settings))
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(15_000)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            if not fails:  # of which the browser's console tells, too
                page.on("console", lambda message: complaints.append(message.text))
            page.goto(f"http://127.0.0.1:{serving.port}{path}")
            return page

        yield show
    assert complaints == []


def chips(page: Page) -> str:
    """The chips of what there is to SLOs, as text."""
    found = page.get_by_role("navigation", name="Alerts").get_by_role("link").all_inner_texts()
    return ", ".join(" ".join(text.split()) for text in found)


def names(page: Page) -> list[str]:
    """The SLOs of the table, from top to bottom."""
    return page.locator("tbody th a").all_inner_texts()


class TestStates:
    def test_calm(self, shown: Shown):
        """That nothing fires is said; there is neither banner nor chip."""
        page = shown(scenes.calm())
        expect(page.get_by_text("no alert condition holds")).to_be_visible()
        expect(page.get_by_role("region", name="Paging")).to_have_count(0)
        expect(page.get_by_role("navigation", name="Alerts")).to_have_count(0)
        assert page.title() == "Error budgets"

    def test_burning(self, shown: Shown):
        """What pages is on top, in its sentence, and first in the table; tickets come next."""
        page = shown(scenes.burning())
        banner = page.get_by_role("region", name="Paging")
        expect(banner).to_contain_text("2 SLOs page")
        expect(banner.get_by_role("listitem").first).to_have_text(
            "checkout/latency: 20% of requests are slower than 300ms, 1% allowed; 10% of the "
            "budget is left, 3.17% goes every 10 minutes; since 22:03 UTC"
        )
        assert chips(page) == "paging 2, tickets 1, without data 1"
        assert names(page) == [
            "checkout latency",
            "checkout availability",
            "auth login",
            "search availability",
            "mail delivery",
            "search suggestions",
        ]
        assert page.title() == "2 paging: Error budgets"
        banner.get_by_role("link", name="checkout/availability").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("checkout availability")

    def test_tickets_only(self, shown: Shown):
        """A ticket is no page: no banner, but a chip, and the first row."""
        page = shown(scenes.tickets())
        expect(page.get_by_role("region", name="Paging")).to_have_count(0)
        expect(page.get_by_text("no alert condition holds")).to_have_count(0)
        assert chips(page) == "tickets 1"
        assert names(page)[0] == "auth login"

    def test_without_data(self, shown: Shown):
        """A chip leads to them and back, and nothing that stands on little is green."""
        page = shown(scenes.without_data())
        assert chips(page) == "without data 2"
        chip = page.get_by_role("link", name="without data")
        chip.click()
        assert set(names(page)) == {"mail delivery", "search suggestions"}
        expect(chip).to_have_attribute("aria-current", "true")
        green = page.locator("#list .allow, #live .allow")
        expect(green).to_have_count(0)
        chip.click()
        expect(page.locator("tbody tr")).to_have_count(6)
        login = page.locator("tbody tr").filter(has_text="login")
        expect(login).to_contain_text("4% of the period is known")
        expect(login.locator(".allow")).to_have_count(0)

    def test_after(self, shown: Shown):
        """The budgets that were spent come first, in figures that people read."""
        page = shown(scenes.after())
        assert names(page)[:2] == ["checkout availability", "search availability"]
        expect(page.locator("tbody tr").first).to_contain_text("-58,900%")
        expect(page.locator("tbody tr").nth(1)).to_contain_text("recovers on Thu 16 Nov, 22:15 UTC")


class TestDevices:
    @pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
    def test_a_phone_shows_the_first_slo_on_its_first_screen(self, shown: Shown, scene):
        """With what is left of its budget, and without scrolling sideways."""
        page = shown(scene(), **PHONE)
        for part in (page.locator("tbody th a"), page.locator("tbody .figure")):
            expect(part.first).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth") == 360

    @pytest.mark.parametrize("view", ["/?sort=-budget&owner=payments", "/?view=services"])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
    def test_axe_finds_nothing_wrong_while_it_burns(self, shown: Shown, view, scheme, device):
        """The banner, the chips, the folds and the headings, in the colours of each scheme."""
        page = shown(scenes.burning(), view, color_scheme=scheme, **device)
        if "view" in view:
            page.locator("summary").filter(has_text="checkout").click()
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()


class TestSilence:
    def test_figures_that_are_old_are_called_so(self, shown: Shown, serving: Serving):
        """While the exporter does not answer, and no longer."""
        page = shown(scenes.calm(), fails=True)
        page.clock.install(time=datetime(2023, 11, 14, 22, 15, tzinfo=UTC))
        page.reload()
        page.route("**/*", lambda route: route.fulfill(status=503))
        page.clock.run_for(61_000)
        expect(page.get_by_role("status")).to_have_text("no answer since 22:15 UTC,")
        page.unroute("**/*")
        page.clock.run_for(31_000)
        expect(page.get_by_role("status")).to_have_text("")


class TestSorting:
    def test_the_keyboard_sorts_and_the_heading_says_so(self, shown: Shown):
        """The filter stays, and the URL can be sent to others."""
        page = shown(scenes.burning(), "/?q=checkout")
        page.get_by_role("columnheader", name="Burn rate 1h").get_by_role("link").focus()
        page.keyboard.press("Enter")
        heading = page.get_by_role("columnheader", name="Burn rate 1h")
        expect(heading).to_have_attribute("aria-sort", "descending")
        assert page.url.endswith("/?q=checkout&sort=-burn_1h")
        assert names(page) == ["checkout availability", "checkout latency"]
        heading.get_by_role("link").click()
        expect(heading).to_have_attribute("aria-sort", "ascending")
        assert names(page) == ["checkout latency", "checkout availability"]
        page.get_by_role("link", name="worst first").click()
        expect(page.locator("[aria-sort]")).to_have_count(0)

    def test_a_phone_sorts_by_the_form(self, shown: Shown):
        """As it has no headings."""
        page = shown(scenes.burning(), **PHONE)
        page.get_by_text("Filter and sort").click()
        page.get_by_label("Sort by").select_option("Burn rate 1h, fastest first")
        page.wait_for_url("**sort=-burn_1h*")
        assert names(page)[0] == "checkout availability"


class TestServices:
    def test_services_fold_out(self, shown: Shown):
        """Closed, they say the worst; by the keyboard they open, and lead to the SLOs."""
        page = shown(scenes.burning(), "/?view=services")
        fold = page.locator("summary").filter(has_text="checkout")
        expect(fold).to_contain_text("20% of requests are slower than 300ms")
        expect(page.get_by_role("link", name="checkout availability")).to_be_hidden()
        fold.focus()
        page.keyboard.press("Enter")
        page.get_by_role("link", name="checkout availability").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("checkout availability")

    def test_they_stay_open_when_the_page_refreshes(self, shown: Shown, serving: Serving):
        """And what is focused stays so, with the new figures."""
        page = shown(scenes.burning(), "/?view=services")
        page.clock.install()
        page.reload()
        fold = page.locator("summary").filter(has_text="checkout")
        fold.click()
        expect(fold).to_be_focused()
        serving.publisher.publish(scenes.calm())
        page.clock.run_for(31_000)
        expect(fold).to_contain_text(re.compile("99.[0-9]% left"))
        expect(fold).to_be_focused()
        expect(page.get_by_role("link", name="checkout availability")).to_be_visible()
