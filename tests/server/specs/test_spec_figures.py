"""Specs on a real Prometheus: our figures beside those of the spec's own queries, and an oracle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.slo.snapshot import DataState, SloStatus
from tests.field.counted import NOW, store
from tests.helpers.specs.counted import SPECS, asked, counted
from tests.helpers.specs.data import series
from tests.helpers.specs.own_queries import WINDOW, own_ratios
from tests.helpers.torture.receivers import PrometheusReceiver

HOUR = 3600

ORACLE = {
    # rate() sees neither the first value of the failures, nor their first half hour.
    ("sloth/born", "first-values"): (7, 0.5 * HOUR + 7),
    ("pyrra/born", "first-values"): (7, 0.5 * HOUR + 7),
    # Prometheus 3 stores le="1" as 1.0, and the spec's query finds nothing.
    ("sloth/latency", "a-second"): (0.5 * HOUR, 4.5 * HOUR),
    ("pyrra/latency-text", "a-second"): (0.5 * HOUR, 4.5 * HOUR),
    # A quarter of the hour is older than a minute, and none is older than two.
    ("openslo/threshold", "fresh-within-a-minute"): (HOUR / 4, HOUR),
    ("openslo/threshold", "fresh-within-two"): (0, HOUR),
    ("openslo/alpha", "age"): (HOUR / 4, HOUR),
    # Twelve failures in six minutes touch seven. The hour begins within a minute, whose other half
    # is not looked at.
    ("openslo/slices", "minutes"): (7 * 60, HOUR - 30),
}
"""What is right where the spec's own queries are not: bad and total of the hour."""

RATIOS = own_ratios()

Groups = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def url(prometheus_binary: Path) -> Iterator[str]:
    """A Prometheus with the series that the specs are about."""
    with PrometheusReceiver(prometheus_binary, ["--enable-feature=native-histograms"]) as server:
        store(server, series(NOW))
        yield server.url


@pytest.fixture(scope="module")
def slos(url: str) -> dict[tuple[str, str], dict[Groups, SloStatus]]:
    """Every spec's SLOs, counted together; by file and name, and by the labels of their group."""
    found: dict[tuple[str, str], dict[Groups, SloStatus]] = {}
    for file, statuses in counted(url, sorted({file for file, _ in RATIOS})).items():
        for status in statuses:
            groups = tuple(sorted(status.groups.items()))
            found.setdefault((file, status.slo.name), {})[groups] = status
    return found


def test_there_are_as_many_specs_as_are_promised():
    """Thirty at the least, of all three formats; each is read without a mistake."""
    assert len(RATIOS) >= 30
    assert all((SPECS / f"{file}.yaml").exists() for file, _ in RATIOS)


@pytest.mark.parametrize(("file", "name"), RATIOS)
def test_the_error_ratio_is_that_of_the_spec(
    url: str, slos: dict[tuple[str, str], dict[Groups, SloStatus]], file: str, name: str
):
    """Every series that its tool would record has an SLO of ours with the same ratio."""
    found = slos[file, name]
    if (file, name) in ORACLE:
        window = found[()].windows[WINDOW]
        assert (window.bad, window.total) == pytest.approx(ORACLE[file, name])
        return
    if found[min(found)].state is DataState.NO_DATA and "histogram_fraction" in RATIOS[file, name]:
        pytest.skip("Prometheus 2 has native histograms for trial alone: they are not counted")
    values = asked(url, RATIOS[file, name])
    assert len(values) == len(found)
    for labels, value in values.items():
        own = [(label, text) for label, text in labels if label != "__name__"]
        renamed = tuple((label.replace("service", "measured_service"), text) for label, text in own)
        window = (found.get(tuple(sorted(renamed))) or found[()]).windows[WINDOW]
        assert window.bad / window.total == pytest.approx(value, rel=1e-6, abs=1e-12)
