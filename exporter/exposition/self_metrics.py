"""The exporter's metrics about itself."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

PREFIX = "error_budget_exporter"

OUTCOMES = ("success", "refused", "unavailable")
"""How a query may end; all but the last are answers."""


class SelfMetrics:
    """Creates the metrics in a registry; every known series is there from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # as the library has it
        self.registry = registry
        ProcessCollector(registry=registry)
        build = self._gauge("build_info", "The version that runs.", ("version", "python"))
        build.labels(version("error-budget-exporter"), platform.python_version()).set(1)
        self.evaluations = self._counter("evaluations_total", "Evaluations done.")
        self.failures = self._counter(
            "evaluation_failures_total",
            "Evaluations for which Prometheus could not be asked, or that failed themselves.",
        )
        self.missed = self._counter(
            "evaluations_missed_total",
            "Slot boundaries that went by during a slow evaluation; their slots are caught up.",
        )
        self.last_evaluation = self._gauge(
            "last_evaluation_timestamp_seconds", "When the last evaluation ended."
        )
        self.last_duration = self._gauge(
            "last_evaluation_duration_seconds",
            "How long the last evaluation took, queries included.",
        )
        self.queries = Histogram(
            f"{PREFIX}_prometheus_query_duration_seconds",
            "Queries to a datasource by outcome: success, refused, unavailable.",
            ("datasource", "outcome"),
            registry=registry,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
        )
        self._datasources: set[str] = set()
        self.datasource_up = self._gauge(
            "datasource_up",
            "Whether the newest query to a datasource was answered.",
            ("datasource",),
        )
        self.reload_successful = self._gauge(
            "config_last_reload_successful", "Whether the configuration was read the last time."
        )
        self.reload_timestamp = self._gauge(
            "config_last_reload_success_timestamp_seconds",
            "When the configuration was last read with success.",
        )
        self.slos = self._gauge("slos", "SLOs evaluated, every group for itself.")
        self.slos_failing = self._gauge(
            "slos_failing", "SLOs that have a problem of their own; the page names it."
        )
        self.ledger_slots = self._gauge("ledger_slots", "Slots in memory, known or not.")
        self.ledger_bytes = self._gauge("ledger_bytes", "Memory that the slots take.")
        self.backfill_progress = self._gauge(
            "backfill_progress_ratio",
            "The share of the periods' history that Prometheus was asked for; 1 when done.",
        )

    def show_store(self) -> None:
        """Create the metrics of the store; without one there are none."""
        self._store_writes = self._store_failures = 0
        self.store_up = self._gauge(
            "store_up", "Whether all that has settled is stored on disk; 0 when a write failed."
        )
        self.store_writes = self._counter("store_writes_total", "Writes to the store done.")
        self.store_failures = self._counter(
            "store_write_failures_total", "Writes to the store that failed; they are tried again."
        )
        self.store_size = self._gauge("store_size_bytes", "What the store takes on disk.")
        self.store_written = self._gauge(
            "store_last_write_timestamp_seconds", "When the store was last written."
        )

    def observe_store(
        self, *, up: bool, writes: int, failures: int, size: int, written: float
    ) -> None:
        """Show how the store is; `writes` and `failures` are all since the start."""
        self.store_up.set(up)
        self.store_writes.inc(writes - self._store_writes)
        self.store_failures.inc(failures - self._store_failures)
        self._store_writes, self._store_failures = writes, failures
        self.store_size.set(size)
        self.store_written.set(written)

    def _gauge(self, name: str, help_: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", help_, labels, registry=self.registry)

    def _counter(self, name: str, help_: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", help_, registry=self.registry)

    def know_datasources(self, names: Iterable[str]) -> None:
        """Make the series of queries to these datasources; those of any others go."""
        known = set(names)
        for name in self._datasources - known:
            self.datasource_up.remove(name)
            for outcome in OUTCOMES:
                self.queries.remove(name, outcome)
        for name in known - self._datasources:
            for outcome in OUTCOMES:
                self.queries.labels(name, outcome)
        self._datasources = known

    def observe_query(self, datasource: str, outcome: str, seconds: float) -> None:
        """Count one query to a datasource, by one of OUTCOMES."""
        self.queries.labels(datasource, outcome).observe(seconds)
        self.datasource_up.labels(datasource).set(outcome != "unavailable")
