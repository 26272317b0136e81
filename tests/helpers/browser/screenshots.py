"""Makes the pictures of README.md and docs/: the demo, a minute into its incident.

`make screenshots` runs this: python -m tests.helpers.browser.screenshots FOLDER
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser

from exporter.demo.scene import Scene, set_up
from exporter.demo.servers import http_get
from exporter.demo.traffic import incident
from tests.helpers.browser.browsers import chromium

WIDTH = 1200
PATIENCE = 300.0
PAGES = {
    "overview": ("/", {"viewport": {"width": WIDTH, "height": 640}}),
    "slo": (
        "/slo/checkout/availability?range=period",
        {"viewport": {"width": WIDTH, "height": 1080}},
    ),
    "dark": (
        "/slo/checkout/availability",
        {"viewport": {"width": WIDTH, "height": 640}, "color_scheme": "dark"},
    ),
    "phone": ("/", {"viewport": {"width": 360, "height": 740}, "is_mobile": True}),
}


def until(scene: Scene, text: str) -> None:
    """Wait until the metrics say something."""
    deadline = time.monotonic() + PATIENCE
    while text not in http_get(scene.exporter.port, "/metrics")[1].decode():
        scene.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"the demo never came to {text}")
        time.sleep(1)


def shoot(browser: Browser, url: str, folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (path, settings) in PAGES.items():
        context = browser.new_context(**settings)
        page = context.new_page()
        page.goto(f"{url}{path}")
        file = folder / f"{name}.png"
        page.screenshot(path=file)
        context.close()
        print(f"{file}: {file.stat().st_size // 1024} kB")  # noqa: T201 - for make


def main() -> None:
    """Play the demo up to the moment that is worth a picture."""
    folder = Path(sys.argv[1])
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())
        scene = set_up(stack, print)
        until(scene, "error_budget_exporter_backfill_progress_ratio 1.0")
        scene.shop.outages.append(incident(time.time()))
        until(scene, 'slo_policy_tier{service="checkout",slo="availability",tier="freeze"} 1')
        shoot(browser, scene.exporter.url, folder)


if __name__ == "__main__":
    main()
