"""Faults of a store in PostgreSQL, on a daemon that runs."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from exporter.store.inspection import summarize
from exporter.store.settings import PostgresSettings
from tests.helpers.integration.exporters import Exporter
from tests.helpers.integration.gated import services
from tests.helpers.integration.shared import Pair, override, overrides, ready
from tests.helpers.postgres import PostgresServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """One daemon runs, and has stored all of the history."""
    folder = tmp_path_factory.mktemp("faults")
    with PostgresServer() as server, services(folder) as prometheus:
        pair = Pair(folder, prometheus.url, server)
        with pair.one:
            pair.one.start()
            pair.one.until_filled()
            written(pair.one)
            yield pair


def written(daemon: Exporter) -> None:
    """Wait until it has stored something from now on."""
    before = daemon.own("store_writes_total")
    daemon.until(lambda: daemon.own("store_up") == 1)
    daemon.until(lambda: daemon.own("store_writes_total") > before + 1)


def evaluated(daemon: Exporter) -> None:
    """Wait until it has evaluated from now on."""
    before = daemon.own("evaluations_total")
    daemon.until(lambda: daemon.own("evaluations_total") > before + 1)


def coverage(pair: Pair) -> float:
    """How much of all SLOs is stored."""
    return min(
        each.coverage
        for each in summarize(PostgresSettings(pair.server.url))
        if each.service != "absent"
    )


def test_a_server_that_is_killed_while_it_is_written_to_loses_nothing(pair):
    """Again and again: what it had stored it has, and the daemon writes the rest."""
    before = coverage(pair)
    for _ in range(4):
        pair.server.kill()
        evaluated(pair.one)
        pair.server.start()
        pair.server.wait()
        pair.one.until(lambda: pair.one.own("store_up") == 1)
    written(pair.one)
    assert coverage(pair) >= before - 0.01


def test_a_connection_that_is_cut_is_made_again(pair):
    """Whatever it was at."""
    for _ in range(3):
        pair.server.cut()
        written(pair.one)


def test_a_full_disk_is_told_and_made_up_for(pair):
    """Metrics and overrides go on from memory; all is written once there is room."""
    pair.server.fill_disk()
    pair.one.until(lambda: pair.one.own("store_up") == 0)
    assert "No space left on device" in ready(pair.one)
    status, made = override(pair.one, "slow", "no room")
    assert (status, made["stored"]) == (201, False)
    evaluated(pair.one)
    pair.server.make_room()
    written(pair.one)
    [row] = pair.server.execute("SELECT id FROM override WHERE why = 'no room'")
    assert row == (made["override"]["id"],)


def test_a_server_that_hangs_holds_up_no_evaluation(pair):
    """What it is told meanwhile is in force, and stored when the server goes on."""
    pair.server.signal(signal.SIGSTOP)
    try:
        evaluated(pair.one)
        status, made = override(pair.one, "well", "while it hangs")
        assert (status, made["stored"]) == (201, False)
        evaluated(pair.one)
    finally:
        pair.server.signal(signal.SIGCONT)
    written(pair.one)
    with pair.other:
        pair.other.start()
        assert "while it hangs" in {why for _, why, _ in overrides(pair.other)}


def test_a_database_that_is_made_again_is_filled_again(pair):
    """All that is known is stored once more."""
    before = coverage(pair)
    pair.server.execute("DROP SCHEMA error_budget_exporter CASCADE")
    pair.one.until(lambda: "has lost what was stored" in pair.one.child.log.read_text())
    written(pair.one)
    assert coverage(pair) >= before - 0.01


def test_a_newer_version_is_refused(pair):
    """Exit code 1, and the database as it was."""
    pair.server.execute("UPDATE version SET version = 7")
    with pair.other:
        assert "was written by a newer version (schema 7" in pair.other.refused()
    pair.server.execute("UPDATE version SET version = 2")
