"""Sloth's specs on a real Prometheus: our figures beside the spec's own queries, and an oracle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.field.counted import NOW, store
from tests.helpers.specs.counted import SPECS, Key, asked, counted
from tests.helpers.specs.data import series
from tests.helpers.torture.receivers import PrometheusReceiver

WINDOW = "1h"

ORACLE = {
    # rate() sees neither the first value of the failures, nor their first half hour.
    ("born", "first-values"): (7.0, 0.5 * 3600 + 7),
    # Prometheus 3 stores le="1" as 1.0, and the spec's query finds nothing.
    ("slow", "a-second"): (0.5 * 3600, 4.5 * 3600),
}
"""What is right where the spec's own queries are not: bad and total of the hour."""


@pytest.fixture(scope="module")
def url(prometheus_binary: Path) -> Iterator[str]:
    """A Prometheus with the series that the specs are about."""
    with PrometheusReceiver(prometheus_binary, ["--enable-feature=native-histograms"]) as server:
        store(server, series(NOW))
        yield server.url


@pytest.fixture(scope="module")
def slos(url: str) -> dict:
    """All of Sloth's specs, counted together."""
    return counted(url, [str(SPECS / "sloth" / "[!w]*.yaml")])


def own_ratios() -> Iterator[tuple[str, str, str]]:
    """Service, SLO and error ratio as Sloth's rules record it."""
    for file in sorted((SPECS / "sloth").glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            spec = document.get("spec", document)
            for slo in spec.get("slos", ()):
                sli = slo["sli"]
                if "raw" in sli:
                    ratio = next(iter(sli["raw"].values()))
                else:
                    error, total = sli["events"].values()
                    ratio = f"({error})\n/\n({total})"
                query = re.sub(r"\{\{-? *\.window *-?\}\}", WINDOW, ratio)
                yield spec["service"], slo["name"], query


RATIOS = {(service, slo): query for service, slo, query in own_ratios()}


@pytest.mark.parametrize(("service", "name"), RATIOS)
def test_the_error_ratio_is_that_of_the_spec(
    url: str, slos: dict[Key, object], service: str, name: str
):
    """Every series that Sloth would record has an SLO of ours with the same ratio."""
    found = {key[2]: slo for key, slo in slos.items() if key[:2] == (service, name)}
    assert found
    if (service, name) in ORACLE:
        bad, total = ORACLE[service, name]
        window = found[()].windows[WINDOW]
        assert (window.bad, window.total) == (pytest.approx(bad), pytest.approx(total))
        return
    values = asked(url, RATIOS[service, name])
    assert len(values) == len(found)
    for labels, value in values.items():
        ours = tuple(sorted((label, text) for label, text in labels if label != "__name__"))
        renamed = tuple(
            (label.replace("service", "measured_service"), text) for label, text in ours
        )
        window = (found.get(ours) or found.get(renamed) or found[()]).windows[WINDOW]
        assert window.bad / window.total == pytest.approx(value, rel=1e-6, abs=1e-12)
