"""A mistake in the configuration of a real daemon, corrected some seconds later.

Its store knows of a month that Prometheus has nothing of.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from exporter.config.reading.loading import load_file
from exporter.daemon.engine import Engine
from exporter.daemon.persister import Persister
from exporter.store.store import Store
from tests.helpers.evaluation.fake_prometheus import FakePrometheus
from tests.helpers.integration.durable import figures
from tests.helpers.integration.live import Live
from tests.oracle import DAY, HOUR

NAMES = '{service="shop",slo="availability"}'
REMAINING = f"slo_error_budget_remaining_ratio{NAMES}"
COVERAGE = f"slo_data_coverage_ratio{NAMES}"


def remember_a_month(folder: Path, now: float) -> None:
    """Fill the store with a month whose budget went twenty days ago."""
    settings = load_file(folder / "config.yaml")

    def bad(start: int, end: int) -> float:
        low, high = now - 20 * DAY, now - 20 * DAY + 12 * HOUR
        return 0.55 * max(0.0, min(end, high) - max(start, low))

    events = {"500": bad, "": lambda start, end: float(end - start)}
    selectors = {
        code: 'requests_total{job="shop"' + (f',code="{code}"}}' if code else "}")
        for code in events
    }
    fake = FakePrometheus({selectors[code]: each for code, each in events.items()})

    async def run() -> None:
        engine = Engine(settings.slos, settings.evaluation, {"prometheus": fake})
        persister = Persister(Store(folder / "ledger"))
        await persister.begin(engine, now)
        await engine.poll(now)
        while await engine.fill_history():
            pass
        engine.evaluate(now)
        assert await persister.save(engine)
        persister.close()

    asyncio.run(run())


@pytest.fixture(scope="module")
def live(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("mistakes")
    with Live(prometheus_binary, folder) as one:
        one.prometheus.start()
        remember_a_month(folder, time.time())
        one.daemon.start()
        one.daemon.wait_ready()
        one.scraped()
        one.until(lambda: figures(one).get(REMAINING, 1.0) < 0.5)
        yield one


def configure(live: Live, before: str, after: str) -> None:
    """Put one text for another in its file, and have it read."""
    [file] = [Path(part.partition("=")[2]) for part in live.daemon.command if "config.file" in part]
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    urlopen(Request(f"{live.daemon.url}/-/reload", method="POST")).close()


def decided(live: Live) -> dict[str, float]:
    """The tier, since when it is, and the incidents; but not when it recovers: that moves on."""
    kinds = ("slo_policy_tier", "slo_incident", "slo_postmortem")
    found = {name: value for name, value in figures(live).items() if name.startswith(kinds)}
    return {name: value for name, value in found.items() if "recovery" not in name}


def same(live: Live, before: dict[str, float]) -> None:
    """Wait until what is known and decided is what it was."""
    remaining = before[REMAINING]
    live.until(lambda: figures(live).get(REMAINING) == pytest.approx(remaining, abs=0.01))
    assert figures(live)[COVERAGE] == pytest.approx(before[COVERAGE], abs=0.001)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("    sli:", "    period: 3d\n    sli:"),
        ("    sli:", "    period: {calendar: week, time_zone: Asia/Kathmandu}\n    sli:"),
        pytest.param("name: availability", "name: oops", marks=pytest.mark.slow),
        pytest.param('job="shop"', 'job="oops"', marks=pytest.mark.slow),
    ],
    ids=["a shorter period", "a calendar week", "another name", "another query"],
)
def test_a_mistake_that_is_corrected_leaves_no_trace(live, right, wrong):
    """The budget, the tier and since when it is, and the incidents are as before."""
    before, tiers = figures(live), decided(live)
    configure(live, right, wrong)
    # Longer than slots take to settle: what follows from the mistake is stored.
    written = "error_budget_exporter_store_writes_total"
    began = figures_of(live, written)
    live.until(lambda: figures_of(live, written) > began + 4)
    assert figures(live).get(REMAINING) != pytest.approx(before[REMAINING], abs=0.01)
    configure(live, wrong, right)
    same(live, before)
    assert decided(live) == tiers


def figures_of(live: Live, name: str) -> float:
    """A figure of the daemon's own."""
    lines = [line for line in live.scrape().splitlines() if line.startswith(name)]
    return float(lines[0].rpartition(" ")[2])
