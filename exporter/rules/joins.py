"""The labels that an SLO's owner gave it, on series that lack them: a join with `slo_info`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ONLY_INFO: Final = ("objective", "period", "policy")
"""Labels of `slo_info` that are none of the owner's."""

INFO: Final = "max without (instance, pod) (slo_info)"


@dataclass(frozen=True, slots=True)
class OfSlos:
    """What a configuration tells of its SLOs; empty where none is given.

    `groups` are the `group_by` labels of all SLOs. `renamed` are the labels of their owners that
    `slo_info` has as `exported_...`, by the names that they had. `windows` are those that error
    ratios are known over, periods included.
    """

    groups: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()


def with_owners_labels(expr: str, groups: tuple[str, ...] = ()) -> str:
    """Series of SLOs with all labels that `slo_info` has; without `slo_info` as they are.

    `slo_info` is the side of many, whose labels a join keeps whatever they are. `groups` are the
    `group_by` labels of all SLOs; where they are not known, SLOs with groups stay as they are: a
    join that met two would make the rule fail, and with it the series of all SLOs.
    """
    on = ", ".join(("service", "slo", *groups))
    several = f"count by ({on}) (max without (instance, pod) (slo_objective_ratio)) > 1"
    return f"""\
(
  (max by ({on}) ({expr}) unless on ({on}) {several})
  * on ({on}) group_right ()
  {INFO}
  or on ({on})
  {expr}
)"""
