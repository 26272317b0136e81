"""The exporter's metrics about itself."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

import pytest
from prometheus_client import CollectorRegistry

from exporter.exposition.self_metrics import (
    PREFIX,
    EvaluationFigures,
    SelfFigures,
    SelfMetrics,
    StoreFigures,
)
from exporter.slo.sharding import Shard


class Told:
    """A daemon that says of itself what the test told it to."""

    def __init__(self) -> None:
        self.figures = SelfFigures()

    def know(self, **datasources: bool | None) -> None:
        skews = dict.fromkeys(datasources, 0.0)
        self.figures = replace(self.figures, datasources=datasources, clock_skews=skews)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def metrics(told) -> SelfMetrics:
    return SelfMetrics(CollectorRegistry(), lambda: told.figures)


def value(metrics: SelfMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"{PREFIX}_{name}", labels)


@pytest.mark.parametrize(
    "name",
    [
        "evaluations_total",
        "evaluation_failures_total",
        "evaluations_missed_total",
        "last_evaluation_timestamp_seconds",
        "last_evaluation_duration_seconds",
        "config_last_reload_successful",
        "config_last_reload_success_timestamp_seconds",
        "slos",
        "slos_failing",
        "ledger_slots",
        "ledger_bytes",
        "backfill_progress_ratio",
    ],
)
def test_every_series_is_there_from_the_start(metrics, name):
    """A rate over a counter that appears with its first event would miss that event."""
    assert value(metrics, name) == 0.0


def test_shards_are_told_apart(metrics, told):
    """By a label of every metric, so that rules that combine replicas do not combine shards."""
    assert value(metrics, "total_shards") == 1
    told.know(mimir=True)
    told.figures = replace(told.figures, shard=Shard(2, 3))
    assert value(metrics, "total_shards", shard="2") == 3
    assert value(metrics, "datasource_up", datasource="mimir", shard="2") == 1
    for family in metrics.collect():
        assert {sample.labels["shard"] for sample in family.samples} == {"2"}, family.name


@pytest.mark.parametrize("outcome", ["success", "refused", "unavailable"])
def test_queries_are_counted_and_timed_by_datasource_and_outcome(metrics, told, outcome):
    """Every outcome is there from the start, and grows alone."""
    told.know(prometheus=None, mimir=None)
    name = "prometheus_query_duration_seconds"
    labels = {"datasource": "mimir", "outcome": outcome}
    assert value(metrics, f"{name}_count", **labels) == 0.0
    metrics.observe_query("mimir", outcome, 0.25)
    assert value(metrics, f"{name}_count", **labels) == 1.0
    assert value(metrics, f"{name}_sum", **labels) == 0.25
    counts = [
        value(metrics, f"{name}_count", datasource=datasource, outcome=each)
        for datasource in ("prometheus", "mimir")
        for each in ("success", "refused", "unavailable")
    ]
    assert sum(counts) == 1.0


def test_whether_a_datasource_is_up_is_what_the_daemon_says(metrics, told):
    """Whenever it is rendered; before the first query nothing is known."""
    for up, shown in ((None, None), (False, 0.0), (True, 1.0)):
        told.know(prometheus=None, mimir=up)
        assert value(metrics, "datasource_up", datasource="mimir") == shown
    assert value(metrics, "datasource_up", datasource="prometheus") is None


def test_a_datasource_that_is_gone_has_no_series(metrics, told):
    """While the counts of those that stay go on."""
    told.know(prometheus=True, mimir=True, unasked=None)
    for name in ("prometheus", "mimir"):
        metrics.observe_query(name, "success", 0.25)
    told.know(prometheus=True, thanos=None)
    metrics.observe_query("mimir", "success", 0.25)  # one that was under way
    labels = [
        sample.labels
        for family in metrics.registry.collect()
        for sample in family.samples
        if "datasource" in sample.labels
    ]
    assert {label["datasource"] for label in labels} == {"prometheus", "thanos"}
    name = "prometheus_query_duration_seconds_count"
    assert value(metrics, name, datasource="prometheus", outcome="success") == 1.0


def test_evaluations_are_told_as_they_are_by_then(metrics, told):
    """No figure is kept from one scrape to the next."""
    evaluations = EvaluationFigures(
        3, 2, 1, 1_700_000_000.5, 0.25, 5, 4, 600, 7_000, 0.5, 1_699_999_980, 9, 8, 7, 6
    )
    told.figures = SelfFigures(evaluations, True, 1_700_000_001.0, clock_offset=-3.5)
    shown = {
        sample.name.removeprefix(f"{PREFIX}_"): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if family.name.startswith(PREFIX) and not sample.labels
    }
    assert shown == {
        "total_shards": 1,
        "clock_skew_seconds": -3.5,
        "evaluations_total": 3,
        "evaluation_failures_total": 2,
        "evaluations_missed_total": 1,
        "last_evaluation_timestamp_seconds": 1_700_000_000.5,
        "last_evaluation_boundary_timestamp_seconds": 1_699_999_980,
        "last_evaluation_duration_seconds": 0.25,
        "slos": 5,
        "slos_failing": 4,
        "ledger_slots": 600,
        "ledger_bytes": 7_000,
        "backfill_progress_ratio": 0.5,
        "rebuilds": 9,
        "rebuilds_waiting": 8,
        "late_samples_total": 7,
        "late_samples_left": 6,
        "config_last_reload_successful": 1,
        "config_last_reload_success_timestamp_seconds": 1_700_000_001.0,
    }


def test_build_info_has_the_version(metrics):
    """A gauge of 1 with the version as its label."""
    [family] = [f for f in metrics.registry.collect() if f.name == f"{PREFIX}_build_info"]
    [sample] = family.samples
    assert sample.value == 1.0
    assert sample.labels["version"] == version("error-budget-exporter")


def test_every_registry_has_its_own(metrics):
    """Nothing is shared between two of them, and none is the global one."""
    other = SelfMetrics(CollectorRegistry(), lambda: SelfFigures(datasources={"mimir": None}))
    metrics.observe_query("mimir", "success", 0.25)
    name = "prometheus_query_duration_seconds_count"
    assert value(other, name, datasource="mimir", outcome="success") == 0.0


def test_no_series_tells_when_it_was_created(metrics):
    """They double the series and nobody reads them."""
    names = [sample.name for family in metrics.registry.collect() for sample in family.samples]
    assert not [name for name in names if name.endswith("_created")]


class TestStore:
    def test_without_one_there_are_no_metrics_of_it(self, metrics):
        """Nothing claims that all is safe on disk."""
        assert value(metrics, "store_up") is None

    def test_is_shown_with_counts_since_the_start(self, metrics, told):
        """As it is by then."""
        for figures in (StoreFigures(), StoreFigures(True, 7, 2, 10, 5.0)):
            told.figures = SelfFigures(store=figures)
            names = ("up", "writes_total", "write_failures_total", "size_bytes")
            shown = [value(metrics, f"store_{name}") for name in names]
            assert shown == [figures.up, figures.writes, figures.failures, figures.size]
            assert value(metrics, "store_last_write_timestamp_seconds") == figures.written
