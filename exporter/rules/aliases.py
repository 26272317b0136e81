"""Our series under the names that Sloth and Pyrra give theirs, for dashboards made for those."""

from __future__ import annotations

from typing import Final

from exporter.rules.rule import RecordingRule

SLOTH_WINDOWS: Final = {
    **{window: window for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")},
    **{"7d": "1w", "14d": "2w", "28d": "4w", "30d": "30d", "90d": "90d"},
}
"""Those of Sloth's rules and usual periods: ours, and as Sloth writes them, which has weeks."""


def _sloth(expr: str, *extra: tuple[str, str], without: tuple[str, ...] = ()) -> str:
    """An expression with Sloth's labels in place of ours; `extra` renames: (theirs, ours)."""
    for theirs, ours in (("sloth_service", "service"), ("sloth_slo", "slo"), *extra):
        expr = f'label_join({expr}, "{theirs}", "", "{ours}")'
    expr = f'label_join({expr}, "sloth_id", "-", "service", "slo")'
    ours = ", ".join(("instance", "pod", "service", "slo", *(own for _, own in extra), *without))
    return f"max without ({ours}) ({expr})"


SLOTH: Final = (
    *(
        RecordingRule(
            f"slo:sli_error:ratio_rate{theirs}",
            _sloth(f'slo_error_ratio{{window="{ours}"}}', without=("window",)),
            {"sloth_window": theirs},
        )
        for ours, theirs in SLOTH_WINDOWS.items()
    ),
    RecordingRule("slo:objective:ratio", _sloth("slo_objective_ratio")),
    RecordingRule("slo:error_budget:ratio", _sloth("1 - slo_objective_ratio")),
    RecordingRule("slo:time_period:days", _sloth("slo_period_seconds / 86400")),
    RecordingRule(
        "slo:current_burn_rate:ratio", _sloth('sum without (window) (slo_burn_rate{window="5m"})')
    ),
    RecordingRule("slo:period_burn_rate:ratio", _sloth("1 - slo_error_budget_remaining_ratio")),
    RecordingRule(
        "slo:period_error_budget_remaining:ratio", _sloth("slo_error_budget_remaining_ratio")
    ),
    RecordingRule(
        "sloth_slo_info",
        _sloth("slo_info", ("sloth_objective", "objective")),
        {"sloth_mode": "error-budget-exporter"},
    ),
)


def _pyrra(expr: str) -> str:
    """Pyrra's dashboards know an SLO by the label `slo` alone: by its name.

    Where several services have an SLO of that name, it takes the service in.
    """
    several = "count by (slo) (count by (service, slo) (slo_objective_ratio)) > 1"
    return f"""\
max without (instance, pod) (
  {expr} unless on (slo) ({several})
  or
  label_join(({expr}) and on (slo) ({several}), "slo", "-", "service", "slo")
)"""


PYRRA: Final = (
    RecordingRule("pyrra_objective", _pyrra("slo_objective_ratio")),
    RecordingRule("pyrra_window", _pyrra("slo_period_seconds")),
    RecordingRule(
        "pyrra_availability",
        _pyrra("1 - (1 - slo_error_budget_remaining_ratio) * (1 - slo_objective_ratio)"),
    ),
    RecordingRule("pyrra_requests:rate5m", _pyrra("rate(slo_events_total[5m])")),
    RecordingRule("pyrra_errors:rate5m", _pyrra("rate(slo_bad_events_total[5m])")),
)

ALIASES: Final = {"sloth": SLOTH, "pyrra": PYRRA}
