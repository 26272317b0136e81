"""The configuration read anew by a running daemon: by signal and over HTTP."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.helpers.integration.durable import figures, overspent
from tests.helpers.integration.live import Live

ANOTHER = """
  - service: shop
    name: strict
    objective: 99.9
    sli:
      events:
        bad: requests_total{job="shop", code="500"}
        total: requests_total{job="shop"}
"""

REMAINING = 'slo_error_budget_remaining_ratio{{service="shop",slo="{}"}}'


@pytest.fixture(scope="module")
def live(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A daemon with an overspent budget; every test leaves it with the configuration it had."""
    with overspent(prometheus_binary, tmp_path_factory.mktemp("reloads")) as live:
        yield live


@pytest.fixture
def config(live: Live) -> Iterator[Path]:
    """Its file, which is put back."""
    [file] = [Path(part.partition("=")[2]) for part in live.daemon.command if "config.file" in part]
    before = file.read_text()
    yield file
    file.write_text(before)
    assert reload(live)[0] == 200
    live.until(lambda: figures(live).get(REMAINING.format("availability")) == -9)


def reload(live: Live) -> tuple[int, str]:
    """Ask for it over HTTP: status and text."""
    try:
        with urlopen(Request(f"{live.daemon.url}/-/reload", method="POST")) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def hang_up(live: Live) -> None:
    """Ask for it by signal."""
    assert live.daemon.process is not None
    os.kill(live.daemon.process.pid, signal.SIGHUP)


def test_an_slo_that_is_added_appears_and_one_that_is_removed_vanishes(live: Live, config: Path):
    """With all of the history at once, since another SLO measures the same."""
    config.write_text(config.read_text() + ANOTHER)
    hang_up(live)
    live.until(lambda: REMAINING.format("strict") in figures(live))
    found = figures(live)
    assert found[REMAINING.format("strict")] == pytest.approx(-99)
    assert found[REMAINING.format("availability")] == -9
    config.write_text(config.read_text().replace("name: availability", "name: reachability"))
    assert reload(live) == (200, "The configuration was reloaded.\n")
    live.until(lambda: REMAINING.format("availability") not in figures(live))
    assert figures(live)[REMAINING.format("reachability")] == -9


def test_another_objective_keeps_the_history(live: Live, config: Path):
    """The same events, another budget."""
    config.write_text(config.read_text().replace("objective: 99", "objective: 95"))
    assert reload(live)[0] == 200
    live.until(lambda: figures(live).get(REMAINING.format("availability")) == pytest.approx(-1))
    coverage = figures(live)['slo_data_coverage_ratio{service="shop",slo="availability"}']
    assert coverage > 0


def test_a_bad_file_changes_nothing(live: Live, config: Path):
    """Every mistake is in the answer and in the log, and a metric says that it failed."""
    good = config.read_text()
    config.write_text(good.replace("objective: 99", "objective: 101") + "nonsense: 1\n")
    before = live.daemon.log.read_text().count("the previous one stays in force")
    status, text = reload(live)
    assert status == 500
    assert re.search(r"config\.yaml:\d+: slos\[0\]\.objective: ", text)
    assert re.search(r"config\.yaml:\d+: nonsense: unknown key", text)
    page = live.scrape()
    assert "error_budget_exporter_config_last_reload_successful 0.0" in page
    assert figures(live)[REMAINING.format("availability")] == -9
    assert live.daemon.log.read_text().count("the previous one stays in force") == before + 1
    with urlopen(f"{live.daemon.url}/config") as answer:
        assert "nonsense" not in answer.read().decode()
    config.write_text(good)
    hang_up(live)
    live.until(lambda: "error_budget_exporter_config_last_reload_successful 1.0" in live.scrape())


def test_a_datasource_that_is_down_is_no_obstacle(live: Live, config: Path):
    """Its SLO is stale; the other one goes on."""
    more = "datasources: {nowhere: {url: 'http://127.0.0.1:1'}}\n"
    config.write_text(more + config.read_text() + ANOTHER + "    datasource: nowhere\n")
    assert reload(live)[0] == 200
    live.until(lambda: 'datasource_up{datasource="nowhere"} 0.0' in live.scrape())
    stale = 'slo_data_state{service="shop",slo="strict",state="stale"}'
    live.until(lambda: figures(live).get(stale) == 1)
    found = figures(live)
    assert found['slo_data_state{service="shop",slo="availability",state="stale"}'] == 0


def test_many_in_a_row_leave_nothing_behind(live: Live, config: Path):
    """No thread and no file stays open, however they come."""
    assert live.daemon.process is not None
    process = Path(f"/proc/{live.daemon.process.pid}")

    def taken() -> int:
        return len(list((process / "fd").iterdir())) + len(list((process / "task").iterdir()))

    for _ in range(3):
        reload(live)
    before = taken()
    for _ in range(8):
        hang_up(live)
        assert reload(live)[0] == 200
    live.until(lambda: taken() <= before + 4)
    assert figures(live)[REMAINING.format("availability")] == -9
