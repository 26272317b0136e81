"""The exporter's metrics about itself: read from the daemon whenever they are rendered."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import (
    CollectorRegistry,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from exporter.slo.sharding import ALONE, Shard
from exporter.version import installed

PREFIX = "error_budget_exporter"

OUTCOMES = ("success", "refused", "unavailable")
"""How a query may end; all but the last are answers."""


@dataclass(frozen=True, slots=True)
class EvaluationFigures:
    """What came of the evaluations since the start. Times are Unix seconds, 0 for not yet.

    - `done`, `failures`, `missed`: evaluations that ended, those without Prometheus or with a fault
      of ours, and slot boundaries that went by unattended.
    - `at`, `seconds`: when the last one ended, and how long it took; `boundary`: the slot boundary
      that its figures are as of.
    - `slos`, `slos_failing`: SLOs evaluated, and those with a problem of their own.
    - `ledger_slots`, `ledger_bytes`: what the ledger holds.
    - `history_progress`: the share of the history wanted that was asked for.
    - `rebuilds`, `rebuilds_waiting`: SLOs that are read again, and those whose questions are
      refused.
    - `late_samples`, `late_left`: how often samples were found to have come after their slots had
      settled, and for how many slots of six hours such samples are not counted.
    """

    done: int = 0
    failures: int = 0
    missed: int = 0
    at: float = 0.0
    seconds: float = 0.0
    slos: int = 0
    slos_failing: int = 0
    ledger_slots: int = 0
    ledger_bytes: int = 0
    history_progress: float = 0.0
    boundary: int = 0
    rebuilds: int = 0
    rebuilds_waiting: int = 0
    late_samples: int = 0
    late_left: int = 0


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """How the store is: whether all that has settled is there, and the counts since the start."""

    up: bool = False
    writes: int = 0
    failures: int = 0
    size: int = 0
    written: float = 0.0


@dataclass(frozen=True, slots=True)
class SelfFigures:
    """What the daemon says of itself at one moment.

    `datasources` tells of each whether the newest query was answered, None before the first one.
    `clock_offset` is by how many seconds this machine's clock is ahead of the time that slots go
    by, `clock_skews` are those of datasources.
    `store` is None where nothing is stored. `shard` is which one it is, and of how many.
    """

    evaluations: EvaluationFigures = field(default_factory=EvaluationFigures)
    reload_successful: bool = False
    reload_timestamp: float = 0.0
    datasources: Mapping[str, bool | None] = field(default_factory=dict)
    clock_offset: float = 0.0
    clock_skews: Mapping[str, float] = field(default_factory=dict)
    store: StoreFigures | None = None
    shard: Shard = ALONE


class SelfMetrics:
    """Renders what `read` tells; only queries are counted here, as they happen.

    `read` may be called from any thread. Every known series is there from the start.
    """

    def __init__(
        self, registry: CollectorRegistry, read: Callable[[], SelfFigures] = SelfFigures
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # as the library has it
        self.registry = registry
        self._read = read
        self._queries = Histogram(
            f"{PREFIX}_prometheus_query_duration_seconds",
            "Queries to a datasource by outcome: success, refused, unavailable.",
            ("datasource", "outcome"),
            registry=None,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
        )
        ProcessCollector(registry=registry)
        registry.register(self)

    def observe_query(self, datasource: str, outcome: str, seconds: float) -> None:
        """Count one query to a datasource, by one of OUTCOMES."""
        self._queries.labels(datasource, outcome).observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """All metrics, as prometheus_client asks for them; each names the shard, if there are any.

        So the rules, which combine replicas, tell shards apart.
        """
        figures = self._read()
        for family in self._families(figures):
            if figures.shard.total > 1:
                family.samples = [
                    sample._replace(labels={**sample.labels, "shard": str(figures.shard.number)})
                    for sample in family.samples
                ]
            yield family

    def _families(self, figures: SelfFigures) -> Iterator[Metric]:
        build = _gauge("build_info", "The version that runs.", labels=("version", "python"))
        build.add_metric((installed(), platform.python_version()), 1)
        yield build
        yield _gauge(
            "total_shards",
            "How many shards divide the services among them. With more than one, the label `shard` "
            "of all these metrics says which one it is, from 0 on.",
            figures.shard.total,
        )
        yield from _evaluations(figures.evaluations)
        yield self._queries_to(figures.datasources)
        up = _gauge(
            "datasource_up",
            "Whether the newest query to a datasource was answered.",
            labels=("datasource",),
        )
        for name, answered in figures.datasources.items():
            if answered is not None:
                up.add_metric((name,), answered)
        yield up
        skew = _gauge(
            "datasource_clock_skew_seconds",
            "By how much a datasource's clock is ahead of the time that slots go by; 0 within "
            "30 s.",
            labels=("datasource",),
        )
        for name, ahead in figures.clock_skews.items():
            skew.add_metric((name,), ahead)
        yield skew
        yield _gauge(
            "clock_skew_seconds",
            "By how much the clock of this machine is ahead of the time that slots go by.",
            figures.clock_offset,
        )
        yield _gauge(
            "config_last_reload_successful",
            "Whether the configuration was read the last time.",
            figures.reload_successful,
        )
        yield _gauge(
            "config_last_reload_success_timestamp_seconds",
            "When the configuration was last read with success.",
            figures.reload_timestamp,
        )
        yield from _contents(figures.evaluations)
        if figures.store is not None:
            yield from _store(figures.store)

    def _queries_to(self, datasources: Mapping[str, object]) -> Metric:
        """The histogram, of these datasources alone: others have left the configuration."""
        for name in datasources:
            for outcome in OUTCOMES:
                self._queries.labels(name, outcome)
        [family] = self._queries.collect()
        family.samples = [
            sample for sample in family.samples if sample.labels["datasource"] in datasources
        ]
        return family


def _gauge(
    name: str, help_: str, value: float | None = None, labels: tuple[str, ...] | None = None
) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_, value, labels)


def _counter(name: str, help_: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"{PREFIX}_{name}", help_, value)


def _evaluations(figures: EvaluationFigures) -> Iterator[Metric]:
    yield _counter("evaluations_total", "Evaluations done.", figures.done)
    yield _counter(
        "evaluation_failures_total",
        "Evaluations for which Prometheus could not be asked, or that failed themselves.",
        figures.failures,
    )
    yield _counter(
        "evaluations_missed_total",
        "Slot boundaries that went by during a slow evaluation; their slots are caught up.",
        figures.missed,
    )
    yield _gauge("last_evaluation_timestamp_seconds", "When the last evaluation ended.", figures.at)
    yield _gauge(
        "last_evaluation_boundary_timestamp_seconds",
        "The slot boundary that the figures of the last evaluation are as of.",
        figures.boundary,
    )
    yield _gauge(
        "last_evaluation_duration_seconds",
        "How long the last evaluation took, queries included.",
        figures.seconds,
    )


def _contents(figures: EvaluationFigures) -> Iterator[Metric]:
    yield _gauge("slos", "SLOs evaluated, every group for itself.", figures.slos)
    yield _gauge(
        "slos_failing",
        "SLOs that have a problem of their own; the page names it.",
        figures.slos_failing,
    )
    yield _gauge("ledger_slots", "Slots in memory, known or not.", figures.ledger_slots)
    yield _gauge("ledger_bytes", "Memory that the slots take.", figures.ledger_bytes)
    yield _gauge(
        "backfill_progress_ratio",
        "The share of the periods' history that Prometheus was asked for; 1 when done.",
        figures.history_progress,
    )

    yield _gauge("rebuilds", "SLOs that are read from Prometheus again.", figures.rebuilds)
    yield _gauge(
        "rebuilds_waiting",
        "Those of them whose questions Prometheus refuses or does not answer; it is tried again.",
        figures.rebuilds_waiting,
    )

    yield _counter(
        "late_samples_total",
        "Times that samples of an SLO were found to have come after their slots had settled.",
        figures.late_samples,
    )
    yield _gauge(
        "late_samples_left",
        "Slots of six hours for which samples came that are not counted: they are older than "
        "evaluation.revisit.",
        figures.late_left,
    )


def _store(figures: StoreFigures) -> Iterator[Metric]:
    yield _gauge(
        "store_up",
        "Whether all that has settled is stored on disk; 0 when a write failed.",
        figures.up,
    )
    yield _counter("store_writes_total", "Writes to the store done.", figures.writes)
    yield _counter(
        "store_write_failures_total",
        "Writes to the store that failed; they are tried again.",
        figures.failures,
    )
    yield _gauge("store_size_bytes", "What the store takes on disk.", figures.size)
    yield _gauge(
        "store_last_write_timestamp_seconds", "When the store was last written.", figures.written
    )
