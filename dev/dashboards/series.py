"""PromQL that the dashboards share.

What two replicas both say is one series: `without (instance, pod)` keeps all other labels, those
of `group_by` included.
"""

from __future__ import annotations

from typing import Final

ANY_OF: Final = 'service=~"$service", slo=~"$slo", owner=~"($owner)?"'
"""The overview's variables; an SLO that is grouped by owner has that label itself."""

ONE: Final = 'service="$service", slo="$slo"'
"""The detail's variables: an SLO with all of its groups."""

JOB: Final = "error-budget-exporter"


def once(expr: str, *dropped: str, by: str = "max") -> str:
    """What the replicas say, once; without further labels that nobody needs to see."""
    return f"{by} without ({', '.join(('instance', 'pod', *dropped))}) ({expr})"


def exhausted_in(selector: str, *dropped: str) -> str:
    """Seconds until a budget is spent; infinite while burn rates are known that do not spend it."""
    seconds = once(f"slo_error_budget_exhaustion_seconds{{{selector}}}", *dropped, by="min")
    burn = once(f'slo_burn_rate{{{selector}, window=~"5m|1h"}}', "window", *dropped)
    return f"({seconds} or {burn} * 0 + Inf)"


def badness(selector: str) -> str:
    """The order of the status page: pages, then tickets, then by gate, then by budget."""

    def fires(severity: str) -> str:
        of = f'slo_burn_rate_alert{{{selector}, severity="{severity}"}}'
        return f"({once(of, 'severity', 'long', 'short')} == 1) * 0"

    every = f"{once(f'slo_objective_ratio{{{selector}}}')} * 0"
    gate = once(f"slo_policy_gate_level{{{selector}}}")
    budget = once(f"slo_error_budget_remaining_ratio{{{selector}}}", by="min")
    return f"""\
1e8 * ({fires("page")} or {fires("ticket")} + 1 or {every} + 2)
+ 1e6 * ((2 - {gate}) or {every} + 3)
+ (clamp({budget}, -1e5, 1) or {every} + 2)"""


def named(expr: str) -> str:
    """Without the exporter's own job: it is the same everywhere, and in the way of legends."""
    return f'label_replace({expr}, "job", "", "job", "{JOB}")'


def chosen(expr: str) -> str:
    """Only SLOs of the owners and tiers that are chosen.

    One whose tier is not known is shown whichever are chosen.
    """
    return f"""\
({expr})
and on (service, slo) slo_info{{owner=~"$owner"}}
unless ignoring (tier, state, severity)
{once('slo_policy_tier{tier!~"$tier"}')} == 1"""


def chosen_alerts(expr: str) -> str:
    """The same for series that carry the labels of alerts."""
    return f"""\
({expr})
and on (service, slo) slo_info{{owner=~"$owner"}}
and on (service, slo) slo_policy_tier{{tier=~"$tier"}} == 1"""
