"""The fields of OpenSLO's objects, and what becomes of each."""

from __future__ import annotations

from exporter.specs.fields import Field, Fields

_NAMED = {
    "apiVersion": Field("tells that it is OpenSLO's"),
    "kind": Field("tells which object it is"),
    "metadata.name": Field("`name`, and what others refer to"),
    "metadata.displayName": Field(
        "left out: names are shown", remark="is left out: names are shown", once=True
    ),
    "metadata.annotations": Field("left out; no part of the SLO", free=True),
    "metadata": Field("otherwise left out; no part of the SLO", free=True),
}

_TOP = {
    **_NAMED,
    "metadata.labels": Field(
        "`labels`, with underscores; several values are joined by commas", free=True
    ),
}
"""Of an SLO."""

_OTHER = {
    **_NAMED,
    "metadata.labels": Field(
        "left out: those of the SLO are its labels",
        remark="is left out: the labels of an SLO are those of the object SLO",
        once=True,
        free=True,
    ),
}
"""Of what SLOs refer to."""

_SOURCE = {
    "metricSource.metricSourceRef": Field("`datasource`, a name among `datasources`"),
    "metricSource.type": Field("must be Prometheus, or what answers PromQL"),
    "metricSource.spec": Field("its `query`; other keys are left out, which is said", free=True),
}

_SLI = {
    **{f"thresholdMetric.{key}": field for key, field in _SOURCE.items()},
    "ratioMetric.counter": Field("whether counters are counted, or gauges added up over time"),
    **{
        f"ratioMetric.{part}.{key}": field
        for part in ("good", "bad", "total", "raw")
        for key, field in _SOURCE.items()
    },
    "ratioMetric.rawType": Field("`sli.ratio.success` or `sli.ratio.error`"),
}

_INDICATOR = {
    "indicator.metadata": Field("left out; no part of the SLO", free=True),
    **{f"indicator.spec.{key}": field for key, field in _SLI.items()},
    "indicator.spec.description": Field("left out: the SLO's is shown"),
    "indicatorRef": Field("the SLI of that name, in any of the files"),
}

_CALENDAR = {
    "calendar.startTime": Field("must be the beginning of such a period; otherwise that is said"),
    "calendar.timeZone": Field("`period.time_zone`"),
}

_CONDITION = {
    "description": Field("left out"),
    "severity": Field("`page` for page, critical, sev1 and the like; otherwise `ticket`"),
    "condition.kind": Field("must be burnrate"),
    "condition.op": Field("left out: a condition is a burn rate above the threshold"),
    "condition.threshold": Field("`alerting.windows[].budget`, as a share of the period's budget"),
    "condition.lookbackWindow": Field("`alerting.windows[].long`; `short` is a twelfth of it"),
    "condition.alertAfter": Field("left out, which is said: the short window has that part"),
}

_POLICY = {
    "description": Field("left out"),
    "alertWhenNoData": Field(
        "left out: the alert ErrorBudgetNoData is for all SLOs",
        remark="is left out: the alert ErrorBudgetNoData is for all SLOs",
        unless=("true", "True", "yes"),
    ),
    "alertWhenResolved": Field(
        "left out: Alertmanager's receivers choose it, `send_resolved`",
        remark="is left out: Alertmanager's receivers choose it by send_resolved",
        once=True,
    ),
    "alertWhenBreaching": Field("where it is false, the policy alerts of nothing"),
    "conditions[].conditionRef": Field("the AlertCondition of that name, in any of the files"),
    "conditions[].kind": Field("tells that it is a condition"),
    "conditions[].metadata": Field("left out", free=True),
    **{f"conditions[].spec.{key}": field for key, field in _CONDITION.items()},
    "notificationTargets": Field(
        "left out: Alertmanager's routes choose receivers",
        remark="is left out: Alertmanager's routes choose who is notified, by the alerts' labels",
        once=True,
        free=True,
    ),
}

SLO: Fields = {
    **_TOP,
    "spec.description": Field("`description`"),
    "spec.service": Field("`service`"),
    **{f"spec.{key}": field for key, field in _INDICATOR.items()},
    "spec.timeWindow[].duration": Field("`period`, or the unit of `period.calendar`"),
    "spec.timeWindow[].isRolling": Field("whether the period is rolling or the calendar's"),
    **{f"spec.timeWindow[].{key}": field for key, field in _CALENDAR.items()},
    "spec.budgetingMethod": Field("`budgeting.method`"),
    "spec.objectives[].displayName": Field("the end of `name`, where there are several"),
    "spec.objectives[].op": Field("`sli.threshold.must_be`"),
    "spec.objectives[].value": Field("`sli.threshold.must_be`"),
    "spec.objectives[].target": Field("`objective`, in percent"),
    "spec.objectives[].targetPercent": Field("`objective`"),
    "spec.objectives[].timeSliceTarget": Field("`budgeting.target`, in percent"),
    "spec.objectives[].timeSliceWindow": Field("`budgeting.slice`; a number is minutes"),
    **{f"spec.objectives[].{key}": field for key, field in _INDICATOR.items()},
    "spec.objectives[].compositeWeight": Field("`composite.of[].weight`"),
    "spec.alertPolicies[].alertPolicyRef": Field("the AlertPolicy of that name"),
    "spec.alertPolicies[].kind": Field("tells that it is a policy"),
    "spec.alertPolicies[].metadata": Field("left out", free=True),
    **{f"spec.alertPolicies[].spec.{key}": field for key, field in _POLICY.items()},
}

SLI: Fields = {
    **_OTHER,
    "spec.description": Field("left out: the SLO's is shown"),
    **{f"spec.{key}": field for key, field in _SLI.items()},
}

SERVICE: Fields = {**_OTHER, "spec.description": Field("left out")}

DATA_SOURCE: Fields = {
    **_OTHER,
    "spec.description": Field("left out"),
    "spec.type": Field("must be Prometheus, or what answers PromQL"),
    "spec.connectionDetails": Field(
        "left out: write `datasources` in the configuration", free=True
    ),
}

ALERT_POLICY: Fields = {**_OTHER, **{f"spec.{key}": field for key, field in _POLICY.items()}}

ALERT_CONDITION: Fields = {**_OTHER, **{f"spec.{key}": field for key, field in _CONDITION.items()}}

NOTIFICATION_TARGET: Fields = {
    **_OTHER,
    "spec.target": Field(
        "left out: Alertmanager's routes choose receivers",
        remark="is left out: Alertmanager's receivers say where alerts go",
        once=True,
    ),
    "spec.description": Field("left out"),
}

OBJECTS: dict[str, Fields] = {
    "SLO": SLO,
    "SLI": SLI,
    "Service": SERVICE,
    "DataSource": DATA_SOURCE,
    "AlertPolicy": ALERT_POLICY,
    "AlertCondition": ALERT_CONDITION,
    "AlertNotificationTarget": NOTIFICATION_TARGET,
}
"""The objects of `openslo/v1`."""

_ALPHA_SOURCE = {
    "source": Field("must be Prometheus, or what answers PromQL"),
    "queryType": Field("must be promql"),
    "query": Field("the query"),
    "metadata": Field("left out", free=True),
}

ALPHA: Fields = {
    **_TOP,
    "spec.description": Field("`description`"),
    "spec.service": Field("`service`"),
    "spec.timeWindows[].unit": Field("`period`, or the unit of `period.calendar`"),
    "spec.timeWindows[].count": Field("how many of these"),
    "spec.timeWindows[].isRolling": Field("whether the period is rolling or the calendar's"),
    **{f"spec.timeWindows[].{key}": field for key, field in _CALENDAR.items()},
    "spec.budgetingMethod": Field("`budgeting.method`"),
    **{f"spec.indicator.thresholdMetric.{key}": field for key, field in _ALPHA_SOURCE.items()},
    "spec.objectives[].displayName": Field("the end of `name`, where there are several"),
    "spec.objectives[].op": Field("`sli.threshold.must_be`"),
    "spec.objectives[].value": Field("`sli.threshold.must_be`"),
    "spec.objectives[].target": Field("`objective`, in percent"),
    "spec.objectives[].timeSliceTarget": Field("`budgeting.target`, in percent"),
    "spec.objectives[].timeSliceWindow": Field("`budgeting.slice`; a number is minutes"),
    "spec.objectives[].ratioMetrics.counter": Field("as in `openslo/v1`"),
    "spec.objectives[].ratioMetrics.incremental": Field("as `counter`"),
    **{
        f"spec.objectives[].ratioMetrics.{part}.{key}": field
        for part in ("good", "total")
        for key, field in _ALPHA_SOURCE.items()
    },
}
"""The `SLO` of `openslo/v1alpha`."""
