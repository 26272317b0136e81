"""docs/metrics.md, made from the metrics themselves: `python -m exporter.exposition.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from exporter.exposition.alert_metrics import ALERT_FAMILIES
from exporter.exposition.families import CHANGE, OVERRIDES, ROLLUPS, SERVICE_TIER
from exporter.exposition.selection import OPTIONAL
from exporter.exposition.self_metrics import PREFIX, SelfFigures, SelfMetrics, StoreFigures
from exporter.exposition.slo_metrics import FAMILIES, Family

INTRO = """\
# Metrics

Every series of an SLO carries `service`, `slo` and the `group_by` labels of that SLO; the table
names what comes on top. A value that is not known has no series: nothing is frozen at its last
good value, and there is no -1 and no NaN.

Scrape with `honor_labels: true`, or Prometheus renames `service` to `exported_service` where the
target has a label of that name, too:

```yaml
scrape_configs:
  - job_name: error-budget-exporter
    honor_labels: true
    static_configs:
      - targets: ["localhost:9098"]
```

## SLOs

"""

FOR_WHOM = (
    (
        "the rules",
        "`slo_alert_...` (two while nothing fires), `slo_error_ratio` over 5m, "
        "`slo_error_budget_remaining_ratio`, `slo_policy_tier`, "
        "`slo_policy_tier_worsened_timestamp_seconds`, `slo_postmortem_required`, "
        "`slo_data_state`, `slo_info`, `slo_objective_ratio`",
        17,
    ),
    (
        "the dashboards, besides",
        "`slo_error_ratio` and `slo_burn_rate` over 5m, 1h and 6h, `slo_burn_rate_alert` and "
        "`slo_burn_rate_threshold`, the other figures of budget, tier, incidents and data, the two "
        "counters",
        22,
    ),
    (
        "other tools' names (`rules --aliases`), and queries of your own",
        "`slo_error_ratio` and `slo_burn_rate` over all other windows",
        10,
    ),
    ("those who ask for them by `metrics.also`", "marked in the table", 6),
)
"""Who needs which series, and how many an SLO has without groups and with the default policy."""

LIGHTER = """
So an SLO has some 49 series by default. `metrics.windows: [5m, 1h, 6h]` leaves 39, with which all
rules and dashboards work, and `metrics.leave_out` names others ([configuration](config.md)):

```yaml
metrics:
  windows: [5m, 1h, 6h]
  leave_out: [slo_error_budget_remaining_events]
```

`check` says what of the rules and dashboards lacks a series then, and so do the commands that write
them, with `--config.file`. The page, the API and the gate have everything in any case.

"""

FORMULAS = """
The figures, over a window that ends at the newest slot boundary:

    error_ratio      = bad / total                          no traffic: 0; nothing known: no series
    burn_rate        = error_ratio / (1 - objective)
    budget_remaining = 1 - bad / ((1 - objective) * total)  over the period; no traffic: 1
    exhaustion       = budget_remaining * period / rate     where all of a rolling period is known

The rate of the exhaustion is that which holds now: `burn_rate(5m)` while it is above
`burn_rate(1h)` or below half of it, else `burn_rate(1h)`. At a rate of 1 or less the budget is not
spent. As long as the period's traffic still grows, as it does to the end of a calendar period, its
budget grows with it:
exhaustion = budget_remaining * elapsed / (rate - 1), and none if the period ends before that.

Windows are `5m`, `30m`, `1h`, `2h`, `6h`, `1d`, `3d`, those of the SLO's own conditions
(`alerting.windows`; all shorter than a rolling period), and the period itself.

Data states: `ok`; `no_traffic` (measured, zero events in the last five minutes); `no_data`
(Prometheus answers, but the series do not exist); `stale` (Prometheus has not answered for
`stale_after`: ratios and burn rates are withdrawn, the budget and the tier are held);
`invalid` (what cannot be right is withdrawn, the tier is held).

`slo_events_total` and `slo_bad_events_total` count from midnight UTC on, and start again from zero
every day, as counters may: use them with `rate()` and `increase()`. So replicas and restarts agree
on them.
They are there once all of the day is known.

## The exporter itself

"""

OUTRO = """
The usual `process_*` metrics of Prometheus client libraries are there as well.
"""


def reference() -> str:
    """The whole document."""
    slos = _table(
        (family.name, family.kind, ", ".join(family.labels), _help(family))
        for family in (*FAMILIES, *ALERT_FAMILIES)
    )
    name, kind, help_ = SERVICE_TIER
    slos += _row(name, kind, "tier (and no `slo`)", help_)
    name, kind, help_ = OVERRIDES
    slos += _row(name, kind, "(no `slo`)", help_)
    name, kind, help_ = CHANGE
    slos += _row(name, kind, "what (and no `slo`)", help_)
    for name, kind, help_ in ROLLUPS:
        slos += _row(name, kind, "rollup (`service`, `owner`, `all`), name (and no `slo`)", help_)
    whom = "".join(f"| {who} | {what} | {count} |\n" for who, what, count in FOR_WHOM)
    head = "\nWhich are for whom:\n\n| for | metrics | series of an SLO |\n|---|---|---|\n"
    return INTRO + slos + head + whom + LIGHTER + FORMULAS.lstrip() + _table(_own()) + OUTRO


def _help(family: Family) -> str:
    asked_for = " Only with `metrics.also`." if family.name in OPTIONAL else ""
    return family.help + asked_for


def _own() -> Iterable[tuple[str, str, str, str]]:
    metrics = SelfMetrics(CollectorRegistry(), lambda: SelfFigures(store=StoreFigures()))
    for family in metrics.registry.collect():
        if family.name.startswith(PREFIX):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            own = {label for sample in family.samples for label in sample.labels} - {"le"}
            yield name, family.type, ", ".join(sorted(own)), family.documentation


def _table(rows: Iterable[tuple[str, str, str, str]]) -> str:
    head = "| name | type | labels | meaning |\n|---|---|---|---|\n"
    return head + "".join(_row(*row) for row in rows)


def _row(name: str, kind: str, labels: str, help_: str) -> str:
    return f"| `{name}` | {kind} | {labels} | {help_} |\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
