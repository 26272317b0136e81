"""Alerts about the exporter itself."""

from __future__ import annotations

from exporter.rules.rule import AlertRule


def alerts(job: str) -> tuple[AlertRule, ...]:
    """All of them; `job` is the scrape job of the exporter."""
    return (*_nobody_watches(job), *_one_of_several(job), *_NEEDS_A_HAND)


def _nobody_watches(job: str) -> tuple[AlertRule, ...]:
    """These page."""
    return (
        AlertRule(
            name="ErrorBudgetExporterDown",
            expr=f'absent(up{{job="{job}"}} == 1)',
            wait="5m",
            severity="page",
            summary="The error-budget exporter is down: no SLO is monitored",
            description="Prometheus has not scraped any replica for 5 minutes. No burn-rate "
            "alert can fire, and the policy tiers are unknown.",
        ),
        AlertRule(
            name="ErrorBudgetExporterShardMissing",
            expr="""\
count by (job) (count by (job, shard) (error_budget_exporter_total_shards))
< max by (job) (error_budget_exporter_total_shards)""",
            wait="5m",
            severity="page",
            summary="Shards of the error-budget exporter are missing: their services are not "
            "monitored",
            description="Only {{ $value }} of its shards have been scraped for 5 minutes. No "
            "burn-rate alert of the services of the others can fire.",
        ),
        AlertRule(
            name="ErrorBudgetExporterNotEvaluating",
            expr="""\
min without (instance, pod) (
  time() - error_budget_exporter_last_evaluation_timestamp_seconds
) > 600""",
            wait="5m",
            severity="page",
            summary="The error-budget exporter does not evaluate: no SLO is monitored",
            description="The last evaluation of any replica ended {{ $value | humanizeDuration }} "
            "ago. Burn rates and budgets are old or withdrawn.",
        ),
        AlertRule(
            name="ErrorBudgetClockSkew",
            expr="abs(error_budget_exporter_clock_skew_seconds) > 30"
            " or abs(error_budget_exporter_datasource_clock_skew_seconds) > 30",
            wait="5m",
            severity="ticket",
            summary="The clocks of the error-budget exporter and of Prometheus disagree: "
            "{{ $labels.instance }} {{ $labels.datasource }}",
            description="For 5 minutes a clock has been {{ $value | humanizeDuration }} off. Slots "
            "of a time that a datasource does not have are not judged: beyond 15 minutes its SLOs "
            "are stale.",
        ),
        AlertRule(
            name="ErrorBudgetDatasourceDown",
            expr="max without (instance, pod) (error_budget_exporter_datasource_up) == 0",
            wait="10m",
            severity="page",
            summary="The datasource {{ $labels.datasource }} does not answer the error-budget "
            "exporter",
            description="No replica has had an answer for 10 minutes from {{ $labels.datasource "
            "}}. Its SLOs are stale: burn rates are withdrawn, their alerts cannot fire; budgets "
            "and tiers are held.",
        ),
    )


def _one_of_several(job: str) -> tuple[AlertRule, ...]:
    """One replica has failed; another one is running."""
    return (
        AlertRule(
            name="ErrorBudgetExporterReplicaDown",
            expr=f'up{{job="{job}"}} == 0 and on (job) up{{job="{job}"}} == 1',
            wait="10m",
            severity="ticket",
            summary="A replica of the error-budget exporter cannot be scraped: {{ "
            "$labels.instance }}",
            description="Another one is running. If it was the only one of its shard, "
            "ErrorBudgetExporterShardMissing says so.",
        ),
        AlertRule(
            name="ErrorBudgetExporterShardsDiffer",
            expr="""\
max by (job) (error_budget_exporter_total_shards)
!= min by (job) (error_budget_exporter_total_shards)""",
            wait="15m",
            severity="ticket",
            summary="Shards of the error-budget exporter differ in how many they are",
            description="Some are told that there are {{ $value }}, others fewer, so some services "
            "may be on two shards and some on none.",
        ),
        AlertRule(
            name="ErrorBudgetExporterReplicaNotEvaluating",
            expr="""\
time() - error_budget_exporter_last_evaluation_timestamp_seconds > 600
and on (job, shard)
time() - error_budget_exporter_last_evaluation_timestamp_seconds <= 600""",
            wait="10m",
            severity="ticket",
            summary="A replica of the error-budget exporter does not evaluate: {{ "
            "$labels.instance }}",
            description="Its last evaluation ended {{ $value | humanizeDuration }} ago. Another "
            "replica is running.",
        ),
    )


_NEEDS_A_HAND = (
    AlertRule(
        name="ErrorBudgetExporterEvaluationsFailing",
        expr="""\
increase(error_budget_exporter_evaluation_failures_total[15m])
> 0.5 * increase(error_budget_exporter_evaluations_total[15m])""",
        wait="10m",
        severity="ticket",
        summary="Most evaluations of the error-budget exporter fail ({{ $labels.instance }})",
        description="{{ $value | humanize }} evaluations failed in the last 15 minutes: a "
        "datasource does not answer, or the exporter has a bug. The log has the error.",
    ),
    AlertRule(
        name="ErrorBudgetExporterEvaluationsMissed",
        expr="rate(error_budget_exporter_evaluations_missed_total[10m]) > 0",
        wait="30m",
        severity="ticket",
        summary="The error-budget exporter is slower than its interval ({{ $labels.instance }})",
        description="Evaluations have taken longer than a slot for 30 minutes. No slot is lost, "
        "but alerts are late.",
    ),
    AlertRule(
        name="ErrorBudgetExporterReloadFailed",
        expr="error_budget_exporter_config_last_reload_successful == 0",
        wait="5m",
        severity="ticket",
        summary="The error-budget exporter runs on an old configuration ({{ $labels.instance }})",
        description="The last reload was refused, and the old configuration is in force. With "
        "this file the exporter would not start again.",
    ),
    AlertRule(
        name="ErrorBudgetExporterStoreFailing",
        expr="error_budget_exporter_store_up == 0",
        wait="10m",
        severity="ticket",
        summary="The error-budget exporter cannot store its ledger ({{ $labels.instance }})",
        description="It continues in memory. If it stops now, everything beyond Prometheus's "
        "retention is lost.",
    ),
    AlertRule(
        name="ErrorBudgetExporterBackfillStuck",
        expr="""\
error_budget_exporter_backfill_progress_ratio < 1
and delta(error_budget_exporter_backfill_progress_ratio[30m]) < 0.01""",
        wait="30m",
        severity="ticket",
        summary="The error-budget exporter makes no progress reading history ({{ "
        "$labels.instance }})",
        description="{{ $value | humanizePercentage }} of the history has been read, less than 1% "
        "of it in the last 30 minutes. Budgets cover only a part of their period.",
    ),
    AlertRule(
        name="ErrorBudgetSlosFailing",
        expr="max without (instance, pod) (error_budget_exporter_slos_failing) > 0",
        wait="15m",
        severity="ticket",
        summary="SLOs with a problem: {{ $value }}",
        description="Prometheus refuses their queries, or their series are not what the "
        "configuration says. The exporter's page and log name them.",
    ),
)
