"""docs/metrics.md, made from the metrics themselves: `python -m exporter.exposition.reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from exporter.exposition.alert_metrics import ALERT_FAMILIES
from exporter.exposition.families import OVERRIDES, SERVICE_TIER
from exporter.exposition.self_metrics import PREFIX, SelfFigures, SelfMetrics, StoreFigures
from exporter.exposition.slo_metrics import FAMILIES

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

FORMULAS = """
The figures, over a window that ends at the newest slot boundary:

    error_ratio      = bad / total                          no traffic: 0; nothing known: no series
    burn_rate        = error_ratio / (1 - objective)
    budget_remaining = 1 - bad / ((1 - objective) * total)  over the period; no traffic: 1
    exhaustion       = budget_remaining * period / rate     rolling, even traffic, nothing leaves
    exhaustion       = budget_remaining * elapsed / (rate - 1)   calendar, even traffic

The exhaustion is when the budget is spent if what holds now goes on: burn rate and traffic of the
last 5 minutes while these burn faster than the last hour or less than half as fast, else those of
the hour. Traffic goes on as it is for an hour, and then as in the period so far. Meanwhile old
failures leave a rolling period when the ledger says so; hence a rate above 1 may take longer than
by the formula, and one below 1 may spend what little is left. The budget of a calendar period grows
with its traffic. There is no series if the budget is not spent within the length of a rolling
period, or before a calendar one ends. [What is said, beside what then happened](policy.md#outlook).

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
        (family.name, family.kind, ", ".join(family.labels), family.help)
        for family in (*FAMILIES, *ALERT_FAMILIES)
    )
    name, kind, help_ = SERVICE_TIER
    slos += _row(name, kind, "tier (and no `slo`)", help_)
    name, kind, help_ = OVERRIDES
    slos += _row(name, kind, "(no `slo`)", help_)
    return INTRO + slos + FORMULAS + _table(_own()) + OUTRO


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
