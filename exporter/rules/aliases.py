"""Our series under the names that Sloth and Pyrra give theirs, for dashboards made for those."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from exporter.rules.joins import ONLY_INFO, OfSlos, with_owners_labels
from exporter.rules.rule import RecordingRule

SLOTH_WINDOWS: Final = (
    *("5m", "30m", "1h", "2h", "6h", "1d", "3d"),
    *("7d", "14d", "28d", "30d", "90d"),
)
"""Those of Sloth's rules, and usual periods."""


def _sloths_name(window: str) -> str:
    """A window as Sloth writes it, which has weeks and years: 28d are 4w."""
    days = int(match[1]) if (match := re.fullmatch(r"(\d+)d", window)) else 0
    for unit, length in (("y", 365), ("w", 7)):
        if days and days % length == 0:
            return f"{days // length}{unit}"
    return window


def sloth(of: OfSlos) -> tuple[RecordingRule, ...]:
    """The series of Sloth's rules; what is the same for all groups has none of their labels."""

    def named(
        expr: str, *extra: tuple[str, str], without: tuple[str, ...] = (), grouped: bool = True
    ) -> str:
        """Sloth's labels in place of ours; `extra` renames: (theirs, ours)."""
        expr = with_owners_labels(expr, of.groups)
        for theirs, ours in (("sloth_service", "service"), ("sloth_slo", "slo"), *extra):
            expr = f'label_join({expr}, "{theirs}", "", "{ours}")'
        expr = f'label_join({expr}, "sloth_id", "-", "service", "slo")'
        unwanted = ("instance", "pod", "service", "slo", *ONLY_INFO, *without)
        groups = () if grouped else of.groups
        expr = f"max without ({', '.join((*unwanted, *groups))}) ({expr})"
        return _names_back(expr, of.renamed)

    return (
        *(
            RecordingRule(
                f"slo:sli_error:ratio_rate{_sloths_name(window)}",
                named(f'slo_error_ratio{{window="{window}"}}', without=("window",)),
                {"sloth_window": _sloths_name(window)},
            )
            for window in dict.fromkeys((*SLOTH_WINDOWS, *of.windows))
        ),
        RecordingRule("slo:objective:ratio", named("slo_objective_ratio", grouped=False)),
        RecordingRule("slo:error_budget:ratio", named("1 - slo_objective_ratio", grouped=False)),
        RecordingRule("slo:time_period:days", named("slo_period_seconds / 86400", grouped=False)),
        RecordingRule(
            "slo:current_burn_rate:ratio",
            named('sum without (window) (slo_burn_rate{window="5m"})'),
        ),
        RecordingRule("slo:period_burn_rate:ratio", named("1 - slo_error_budget_remaining_ratio")),
        RecordingRule(
            "slo:period_error_budget_remaining:ratio", named("slo_error_budget_remaining_ratio")
        ),
        RecordingRule(
            "sloth_slo_info",
            named("slo_info", ("sloth_objective", "objective"), grouped=False),
            {"sloth_mode": "error-budget-exporter"},
        ),
    )


def pyrra(of: OfSlos) -> tuple[RecordingRule, ...]:
    """The series of Pyrra's generic rules, for which its dashboards ask."""

    def named(expr: str) -> str:
        """Pyrra's dashboards know an SLO by the label `slo` alone: by its name.

        Where several services have an SLO of that name, it takes the service in.
        """
        labelled = with_owners_labels(expr, of.groups)
        several = "count by (slo) (count by (service, slo) (slo_objective_ratio)) > 1"
        expr = f"""\
max without (instance, pod, {", ".join(ONLY_INFO)}) (
  {labelled} unless on (slo) ({several})
  or
  label_join({labelled} and on (slo) ({several}), "slo", "-", "service", "slo")
)"""
        return _names_back(expr, tuple(name for name in of.renamed if name != "slo"))

    return (
        RecordingRule("pyrra_objective", named("slo_objective_ratio")),
        RecordingRule("pyrra_window", named("slo_period_seconds")),
        RecordingRule(
            "pyrra_availability",
            named("1 - (1 - slo_error_budget_remaining_ratio) * (1 - slo_objective_ratio)"),
        ),
        RecordingRule("pyrra_requests:rate5m", named("rate(slo_events_total[5m])")),
        RecordingRule("pyrra_errors:rate5m", named("rate(slo_bad_events_total[5m])")),
    )


def _names_back(expr: str, renamed: tuple[str, ...]) -> str:
    """Labels of the owner by the names that they had before ours took them."""
    for name in renamed:
        expr = f'label_replace({expr}, "{name}", "$1", "exported_{name}", "(.+)")'
    if not renamed:
        return expr
    return f"max without ({', '.join(f'exported_{name}' for name in renamed)}) ({expr})"


ALIASES: Final[Mapping[str, Callable[[OfSlos], tuple[RecordingRule, ...]]]] = {
    "sloth": sloth,
    "pyrra": pyrra,
}
