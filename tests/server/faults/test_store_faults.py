"""Faults of the store, on a daemon that runs."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.store.inspection import summarize
from exporter.store.schema import VERSION
from tests.helpers.integration.durable import command, newest, overspent
from tests.helpers.integration.live import Live


@pytest.fixture
def live(prometheus_binary: Path, tmp_path: Path) -> Iterator[Live]:
    """A daemon that has stored an overspent budget, and that the test may stop."""
    with overspent(prometheus_binary, tmp_path) as live:
        yield live


class TestStore:
    def test_a_second_daemon_says_so_and_ends(self, live: Live):
        """The first one goes on undisturbed."""
        second = command(live, "run", "--web.listen-address=127.0.0.1:0")
        assert second.returncode == 1
        assert "is in use by another error-budget-exporter (process " in second.stderr
        before = newest(live.daemon.log.parent) or 0
        live.until(lambda: (newest(live.daemon.log.parent) or 0) > before)

    @pytest.mark.slow
    def test_a_store_of_a_newer_version_is_refused(self, live: Live):
        """Exit code 1, and the file as it was."""
        live.daemon.stop()
        file = live.daemon.log.parent / "ledger/ledger.sqlite"
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA user_version = 7")
        refused = command(live, "run", "--web.listen-address=127.0.0.1:0")
        assert refused.returncode == 1
        told = f"was written by a newer version (schema 7, this one knows {VERSION})"
        assert told in refused.stderr

    @pytest.mark.slow
    @pytest.mark.parametrize("damage", ["truncated", "garbage"])
    def test_a_damaged_store_is_kept_aside(self, live: Live, damage: str):
        """The budget is read from Prometheus again."""
        live.daemon.stop()
        file = live.daemon.log.parent / "ledger/ledger.sqlite"
        damaged = file.read_bytes()[:9_000] if damage == "truncated" else b"garbage" * 999
        file.write_bytes(damaged)
        live.daemon.start()
        live.daemon.wait_ready()
        assert "is damaged (" in live.daemon.log_tail(100)
        [aside] = [path for path in file.parent.glob("*.corrupt-*") if path.name.endswith("Z")]
        assert aside.read_bytes() == damaged
        live.until(lambda: " -9.0" in live.scrape())

    @pytest.mark.slow
    def test_a_folder_that_is_deleted_is_made_again(self, live: Live):
        """It is said, a second daemon is kept off, and the store has all that the first knows."""
        folder = live.daemon.log.parent / "ledger"
        before = summarize(folder)[0].coverage
        shutil.rmtree(folder)
        live.until(lambda: "was removed or replaced" in live.daemon.log_tail(100))
        live.until(lambda: "error_budget_exporter_store_up 1.0" in live.scrape())
        live.until(lambda: "the store is written again" in live.daemon.log_tail(100))
        assert summarize(folder)[0].coverage >= before
        second = command(live, "run", "--web.listen-address=127.0.0.1:0")
        assert "is in use by another error-budget-exporter (process " in second.stderr

    @pytest.mark.slow
    def test_a_damaged_byte_is_told_and_made_up_for(self, live: Live):
        """`ledger verify` names it; the next start reads the slots again."""
        live.daemon.stop()
        file = live.daemon.log.parent / "ledger/ledger.sqlite"
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE chunk SET counts = CAST(x'00' || substr(counts, 2) AS BLOB)")
        verified = command(live, "ledger", "verify")
        assert verified.returncode == 1
        assert "table chunk: " in verified.stdout
        live.daemon.start()
        live.daemon.wait_ready()
        assert "are damaged, and are asked for again" in live.daemon.log_tail(100)
        live.until(lambda: " -9.0" in live.scrape())
        live.until(lambda: command(live, "ledger", "verify").returncode == 0)

    @pytest.mark.slow
    def test_a_full_disk_is_told_once_and_made_up_for(self, live: Live):
        """Metrics go on from memory; everything is written once there is room."""
        process = live.daemon.process
        assert process is not None
        limits = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        folder = live.daemon.log.parent
        # The log has to go on.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, limits[1]))
        live.until(lambda: "error_budget_exporter_store_up 0.0" in live.scrape())
        before = newest(folder) or 0
        live.requests(good=1000, bad=0)
        live.until(lambda: " -4.0" in live.scrape())
        since = time.time()
        live.until(lambda: time.time() > since + 3)
        assert live.daemon.log_tail(100).count("the store fails") == 1
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
        live.until(lambda: "error_budget_exporter_store_up 1.0" in live.scrape())
        live.until(lambda: (newest(folder) or 0) > max(since, before))
        assert live.daemon.log_tail(100).count("the store is written again") == 1

    @pytest.mark.slow
    def test_a_full_disk_that_has_the_log_on_it_does_not_end_the_daemon(self, live: Live):
        """What cannot be logged is left out; all else goes on, and is stored later."""
        process = live.daemon.process
        assert process is not None
        limits = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (10, limits[1]))
        live.until(lambda: "error_budget_exporter_store_up 0.0" in live.scrape())
        live.requests(good=1000, bad=0)
        live.until(lambda: " -4.0" in live.scrape())
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
        live.until(lambda: "error_budget_exporter_store_up 1.0" in live.scrape())

    @pytest.mark.slow
    def test_a_folder_that_cannot_be_made_leaves_all_in_memory(self, live: Live):
        """Said plainly, and shown; the daemon does its work."""
        live.daemon.stop()
        folder = live.daemon.log.parent
        (folder / "file").write_text("")
        live.daemon.command.append(f"--storage.path={folder / 'file' / 'ledger'}")
        live.daemon.start()
        live.daemon.wait_ready()
        live.until(lambda: "error_budget_exporter_store_up 0.0" in live.scrape())
        assert "nothing is stored: the ledger is kept in memory alone" in live.daemon.log_tail()
        live.until(lambda: " -9.0" in live.scrape())
