"""What the figures and the file tell of an SLO. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.slo.alerting import SEVERITIES
from exporter.slo.durations import format_duration
from exporter.slo.figures import left, percent
from exporter.slo.findings import Finding, ok, warn
from exporter.slo.maintenance import excluded
from exporter.slo.model import EventsSli, LatencySli, ProbeSli, QuerySli
from exporter.slo.snapshot import DataState, SloStatus
from exporter.slo.types import MINUTE

LEAST_BUDGET = 10
"""Bad events that a period's budget should allow: with fewer, one event is an incident."""

KNOWN = 0.95
"""The share of the period that should be known."""

WANTED = ("owner", "runbook", "criticality")
"""Labels that whoever is paged asks for."""


def look_at_figures(status: SloStatus) -> list[Finding]:
    """What the state of an SLO tells, and what the file lacks."""
    return [
        *_data(status),
        *_coverage(status),
        *_conditions(status),
        *_budget(status),
        *_labels(status),
        *_maintenance(status),
    ]


def _data(status: SloStatus) -> Iterator[Finding]:
    if status.state is DataState.NO_TRAFFIC:
        yield warn("traffic", "no event in the last five minutes")
    if status.lag:
        lag = format_duration(status.lag)
        yield warn("lateness", f"data are {lag} late", "alerts come as much later")
    elif status.state is DataState.OK:
        yield ok("lateness", "data come in time")
    if status.scrape_interval:
        interval = format_duration(status.scrape_interval)
        if status.scrape_interval > 2 * MINUTE + MINUTE / 2:
            text = f"series are scraped every {interval}"
            yield warn("scrape interval", text, "windows shorter than two scrapes are not judged")
        else:
            yield ok("scrape interval", interval)


def _coverage(status: SloStatus) -> Iterator[Finding]:
    if status.coverage >= KNOWN:
        yield ok("retention", f"{percent(status.coverage)} of the period is known")
    elif status.state is not DataState.NO_DATA:
        yield warn(
            "retention",
            f"{percent(status.coverage)} of the period is known",
            "Prometheus has no more; the ledger keeps what comes",
        )


def _conditions(status: SloStatus) -> Iterator[Finding]:
    slo, length = status.slo, status.period.length
    able, budget = slo.conditions(length), slo.objective.error_budget
    low = [each for each in slo.alerting.enabled if not each.can_fire(length, budget)]
    long = [each for each in slo.alerting.enabled if each not in able and each not in low]
    if low:
        least = min(each.threshold(length) * budget for each in low)
        text = f"{', '.join(map(str, low))} cannot fire, as {percent(least)} would have to fail"
        yield warn("alerts", text, "raise the objective, or take a shorter period")
    if long:
        text = f"{', '.join(map(str, long))} cannot fire"
        yield warn("alerts", text, slo.cannot_hold(long[0], length) or "")
    disabled = [name for name in SEVERITIES if slo.alerting.of(name).disabled]
    if disabled:
        yield warn("alerts", f"{' and '.join(disabled)} alerts are disabled", "nobody is told")
    elif not low and not long:
        yield ok("alerts", "every burn-rate condition can fire")


def _budget(status: SloStatus) -> Iterator[Finding]:
    slo, period = status.slo, status.windows.get(status.slo.period.label)
    counts = isinstance(slo.sli, EventsSli | LatencySli | QuerySli | ProbeSli)
    if period and status.coverage > 0 and counts and not slo.timeslices:
        whole = status.period.length / status.period.elapsed / status.coverage
        allowed = period.total * whole * slo.objective.error_budget
        if allowed < LEAST_BUDGET:
            yield warn(
                "traffic",
                f"the budget of a period is {allowed:,.1f} bad events",
                "with little traffic, set alerting.min_bad_events, a longer period or a lower "
                "objective",
            )
        else:
            yield ok("traffic", f"the budget of a period is {allowed:,.0f} bad events")
    if status.budget is not None:
        if status.budget.remaining < 0:
            yield warn(
                "objective",
                f"it was missed in the last period: overspent by {left(-status.budget.remaining)}",
                "a target that is always missed is no target",
            )
        else:
            yield ok(
                "objective", f"it was met: {left(status.budget.remaining)} of the budget is left"
            )


def _labels(status: SloStatus) -> Iterator[Finding]:
    missing = [name for name in WANTED if not status.slo.labels.get(name)]
    if missing:
        yield warn("labels", f"there is no {', '.join(missing)}", "whoever is paged asks for them")
    else:
        yield ok("labels", ", ".join(f"{name} {status.slo.labels[name]}" for name in WANTED))
    yield ok("policy", status.slo.policy.name)


def _maintenance(status: SloStatus) -> Iterator[Finding]:
    windows, span = status.slo.maintenance, status.period
    if windows:
        minutes = span.elapsed // MINUTE
        share = excluded(windows, int(span.start), MINUTE, minutes)
        out = format_duration(float(share.sum()) * MINUTE)
        yield ok("maintenance", f"{out} of the last {format_duration(span.elapsed)} are excluded")
