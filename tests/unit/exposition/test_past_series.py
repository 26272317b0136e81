"""Series of the past as OpenMetrics: in whole pieces, with the labels of a scrape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.exposition.past_series import PAST, PastSeries
from exporter.exposition.selection import EVERYTHING, Selection
from exporter.slo.snapshot import Snapshot
from tests.helpers.samples import AT, slo, snapshot, subject

SPENT = (600.0, 1_000_000.0, 1.0)
ADDED = {"instance": "exporter:9098", "job": "slos"}


def shots(**groups: str) -> list[Snapshot]:
    """Three moments of an SLO."""
    of = slo(group_by=tuple(groups), labels={"owner": 'a,job="b"'})
    return [snapshot((subject(of, groups=groups), SPENT), at=AT + 300 * i) for i in range(3)]


def write(file: Path, *slos: list[Snapshot], selection: Selection = EVERYTHING) -> str:
    with PastSeries(file, ADDED, selection) as series:
        for each in slos:
            series.write(each)
    assert [file] == list(file.parent.iterdir())
    return file.read_text()


def test_families_and_series_are_in_one_piece_and_in_the_order_of_time(tmp_path):
    """However many SLOs come one after the other: a strict parser reads it."""
    text = write(tmp_path / "past.om", shots(region="eu"), shots(region="us"))
    assert text.endswith("# EOF\n")
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert [name for name in PAST if name in found] == list(found)
    samples = found["slo_error_budget_remaining_ratio"].samples
    assert [(one.labels["region"], float(one.timestamp)) for one in samples] == [
        (region, AT + 300 * i) for region in ("eu", "us") for i in range(3)
    ]
    assert {one.labels["job"] for one in samples} == {"slos"}
    assert samples[0].value == shots(region="eu")[0].slos[0].budget.remaining


def test_labels_of_ours_stand_before_those_of_the_scrape(tmp_path):
    """As with honor_labels; what looks like a label within a value is none."""
    text = write(tmp_path / "past.om", shots(instance="db-1"))
    for line in text.splitlines():
        if not line.startswith("#"):
            assert line.count('instance="') == 1
            assert 'instance="db-1"' in line
            assert line.count(',job="slos"') == 1


def test_what_is_not_exposed_is_left_out(tmp_path):
    """Families, and windows."""
    selection = Selection(frozenset({"slo_error_ratio"}), frozenset({"1h"}))
    text = write(tmp_path / "past.om", shots(), selection=selection)
    assert "slo_error_ratio" not in text
    assert 'window="1h"' in text
    assert 'window="6h"' not in text


def test_what_is_not_known_has_no_samples(tmp_path):
    """No figure stands for it."""
    unknown = [replace(one, slos=()) for one in shots()]
    text = write(tmp_path / "past.om", [*unknown, *shots()[2:]])
    budget = [line for line in text.splitlines() if line.startswith("slo_objective_ratio{")]
    assert [line.split()[-1] for line in budget] == [str(AT + 600)]


def test_a_file_is_there_only_once_it_is_whole(tmp_path):
    """One that was there before stays."""
    file = tmp_path / "past.om"
    file.write_text("before")

    def broken() -> None:
        with PastSeries(file, ADDED, EVERYTHING) as series:
            series.write(shots())
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # the test's own
        broken()
    assert [file] == list(tmp_path.iterdir())
    assert file.read_text() == "before"
