"""The fields of Pyrra's ServiceLevelObjective, and what becomes of each."""

from __future__ import annotations

from exporter.specs.fields import Field, Fields

_GROUPING = Field("`group_by`; what our metrics have themselves, as `measured_...`")

_PAGE = Field("`alerting.page.labels.exported_severity`, `severity` by `rules --aliases=pyrra`")
_TICKET = Field("`alerting.ticket.labels.exported_severity`, likewise")

FIELDS: Fields = {
    "apiVersion": Field("tells that it is Pyrra's"),
    "kind": Field("tells that it is Pyrra's"),
    "metadata.name": Field("`name`"),
    "metadata.namespace": Field("`service`, where nothing else tells it"),
    "metadata.labels": Field(
        "`pyrra.dev/NAME`: `labels`, as `NAME`; `pyrra.dev/service`, or else "
        "`app.kubernetes.io/name`: `service`; others, as in Pyrra, are no part of the SLO",
        free=True,
    ),
    "metadata.annotations": Field("`pyrra.dev/NAME`: annotations of its alerts", free=True),
    "metadata": Field("otherwise names the object in Kubernetes", free=True),
    "spec.description": Field("`description`"),
    "spec.target": Field("`objective`"),
    "spec.window": Field("`period`, and `alerting.windows`, as Pyrra scales them"),
    "spec.indicator.ratio.errors.metric": Field("`sli.events.bad`"),
    "spec.indicator.ratio.total.metric": Field("`sli.events.total`"),
    "spec.indicator.ratio.grouping": _GROUPING,
    "spec.indicator.latency.success.metric": Field(
        "`sli.latency`, its `le` the threshold; `sli.events.good` where the matchers differ"
    ),
    "spec.indicator.latency.total.metric": Field("`sli.latency.histogram`, or `sli.events.total`"),
    "spec.indicator.latency.grouping": _GROUPING,
    "spec.indicator.latencyNative.latency": Field("`sli.latency.threshold`"),
    "spec.indicator.latencyNative.total.metric": Field("`sli.latency.histogram`"),
    "spec.indicator.latencyNative.grouping": _GROUPING,
    "spec.indicator.bool_gauge.metric": Field("`sli.probe.selector`"),
    "spec.indicator.bool_gauge.grouping": _GROUPING,
    "spec.alerting.disabled": Field("`alerting.page.disabled` and `alerting.ticket.disabled`"),
    "spec.alerting.burnrates": Field("as `disabled`, where it is false"),
    "spec.alerting.absent": Field(
        "left out: the alert ErrorBudgetNoData is for all SLOs",
        remark="is left out: the alert ErrorBudgetNoData is for all SLOs",
        unless=("true", "True", "yes"),
    ),
    "spec.alerting.name": Field("`alerting.name`"),
    "spec.alerting.absentName": Field(
        "left out",
        remark="is left out: the alert on SLOs without data is ErrorBudgetNoData for all",
    ),
    "spec.alerting.severities.fastBurn": _PAGE,
    "spec.alerting.severities.mediumBurn": _PAGE,
    "spec.alerting.severities.slowBurn": _TICKET,
    "spec.alerting.severities.longTermBurn": _TICKET,
    "spec.alerting.severities.absent": Field(
        "left out",
        remark="is left out: the alert on SLOs without data is ErrorBudgetNoData, a ticket",
    ),
    "spec.partial_response_strategy": Field(
        "left out: incomplete answers never count",
        remark="is left out: incomplete answers never count",
        unless=("abort", ""),
    ),
    "spec.performanceOverAccuracy": Field("not needed: counts are exact, and cheap"),
    "spec.ruleOutput": Field(
        "left out: there are no recording rules",
        remark="is left out: there are no recording rules whose PrometheusRules could be labelled",
        free=True,
    ),
    "status": Field("written by Pyrra; no part of the SLO", free=True),
}
