"""A daemon that restarts, and the commands that look into its store."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from durable import command, figures, overspent, queries
from live import Live

from exporter.demo.servers import http_get


@pytest.fixture
def live(prometheus_binary: Path, tmp_path: Path) -> Iterator[Live]:
    """A daemon that has stored an overspent budget, and that the test may stop."""
    with overspent(prometheus_binary, tmp_path) as live:
        yield live


class TestRestart:
    def test_shows_all_windows_at_once_and_asks_only_for_what_is_missing(self, live: Live):
        """The first start asked for hours and for a month; the second for some seconds."""
        before, asked = figures(live), queries(live)
        live.daemon.stop()
        live.daemon.start()
        live.daemon.wait_ready()
        page, again = figures(live), queries(live)
        timeless = [name for name in before if not re.search("last_slot|coverage|data_state", name)]
        assert len([name for name in timeless if name.startswith("slo_burn_rate{")]) == 8
        assert {name: page.get(name) for name in timeless} == {
            name: before[name] for name in timeless
        }
        assert 0 < again < asked
        assert "history is complete" not in live.daemon.log_tail(1)

    def test_with_prometheus_down_shows_the_budget(self, live: Live):
        """What was spent stays spent; how fast it is spent now, nobody knows."""
        live.daemon.stop()
        live.prometheus.stop()
        live.daemon.start()
        live.daemon.wait_ready("/-/healthy")
        live.until(lambda: 'state="stale"} 1.0' in live.scrape())
        page = live.scrape()
        assert re.search(r"^slo_error_budget_remaining_ratio\{.*\} -9\.0$", page, re.MULTILINE)
        assert "slo_burn_rate{" not in page
        assert http_get(live.daemon.port, "/-/ready")[0] == 503

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
    def test_shows_what_is_stored(self, live: Live):
        """While the daemon runs, and without disturbing it."""
        shown = command(live, "ledger")
        assert (shown.returncode, shown.stderr) == (0, "")
        assert re.search(
            r"^shop/availability +1 +20\d\d-.*Z +20\d\d-.*Z +0\.\d\d% ", shown.stdout, re.M
        )
        assert "a daemon has it open" in shown.stdout

    def test_has_everything_asked_anew(self, live: Live):
        """It returns when the daemon has done so; the figures are as before."""
        done = command(live, "ledger", "rebuild", "shop/availability")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("Done.\n")
        assert "everything was asked for anew" in live.daemon.log_tail()
        assert (
            figures(live)['slo_error_budget_remaining_ratio{service="shop",slo="availability"}']
            == -9
        )

    def test_without_a_daemon_leaves_it_to_the_next(self, live: Live):
        """The request waits in the store."""
        live.daemon.stop()
        told = command(live, "ledger", "rebuild", "shop/availability")
        assert "when a daemon starts on this store" in told.stdout
        assert "to be asked for anew" in command(live, "ledger").stdout
        live.daemon.start()
        live.until(lambda: "everything was asked for anew" in live.daemon.log_tail())

    def test_knows_its_slos(self, live: Live):
        """A name that was mistyped is told with the one that was meant."""
        wrong = command(live, "ledger", "rebuild", "shop/avail")
        assert wrong.returncode == 1
        assert "shop/avail is no SLO of " in wrong.stderr
        assert "did you mean shop/availability?" in wrong.stderr
