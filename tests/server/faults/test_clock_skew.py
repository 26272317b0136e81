"""A real daemon whose machine's clock is set, beside a Prometheus that keeps time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.integration.durable import figures
from tests.helpers.integration.live import Live
from tests.oracle import DAY, HOUR

NAMES = '{service="shop",slo="availability"}'
REMAINING = f"slo_error_budget_remaining_ratio{NAMES}"
LAST = f"slo_last_slot_timestamp_seconds{NAMES}"
STEPS = {
    "in 1970": -time.time() + 12,
    "three years ahead": 3.0 * 365 * DAY,
    "ten days ahead": 10.0 * DAY,
    "an hour back": -1.0 * HOUR,
}


class Clocked(Live):
    """A daemon whose clock is off by what a file says."""

    def __init__(self, prometheus_binary: Path, folder: Path) -> None:
        super().__init__(prometheus_binary, folder)
        self.off = folder / "off"
        self.off.write_text("0")
        program = [sys.executable, "-m", "tests.helpers.faults.shifted", str(self.off)]
        self.daemon.command = [*program, *self.daemon.command[3:]]

    def set(self, seconds: float) -> None:
        """Set its clock."""
        new = self.off.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self.off)

    def own(self, name: str) -> float:
        """A figure of the daemon's own."""
        lines = [line for line in self.scrape().splitlines() if line.startswith(name)]
        return float(lines[0].rpartition(" ")[2]) if lines else 0.0

    def goes_on(self) -> None:
        """Wait until slots are counted that have ended since."""
        since = time.time() + 1
        self.until(lambda: figures(self).get(LAST, 0.0) > since)


@pytest.fixture(scope="module")
def live(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clocked]:
    with Clocked(prometheus_binary, tmp_path_factory.mktemp("clocks")) as one:
        one.prometheus.start()
        one.daemon.start()
        one.daemon.wait_ready()
        one.scraped()
        one.requests(good=900, bad=100)
        one.until(lambda: figures(one).get(REMAINING) == -9)
        yield one


@pytest.mark.parametrize(
    "step",
    [pytest.param(each, marks=() if each == "in 1970" else pytest.mark.slow) for each in STEPS],
)
def test_a_clock_that_is_set_is_not_followed(live, step):
    """Slots go on by Prometheus's time, running and after a restart; the skew is shown."""
    skew = "error_budget_exporter_clock_skew_seconds"
    try:
        live.set(STEPS[step])
        live.goes_on()
        assert live.own(skew) == pytest.approx(STEPS[step], abs=5)
        assert figures(live)[REMAINING] == -9
        live.daemon.stop()
        live.daemon.start()
        live.daemon.wait_ready()
        live.goes_on()
        assert live.own(skew) == pytest.approx(STEPS[step], abs=5)
        assert figures(live)[REMAINING] == -9
        assert "a clock is wrong" in live.daemon.log.read_text()
    finally:
        live.set(0)
    live.goes_on()
    assert abs(live.own(skew)) < 1
    assert figures(live)[REMAINING] == -9
