"""One exporter and one browser for all of these tests; each has a tab of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.helpers.browser.browsers import chromium
from tests.helpers.browser.stage import Opened, Stage


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium.

    Gone with the module: while it is there, Playwright holds this thread's event loop, and other
    tests run loops of their own.
    """
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def stage(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A running exporter."""
    with Stage(prometheus_binary, tmp_path_factory.mktemp("stage")) as running:
        running.begin()
        yield running


@pytest.fixture
def opened(browser: Browser, stage: Stage) -> Iterator[Opened]:
    """Opens a path of the exporter in a tab; what the browser complains of fails the test."""
    contexts, complaints = [], []

    def open_(path: str = "/", *, wait: bool = True, **settings: object) -> Page:
        settings.setdefault("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        if wait:
            page.goto(f"{stage.daemon.url}{path}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
