"""The fields of Sloth's specs, and what becomes of each."""

from __future__ import annotations

from exporter.specs.fields import Field, Fields


def _alert(severity: str) -> Fields:
    own = f"`alerting.{severity}"
    return {
        "disable": Field(f"{own}.disabled`"),
        "labels": Field(f"{own}.labels`, after those of `alerting`", free=True),
        "annotations": Field(f"{own}.annotations`, after those of `alerting`", free=True),
    }


def _fields(*, crd: bool) -> Fields:
    """The fields of a spec; a custom resource has the same in camelCase."""

    def name(snake: str) -> str:
        first, *others = snake.split("_")
        return first + "".join(map(str.capitalize, others)) if crd else snake

    plugins = {
        "overridePrevious": Field("where the chain then lacks `core/alert_rules`: no alerts"),
        "chain[].id": Field(
            "plugins of Sloth's own are not needed or have a counterpart; others are refused"
        ),
        "chain[].config": Field("`info_labels`: `labels`; otherwise as the plugin", free=True),
        "chain[].priority": Field("left out: nothing runs one after another here"),
    }
    slo = {
        "name": Field("`name`"),
        "description": Field("`description`"),
        "objective": Field("`objective`; 100 is refused, since it leaves no error budget"),
        "labels": Field("`labels`, after those of the service", free=True),
        f"sli.events.{name('error_query')}": Field("`sli.query.bad`"),
        f"sli.events.{name('total_query')}": Field("`sli.query.total`"),
        f"sli.raw.{name('error_ratio_query')}": Field(
            "`sli.query` where it is a ratio of events; else `sli.ratio.error` over 5m"
        ),
        "sli.plugin.id": Field("refused, with the `sli` in its place for the common ones"),
        "sli.plugin.options": Field("as `sli.plugin.id`", free=True),
        "alerting.name": Field("`alerting.name`"),
        "alerting.labels": Field("labels of both alerts", free=True),
        "alerting.annotations": Field("annotations of both alerts", free=True),
        **{f"alerting.{name('page_alert')}.{key}": field for key, field in _alert("page").items()},
        **{
            f"alerting.{name('ticket_alert')}.{key}": field
            for key, field in _alert("ticket").items()
        },
        **{f"plugins.{key}": field for key, field in plugins.items()},
    }
    return {
        "service": Field("`service`"),
        "labels": Field("`labels` of each of its SLOs", free=True),
        **{f"{name('slo_plugins')}.{key}": field for key, field in plugins.items()},
        **{f"slos[].{key}": field for key, field in slo.items()},
    }


FILE: Fields = {"version": Field("tells that it is Sloth's"), **_fields(crd=False)}
"""A file with `version: prometheus/v1`."""

_OBJECT = {
    "apiVersion": Field("tells that it is Sloth's"),
    "kind": Field("tells that it is Sloth's"),
    "metadata": Field("names the object in Kubernetes; no part of the SLO", free=True),
}

RESOURCE: Fields = {
    **_OBJECT,
    **{f"spec.{key}": field for key, field in _fields(crd=True).items()},
    "status": Field("written by Sloth; no part of the SLO", free=True),
}
"""A `PrometheusServiceLevel`."""

_WINDOW = {
    "errorBudgetPercent": Field("`alerting.windows[].budget`"),
    "shortWindow": Field("`alerting.windows[].short`"),
    "longWindow": Field("`alerting.windows[].long`"),
}

WINDOWS: Fields = {
    **_OBJECT,
    "spec.sloPeriod": Field("`period` of Sloth's SLOs, if the file is the only one"),
    **{
        f"spec.{severity}.{speed}.{key}": field
        for severity in ("page", "ticket")
        for speed in ("quick", "slow")
        for key, field in _WINDOW.items()
    },
}
"""An `AlertWindows`."""
