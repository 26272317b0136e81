"""A daemon that restarts, and the commands that look into its store."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.integration.durable import command, newest, overspent
from tests.helpers.integration.live import Live

pytestmark = pytest.mark.slow

LEDGER = (sys.executable, "-m", "exporter", "ledger")


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


class TestBackup:
    def test_streams_of_a_daemon_that_writes_are_whole(self, live: Live, tmp_path: Path):
        """The last of them is all that is left: it has the budget, and is put back by a pipe."""
        copy, begun = tmp_path / "copy", newest(tmp_path)
        while newest(tmp_path) == begun:
            with copy.open("wb") as target:
                taken = command(live, "ledger", "backup", "-", stdout=target)
            assert taken.returncode == 0, taken.stderr
            (size,) = re.findall(r"standard output: [\d.]+ [kM]B", taken.stderr)
            assert size
            verified = restored(tmp_path / "elsewhere", copy)
            assert verified.returncode == 0, verified.stderr

        refused = command(live, "ledger", "restore", str(copy))
        assert refused.returncode == 1
        assert "is in use by another error-budget-exporter" in refused.stderr

        live.daemon.stop()
        live.prometheus.stop()
        subprocess.run(["rm", "-rf", live.prometheus.data_dir, tmp_path / "ledger"], check=True)
        live.prometheus.start()
        with copy.open("rb") as source:
            put = command(live, "ledger", "restore", "-", stdin=source)
        assert "1 SLOs until" in put.stdout, put.stderr
        live.daemon.start()
        live.daemon.wait_ready()
        assert re.search(
            r"^slo_error_budget_remaining_ratio\{.*\} -9\.0$", live.scrape(), re.MULTILINE
        )
        assert "damaged" not in live.daemon.log.read_text()


def restored(folder: Path, copy: Path) -> subprocess.CompletedProcess[str]:
    """What `ledger restore` says, into a folder that nobody uses."""
    return subprocess.run(
        [*LEDGER, f"--storage.path={folder}", "restore", str(copy)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
