"""Alerts on what the exporter says of SLOs: a few rules for any number of them.

Thresholds and states are series, so no rule can fall out of step with the configuration. What two
replicas both say becomes one alert: `without (instance, pod)` keeps all other labels, those of
`group_by` included.
"""

from __future__ import annotations

from exporter.rules.rule import AlertRule
from exporter.rules.templates import FIGURES

SLO = "{{ $labels.service }}/{{ $labels.slo }}"

BURNS = f"{SLO} burns its error budget {{{{ $value | humanize }}}} times too fast"


def _with_owner(expr: str) -> str:
    """Add the label `owner` of `slo_info` where an SLO has just one; others stay as they are.

    An SLO may be grouped by owner, and two replicas may name two for a moment: a join that met
    both would make the rule fail, and with it the alerts of all SLOs.
    """
    return f"""\
{expr}
* on (service, slo) group_left (owner) (
  max by (service, slo, owner) (slo_info)
  unless on (service, slo)
  count by (service, slo) (max by (service, slo, owner) (slo_info)) > 1
)
or on (service, slo)
{expr}"""


def burn_alert_name(severity: str) -> str:
    """What the burn-rate alerts of a severity are called."""
    return f"ErrorBudgetBurn{severity.title()}"


def _burn(severity: str) -> AlertRule:
    """One alert per SLO however many of its conditions hold; the value is how fast it burns."""
    return AlertRule(
        name=burn_alert_name(severity),
        expr=f'max without (instance, pod) (slo_alert_burn_rate{{severity="{severity}"}}) > 0',
        severity=severity,
        summary=BURNS,
        description=FIGURES,
        of_slo=True,
        burns=True,
        of_burning=True,
    )


def _state(state: str) -> str:
    return _with_owner(f"""\
(min without (instance, pod) (slo_data_state{{state="{state}"}}) == 1)""")


BURN = (_burn("page"), _burn("ticket"))

POLICY = (
    AlertRule(
        name="ErrorBudgetTierWorsened",
        expr=_with_owner("""\
(max without (instance, pod) (slo_policy_tier) == 1)
* ignoring (tier) group_left () (
  min without (instance, pod) (slo_error_budget_remaining_ratio)
  and time() - max without (instance, pod) (slo_policy_tier_worsened_timestamp_seconds) < 3600
)"""),
        severity="ticket",
        summary=f"{SLO} is now in the policy tier {{{{ $labels.tier }}}}",
        description="It was in a better one before. {{ $value | humanizePercentage }} of the error "
        "budget is left. The alert ends an hour after the change.",
        of_slo=True,
    ),
    AlertRule(
        name="ErrorBudgetExhausted",
        expr=_with_owner("""\
(0 - min without (instance, pod) (slo_error_budget_remaining_ratio) >= 0)"""),
        wait="5m",
        severity="ticket",
        summary=f"{SLO} has spent its error budget",
        description="It is overspent by {{ $value | humanizePercentage }}: the objective is missed "
        "unless old failures leave the period, or a new period begins.",
        of_slo=True,
    ),
    AlertRule(
        name="ErrorBudgetPostmortemRequired",
        expr=_with_owner("""\
(max without (instance, pod) (slo_postmortem_required) > 0)"""),
        severity="ticket",
        summary=f"{SLO} requires a postmortem",
        description="One incident used more of the period's error budget than the policy allows "
        "without a postmortem.",
        of_slo=True,
    ),
)

DATA = (
    AlertRule(
        name="ErrorBudgetDataStale",
        expr=_state("stale"),
        wait="10m",
        severity="ticket",
        summary=f"{SLO}: Prometheus does not answer, the budget is held",
        description="Burn rates are withdrawn, so its burn-rate alerts cannot fire.",
        of_slo=True,
    ),
    AlertRule(
        name="ErrorBudgetNoData",
        expr=_state("no_data"),
        wait="30m",
        severity="ticket",
        summary=f"{SLO}: its series do not exist",
        description="Prometheus answers, but has nothing to count: the SLO is not measured, and "
        "its burn-rate alerts cannot fire.",
        of_slo=True,
    ),
    AlertRule(
        name="ErrorBudgetDataInvalid",
        expr=_state("invalid"),
        wait="10m",
        severity="ticket",
        summary=f"{SLO}: its figures cannot be right",
        description="Such as more bad events than events: the SLO or its instrumentation is wrong. "
        "Tier and gate stay as they are, and burn-rate alerts cannot fire. Its page says why.",
        of_slo=True,
    ),
)

STARTER = (
    AlertRule(
        name="ErrorBudgetSloBreached",
        expr=_with_owner("""\
(
  max without (instance, pod, window) (slo_error_ratio{window="5m"})
  > 1 - max without (instance, pod) (slo_objective_ratio)
)"""),
        severity="ticket",
        summary=f"{SLO}: {{{{ $value | humanizePercentage }}}} of its events are bad",
        description="Over the last 5 minutes that is more than its objective allows. A short "
        "breach may cost little of the budget: the burn-rate alerts say whether it matters.",
        of_slo=True,
    ),
)
"""For a start: simple, and noisier than burn rates."""
