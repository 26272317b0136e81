"""The browser to test with. Run as a program it tells where that is, and fails without one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from exporter.demo.servers import BinaryNotFoundError, find_binary
from tests.helpers.paths import ROOT

UNPACKED = ROOT / ".tools/browser/usr/bin/chromium-headless"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def find_browser() -> Path:
    """A Chromium: `CHROMIUM`, the one that `make browser` unpacks, or one on the PATH.

    Without one the tests that need it fail, never skip.

    Raises:
        BinaryNotFoundError: there is none.
    """
    if not os.environ.get("CHROMIUM"):
        if os.access(UNPACKED, os.X_OK):
            return UNPACKED
        for name in NAMES:
            try:
                return find_binary(name, "CHROMIUM")
            except BinaryNotFoundError:
                continue
    try:
        return find_binary("chromium", "CHROMIUM")
    except BinaryNotFoundError as error:
        raise BinaryNotFoundError(f"{error} `make browser` unpacks one.") from None


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium, gone on exit."""
    # Chromium's sandbox refuses to run as root, as whom containers do.
    sandbox = () if os.geteuid() else ("--no-sandbox",)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=[*FLAGS, *sandbox]
        )
        try:
            yield browser
        finally:
            browser.close()


if __name__ == "__main__":
    print("Found:", find_browser())  # noqa: T201 - for make
