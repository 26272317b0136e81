"""The exporter itself: whether it evaluates, asks and stores as it should."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common, dashboard

from dev.dashboards.parts import (
    EXPORTER_UID,
    Panels,
    any_of,
    chart,
    figure,
    now,
    on_or_off,
    over_time,
    page,
    thresholds,
)

OF: Final = 'job=~"$job", instance=~"$instance"'
REPLICA: Final = "{{instance}}"


def exporter_itself() -> build.Dashboard:
    """The dashboard."""
    shell = page(
        EXPORTER_UID,
        "Error budgets: the exporter",
        "The error-budget exporter's metrics about itself, a line for each replica.",
        "now-6h",
    )
    jobs = "label_values(error_budget_exporter_build_info, job)"
    replicas = 'label_values(error_budget_exporter_build_info{job=~"$job"}, instance)'
    shell.with_variable(any_of("job", "Job", jobs))
    shell.with_variable(any_of("instance", "Replica", replicas))
    for panel in (*_figures(), *_evaluating(), *_asking(), *_keeping(), *_process()):
        shell.with_panel(panel)
    return shell


def own(name: str) -> str:
    """One of the exporter's metrics, of the replicas that are chosen."""
    return f"error_budget_exporter_{name}{{{OF}}}"


def rate(name: str) -> str:
    """How fast a counter grows."""
    return f"rate({own(name)}[$__rate_interval])"


def _figures() -> Panels:
    good = thresholds((None, "red"), (1, "green"))
    none = thresholds((None, "green"), (1, "orange"))
    return (
        figure("Version", "Of each replica.", 4, now(own("build_info"), "{{version}}")).text_mode(
            common.BigValueTextMode.NAME
        ),
        figure("SLOs", "Evaluated SLOs; each group counts as one.", 4, now(own("slos"), REPLICA)),
        figure(
            "SLOs with a problem",
            "SLOs that cannot be counted completely. The exporter's page says why.",
            4,
            now(own("slos_failing"), REPLICA),
        ).thresholds(none),
        figure(
            "Last evaluation",
            "How long ago it ended.",
            4,
            now(f"time() - {own('last_evaluation_timestamp_seconds')}", REPLICA),
        )
        .unit("s")
        .thresholds(thresholds((None, "green"), (120, "orange"), (600, "red"))),
        figure(
            "History read",
            "The share of the periods' history that has been read.",
            4,
            now(own("backfill_progress_ratio"), REPLICA),
        )
        .unit("percentunit")
        .thresholds(thresholds((None, "orange"), (1, "green"))),
        figure(
            "Configuration",
            "Whether the last reload succeeded.",
            4,
            now(own("config_last_reload_successful"), REPLICA),
        )
        .mappings(
            [
                dashboard.ValueMap(
                    {
                        "0": dashboard.ValueMappingResult("refused"),
                        "1": dashboard.ValueMappingResult("in force"),
                    }
                )
            ]
        )
        .thresholds(good),
    )


def _evaluating() -> Panels:
    return (
        chart(
            "Evaluation",
            "How long the last one took, queries included.",
            12,
            over_time(own("last_evaluation_duration_seconds"), REPLICA),
        ).unit("s"),
        chart(
            "Evaluations",
            "Done, failed (Prometheus could not be asked), missed (slower than the interval).",
            12,
            over_time(rate("evaluations_total"), f"done {REPLICA}"),
            over_time(rate("evaluation_failures_total"), f"failed {REPLICA}"),
            over_time(rate("evaluations_missed_total"), f"missed {REPLICA}"),
        ).unit("ops"),
    )


def _asking() -> Panels:
    buckets = rate("prometheus_query_duration_seconds_bucket")
    slowest = f"histogram_quantile(0.99, sum by (datasource, le) ({buckets}))"
    queries = rate("prometheus_query_duration_seconds_count")
    return (
        chart(
            "Queries to Prometheus",
            "By datasource and outcome.",
            8,
            over_time(f"sum by (datasource, outcome) ({queries})", "{{datasource}}: {{outcome}}"),
        ).unit("reqps"),
        chart(
            "Slowest queries",
            "99% of all queries took less.",
            8,
            over_time(slowest, "{{datasource}}"),
        ).unit("s"),
        on_or_off(
            "Datasources",
            "Filled while the newest query was answered.",
            8,
            over_time(own("datasource_up"), f"{{{{datasource}}}} {REPLICA}"),
        ).height(9),
    )


def _keeping() -> Panels:
    return (
        chart(
            "Ledger", "Memory used by its slots.", 8, over_time(own("ledger_bytes"), REPLICA)
        ).unit("bytes"),
        chart("Store", "Its size on disk.", 8, over_time(own("store_size_bytes"), REPLICA)).unit(
            "bytes"
        ),
        chart(
            "Writes to the store",
            "Failed writes are retried.",
            8,
            over_time(rate("store_writes_total"), f"done {REPLICA}"),
            over_time(rate("store_write_failures_total"), f"failed {REPLICA}"),
        ).unit("ops"),
    )


def _process() -> Panels:
    return (
        chart(
            "Memory",
            "Resident memory of the process.",
            12,
            over_time(f"process_resident_memory_bytes{{{OF}}}", REPLICA),
        ).unit("bytes"),
        chart(
            "CPU",
            "Cores in use.",
            12,
            over_time(f"rate(process_cpu_seconds_total{{{OF}}}[$__rate_interval])", REPLICA),
        ),
    )
