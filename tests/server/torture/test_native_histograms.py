"""Latency by native histograms: to the observation, beside classic ones and after them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.servers import http_get
from exporter.slo.model import LatencySli, Slo
from exporter.slo.snapshot import DataState
from tests.helpers.integration.checks import assert_slots
from tests.helpers.integration.histories import END
from tests.helpers.integration.running import run, status
from tests.helpers.integration.scenario import PERIOD, objective
from tests.helpers.torture.histogram_cases import HISTOGRAMS
from tests.helpers.torture.histogram_histories import BOUND, NAME, HistogramHistory
from tests.helpers.torture.receivers import PrometheusReceiver
from tests.oracle import HOUR, MINUTE

MOMENT = END - 1_230
"""In the middle of a 5 m slot, so that long windows cut coarse slots."""

FIRST = MOMENT - 3 * HOUR


def major(server: PrometheusReceiver) -> int:
    _, body = http_get(server.child.port, "/api/v1/status/buildinfo")
    return int(body.split(b'"version":"')[1].split(b".")[0])


def watching(service: str) -> Slo:
    """An SLO on the histogram of a case."""
    sli = LatencySli(f'{NAME}{{service="{service}"}}', threshold=BOUND)
    return Slo(service=service, name="slo", sli=sli, objective=objective("99.5"), period=PERIOD)


SLOS = {name: watching(name) for name in HISTOGRAMS}

FEW = list(SLOS)[:2]
"""Enough where there is nothing to be counted."""


def watched(cases: dict[str, HistogramHistory]) -> list[Slo]:
    return [SLOS[name] for name in cases or FEW]


@pytest.fixture(scope="module")
def server(prometheus_binary: Path) -> Iterator[PrometheusReceiver]:
    flags = ["--enable-feature=native-histograms"]
    with PrometheusReceiver(prometheus_binary, flags) as server:
        yield server


@pytest.fixture(scope="module")
def cases(server: PrometheusReceiver) -> dict[str, HistogramHistory]:
    """All cases, stored in the server; none if it is one that cannot take native histograms."""
    if major(server) < 3:
        return {}
    made = {name: make() for name, make in HISTOGRAMS.items()}
    for case in made.values():
        case.store(server)
    return made


@pytest.fixture(scope="module")
def filled(server: PrometheusReceiver, cases):
    """An engine that was started at the moment and has filled its history."""
    return run(server.url, watched(cases), MOMENT)


@pytest.fixture(scope="module")
def polled(server: PrometheusReceiver, cases):
    """An engine that was polled without a pause where something happens, from 3 h before."""
    steps = range(MOMENT - 140 * MINUTE, MOMENT - 80 * MINUTE, 30)
    rest = range(MOMENT - 80 * MINUTE, MOMENT + 1, 10 * MINUTE)
    moments = [*steps, *rest] if major(server) >= 3 else []  # it has no data that could change
    return run(server.url, watched(cases), FIRST, *moments, MOMENT, fill_at=[FIRST])


def check(ran, name: str, case: HistogramHistory | None) -> None:
    """Every slot holds what the oracle counts; on Prometheus 2 there are no data."""
    if case is None and name not in FEW:
        pytest.skip("Prometheus 2 has no native histograms; two of the cases show that")
    engine, snapshot = ran
    found = status(snapshot, SLOS[name])
    assert found.problem is None
    if case is None:
        assert found.state is DataState.NO_DATA
        return
    observed = case.observed()
    assert_slots(engine, snapshot, SLOS[name], observed.bad, observed.total)


@pytest.mark.parametrize("name", HISTOGRAMS)
class TestHistograms:
    def test_history_is_counted_to_the_observation(self, filled, cases, name):
        """Whatever the process, the scrapes and the form of the histogram went through."""
        check(filled, name, cases.get(name))

    def test_polling_counts_to_the_observation(self, polled, cases, name):
        """A slot that was polled for holds what a backfill finds in it."""
        check(polled, name, cases.get(name))


@pytest.mark.parametrize(
    "name", ["lives-custom", "no-up-custom", "from-classic-to-custom-True-600"]
)
def test_a_scrape_interval_that_is_told_too_short_costs_nothing(server, cases, name):
    """Most slots have no sample then: where the histogram stood is found further back."""
    steps = range(MOMENT - 140 * MINUTE, MOMENT - 110 * MINUTE, 30)
    moments = (FIRST, *steps) if cases else (FIRST,)
    ran = run(server.url, [SLOS[name]], *moments, scrape_interval=10, fill_at=[FIRST])
    engine, snapshot = ran
    if cases:
        observed = cases[name].observed()
        assert_slots(engine, snapshot, SLOS[name], observed.bad, observed.total)
