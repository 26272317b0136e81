"""The store: restarts go on where they were, and Prometheus may have changed meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode
from urllib.request import urlopen

import pytest

from exporter.demo.servers import PrometheusServer
from tests.helpers.faults.daemons import Figures
from tests.helpers.faults.proxy import Exchange, FaultyProxy, pass_on
from tests.helpers.faults.town import Traffic
from tests.helpers.integration.cases import steady
from tests.helpers.integration.checks import close
from tests.helpers.integration.disturbed import deaths, failed_scrapes
from tests.helpers.integration.exporters import (
    PROBE,
    Exporter,
    Recorder,
    config,
    differences,
    events,
    known_alike,
)
from tests.helpers.integration.histories import END, write_blocks
from tests.helpers.integration.live import Service
from tests.helpers.integration.scenario import START
from tests.oracle import DAY
from tests.oracle import Figures as Expected

PAST = failed_scrapes("failed-restart", 240, restart=True, away=False)
"""A service whose history nobody changes."""

FORGOTTEN = deaths()
"""One whose history is deleted."""

LATE = steady()
"""One whose history comes late."""

SCRAPES = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [targets: ["127.0.0.1:{service}"]]
"""

SLOS = (
    events('job="shop"'),
    PROBE,
    *(
        events(f'service="{case.history.service}"', service=service, datasource="archive")
        for service, case in (("past", PAST), ("forgotten", FORGOTTEN), ("late", LATE))
    ),
)

UNSETTLED = 20
"""Slots (of a second) that may have to be asked for again: those that had not settled, ten of
which are asked for together, and some more on a busy machine."""


class Scene:
    """A service, a Prometheus with some history, and a proxy that notes what is asked."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        write_blocks([PAST.history, FORGOTTEN.history], folder, self.data)
        self.service = Service()
        self.traffic = Traffic(self.service)
        self.traffic.start()
        self.prometheus = PrometheusServer(
            SCRAPES.format(service=self.service.port),
            binary=binary,
            data_dir=self.data,
            flags=["--web.enable-admin-api"],
        )
        self.proxy = FaultyProxy(self.prometheus.port)
        self.proxy.answers = self._note
        self.asked: list[dict[str, str]] = []
        """The range queries, by their parameters."""

    def _note(self, exchange: Exchange) -> None:
        form = {name: each for name, [each] in parse_qs(exchange.form.decode()).items()}
        if "step" in form:
            self.asked.append(form)
        pass_on(exchange)

    def close(self) -> None:
        """End everything."""
        self.proxy.close()
        self.prometheus.close()
        self.traffic.stop()
        self.service.close()


@pytest.fixture(scope="module")
def scene(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """All of it runs."""
    scene = Scene(prometheus_binary, tmp_path_factory.mktemp("restarts"))
    try:
        scene.prometheus.start()
        yield scene
    finally:
        scene.close()


def points(asked: list[dict[str, str]]) -> float:
    """How many slots queries ask for, together."""
    return sum(
        (float(each["end"]) - float(each["start"])) / float(each["step"]) + 1 for each in asked
    )


def oldest(asked: list[dict[str, str]]) -> float:
    """The oldest moment that queries ask for."""
    return min(float(each["start"]) for each in asked)


@dataclass(frozen=True)
class Restarted:
    """A daemon that was restarted, and what it and another that was not showed since.

    `stopped` is the last slot boundary that it evaluated before, Unix seconds.
    """

    exporter: Exporter
    stopped: float
    shown: dict[float, Figures]
    expected: dict[float, Figures]
    first_asked: list[dict[str, str]]
    asked_again: list[dict[str, str]]


@pytest.fixture(scope="module")
def restarted(scene: Scene) -> Iterator[Restarted]:
    """It was down for some seconds, in which requests went on."""
    one = Exporter(scene.folder / "one", config(scene.proxy.url, *SLOS))
    other = Exporter(scene.folder / "other", config(scene.prometheus.url, *SLOS))
    with one, other:
        for each in (one, other):
            each.start()
        for each in (one, other):
            each.until_filled()
        first_asked = [*scene.asked]
        stopped = one.own("last_evaluation_boundary_timestamp_seconds") or 0.0
        assert one.stop() == 0
        time.sleep(3)
        scene.asked.clear()
        with Recorder(one, other) as seen:
            one.start()
            seen.until_alike(one, other, 3)
        yield Restarted(one, stopped, *seen.shown.values(), first_asked, [*scene.asked])


class TestRestart:
    def test_shows_what_a_daemon_that_never_stopped_shows(self, restarted: Restarted):
        """Every window of every SLO, and all else, to the last digit, from the first page on."""
        shown, expected = restarted.shown, restarted.expected
        both = shown.keys() & expected.keys()
        slots = sorted(at for at in both if known_alike(shown[at], expected[at]))
        assert slots
        windows = {
            dict(labels)["window"]
            for name, labels in shown[slots[0]]
            if name == "slo_burn_rate" and ("slo", "availability") in labels
        }
        assert windows == {"5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"}
        assert {slot: differences(shown[slot], expected[slot]) for slot in slots} == {
            slot: {} for slot in slots
        }

    def test_asks_for_nothing_but_what_is_missing(self, restarted: Restarted):
        """No slot is asked for that was settled, neither fine nor coarse ones."""
        assert oldest(restarted.first_asked) < restarted.stopped - 29 * DAY
        assert oldest(restarted.asked_again) > restarted.stopped - UNSETTLED
        assert points(restarted.asked_again) < points(restarted.first_asked) / 20

    def test_without_prometheus_shows_what_is_stored(self, scene: Scene, restarted: Restarted):
        """The budget is held, as of data that are stale; once Prometheus is back all is well."""
        one = restarted.exporter

        def budgets() -> list[float | None]:
            name = "slo_error_budget_remaining_ratio"
            return [one.value(name, service=service) for service in ("past", "forgotten")]

        before = budgets()
        assert None not in before
        assert one.stop() == 0
        scene.proxy.refuse()
        try:
            one.start("/-/healthy")
            one.until(lambda: one.value("slo_data_state", service="past", state="stale") == 1)
            assert budgets() == before
            assert one.value("slo_policy_tier", service="past", tier="normal") is not None
            assert "slo_burn_rate{" not in one.page()
        finally:
            scene.proxy.listen()
        one.until(
            lambda: one.value("slo_data_state", service="shop", slo="availability", state="ok")
        )
        assert budgets() == before


class TestCommand:
    def test_shows_what_is_stored(self, restarted: Restarted):
        """Per SLO since when, until when, how much of its period, and how large; while it runs."""
        one = restarted.exporter
        shown = one.ledger()
        assert (shown.returncode, shown.stderr) == (0, "")
        heading, *rows, file = shown.stdout.splitlines()
        assert heading.split() == ["SLO", "groups", "from", "to", "known", "days", "from", "size"]
        cells = {row.split()[0]: re.split(r"  +", row)[1:] for row in rows}
        assert cells.keys() == {
            f"{each}/availability" for each in ("shop", "past", "forgotten", "late")
        } | {"shop/reachability"}
        groups, since, until, known, days, size = cells["past/availability"]
        assert groups == "1"
        day = "%Y-%m-%d %H:%M:%SZ"
        assert since == time.strftime(day, time.gmtime(START))
        assert until == time.strftime(day, time.gmtime(END))
        assert days == time.strftime("%Y-%m-%d", time.gmtime(START))
        # For a day beyond the period slots are kept; they do not count.
        assert float(known.rstrip("%")) == pytest.approx(100 * 5 / 30, abs=0.1)
        assert re.fullmatch(r"\d+\.\d kB", size)
        assert cells["late/availability"][1:4] == ["-", "-", "0.00%"]
        pattern = rf"{re.escape(str(one.store))}/ledger.sqlite: \d+\.\d [kM]B, a daemon has it open"
        assert re.fullmatch(pattern, file)

    @pytest.mark.parametrize(
        ("wanted", "hint"),
        [
            ("past/avialability", "did you mean past/availability?"),
            ("nothing", "it has forgotten/availability, late/availability, past/availability, "),
        ],
    )
    def test_knows_no_other_slo(self, restarted: Restarted, wanted: str, hint: str):
        """It names the one that was meant, or all."""
        refused = restarted.exporter.ledger("rebuild", wanted)
        assert refused.returncode == 1
        store = restarted.exporter.store / "ledger.sqlite"
        assert f"{store} has no SLO {wanted}: {hint}" in refused.stderr


class TestRebuild:
    def test_of_what_prometheus_has_no_more_changes_nothing(
        self, scene: Scene, restarted: Restarted
    ):
        """Data that were deleted there stay in the ledger."""
        one = restarted.exporter

        def shown() -> list[float | None]:
            labels = {"service": "forgotten", "slo": "availability"}
            names = ("remaining_ratio", "remaining_events")
            return [one.value(f"slo_error_budget_{name}", **labels) for name in names]

        before, ledger = shown(), one.ledger().stdout.splitlines()[1]
        assert None not in before
        api = f"{scene.prometheus.url}/api/v1/admin/tsdb"
        form = urlencode({"match[]": f'{{service="{FORGOTTEN.history.service}"}}'}).encode()
        urlopen(f"{api}/delete_series", data=form).close()
        urlopen(f"{api}/clean_tombstones", data=b"").close()
        scene.asked.clear()
        done = one.ledger("rebuild", "forgotten/availability")
        assert done.returncode == 0
        assert done.stdout == (
            "forgotten/availability: the daemon reads everything from Prometheus again; Ctrl-C "
            "does not stop it.\nDone.\n"
        )
        assert oldest(scene.asked) < END - 5 * DAY
        assert shown() == before
        assert one.ledger().stdout.splitlines()[1] == ledger
        [line] = [each for each in one.log() if each["msg"] == "everything was read again"]
        assert (line["service"], line["slo"]) == ("forgotten", "availability")

    def test_takes_over_what_was_backfilled(self, scene: Scene, restarted: Restarted):
        """Where nobody looks by themselves; asked for by a daemon that starts later."""
        one = restarted.exporter
        scene.prometheus.stop()
        write_blocks([LATE.history], scene.folder, scene.data)
        scene.prometheus.start()
        since = time.time() + 3
        one.until(
            lambda: (one.value("slo_last_slot_timestamp_seconds", slo="reachability") or 0) > since
        )
        assert one.value("slo_data_coverage_ratio", service="late") == 0
        assert one.stop() == 0
        asked = one.ledger("rebuild", "late/availability")
        assert (asked.returncode, asked.stdout) == (
            0,
            "late/availability: everything is read from Prometheus again when a daemon starts on "
            "this store.\n",
        )
        assert "to be rebuilt" in one.ledger().stdout
        one.start()
        one.until(lambda: "to be rebuilt" not in one.ledger().stdout)
        one.until_filled()
        expected = Expected(
            bad=LATE.bad(START, END), total=LATE.total(START, END), error_budget=1 - 0.99
        )
        one.until(lambda: one.value("slo_data_coverage_ratio", service="late"))
        remaining = one.value("slo_error_budget_remaining_ratio", service="late")
        assert remaining == close(expected.budget_remaining)
