"""A daemon that restarts, and the commands that look into its store."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.integration.durable import command, overspent
from tests.helpers.integration.live import Live

pytestmark = pytest.mark.slow


@pytest.fixture
def live(prometheus_binary: Path, tmp_path: Path) -> Iterator[Live]:
    """A daemon that has stored an overspent budget, and that the test may stop."""
    with overspent(prometheus_binary, tmp_path) as live:
        yield live


class TestRestart:
    def test_after_prometheus_has_lost_everything_shows_the_budget(self, live: Live):
        """A new Prometheus on an empty disk: the ledger outlives it."""
        live.daemon.stop()
        live.prometheus.stop()
        subprocess.run(["rm", "-rf", live.prometheus.data_dir], check=True)
        live.prometheus.start()
        live.daemon.start()
        live.daemon.wait_ready()
        page = live.scrape()
        assert re.search(r"^slo_error_budget_remaining_ratio\{.*\} -9\.0$", page, re.MULTILINE)
        assert re.search(r"^slo_burn_rate\{.*window=\"30d\"\} 10\.0$", page, re.MULTILINE)


class TestCommand:
    def test_without_a_daemon_leaves_it_to_the_next(self, live: Live):
        """The request waits in the store."""
        live.daemon.stop()
        told = command(live, "ledger", "rebuild", "shop/availability")
        assert "when a daemon starts on this store" in told.stdout
        assert "to be rebuilt" in command(live, "ledger").stdout
        live.daemon.start()
        live.until(lambda: "everything was read again" in live.daemon.log_tail())
