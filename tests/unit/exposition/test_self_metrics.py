"""The exporter's metrics about itself."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from prometheus_client import CollectorRegistry

from exporter.exposition.self_metrics import PREFIX, SelfMetrics


@pytest.fixture
def metrics() -> SelfMetrics:
    return SelfMetrics(CollectorRegistry())


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


@pytest.mark.parametrize("outcome", ["success", "refused", "unavailable"])
def test_queries_are_counted_and_timed_by_datasource_and_outcome(metrics, outcome):
    """Every outcome is there from the start, and grows alone."""
    metrics.know_datasources(["prometheus", "mimir"])
    name = "prometheus_query_duration_seconds"
    labels = {"datasource": "mimir", "outcome": outcome}
    assert value(metrics, f"{name}_count", **labels) == 0.0
    metrics.observe_query("mimir", outcome, 0.25)
    assert value(metrics, f"{name}_count", **labels) == 1.0
    assert value(metrics, f"{name}_sum", **labels) == 0.25
    counts = [
        value(metrics, f"{name}_count", datasource=datasource, outcome=of)
        for datasource in ("prometheus", "mimir")
        for of in ("success", "refused", "unavailable")
    ]
    assert sum(counts) == 1.0


def test_whether_a_datasource_is_up_is_known_from_its_newest_query(metrics):
    """A refusal is an answer; before the first query nothing is known."""
    metrics.know_datasources(["prometheus", "mimir"])
    found = []
    for outcome in ("unavailable", "refused", "unavailable", "success"):
        metrics.observe_query("mimir", outcome, 0.25)
        found.append(value(metrics, "datasource_up", datasource="mimir"))
    assert found == [0, 1, 0, 1]
    assert value(metrics, "datasource_up", datasource="prometheus") is None


def test_a_datasource_that_is_gone_has_no_series(metrics):
    """While the counts of those that stay go on."""
    metrics.know_datasources(["prometheus", "mimir", "unasked"])
    for name in ("prometheus", "mimir"):
        metrics.observe_query(name, "success", 0.25)
    metrics.know_datasources(["prometheus", "thanos"])
    labels = [
        sample.labels
        for family in metrics.registry.collect()
        for sample in family.samples
        if "datasource" in sample.labels
    ]
    assert {of["datasource"] for of in labels} == {"prometheus", "thanos"}
    name = "prometheus_query_duration_seconds_count"
    assert value(metrics, name, datasource="prometheus", outcome="success") == 1.0


def test_build_info_has_the_version(metrics):
    """A gauge of 1 with the version as its label."""
    [family] = [f for f in metrics.registry.collect() if f.name == f"{PREFIX}_build_info"]
    [sample] = family.samples
    assert sample.value == 1.0
    assert sample.labels["version"] == version("error-budget-exporter")


def test_every_registry_has_its_own(metrics):
    """Nothing is shared between two of them, and none is the global one."""
    other = SelfMetrics(CollectorRegistry())
    metrics.evaluations.inc()
    assert value(other, "evaluations_total") == 0.0


def test_no_series_tells_when_it_was_created(metrics):
    """They double the series and nobody reads them."""
    names = [sample.name for family in metrics.registry.collect() for sample in family.samples]
    assert not [name for name in names if name.endswith("_created")]


class TestStore:
    def test_without_one_there_are_no_metrics_of_it(self, metrics):
        """Nothing claims that all is safe on disk."""
        assert value(metrics, "store_up") is None

    def test_is_shown_with_counts_since_the_start(self, metrics):
        """As it tells of itself after every evaluation."""
        metrics.show_store()
        assert value(metrics, "store_writes_total") == 0.0
        for up, writes, failures in ((True, 3, 0), (False, 3, 2), (True, 7, 2)):
            metrics.observe_store(up=up, writes=writes, failures=failures, size=10, written=5.0)
        names = ("up", "writes_total", "write_failures_total", "size_bytes")
        assert [value(metrics, f"store_{name}") for name in names] == [1.0, 7.0, 2.0, 10.0]
        assert value(metrics, "store_last_write_timestamp_seconds") == 5.0
