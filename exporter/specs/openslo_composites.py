"""OpenSLO's composites: SLOs whose objectives have indicators of their own.

The specification gives them weights, but neither a formula nor a target of their own. Without
weights a moment is good if all parts are; with them it is their mean. The target is what the
targets of the parts come to by the same formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from math import prod

from exporter.marked import Mapping
from exporter.specs.node import Node, Remarks, Section, listed

DIGITS = Decimal("1e-10")
"""Digits of an objective in percent."""

_SHARED = ("description", "service", "period", "labels", "alerting")


def composite(
    name: Node, parts: Sequence[tuple[Mapping, Node]], objectives: Node, remarks: Remarks
) -> Section | None:
    """The composite of SLOs, each with its objective; None if none can be made, which is said."""
    groups = [entry.get("group_by") for entry, _ in parts]
    grouped = next(filter(None, groups), None)
    if any(each not in (None, grouped) for each in groups):
        remarks.say(objectives, "are of different groups: no composite is made of them")
        return None
    weights = [objective.get("compositeWeight") for _, objective in parts]
    numbers = [_number(each) for each in weights]
    targets = [Decimal(str(entry["objective"])) / 100 for entry, _ in parts]
    if any(weights):
        method = "weighted"
        target = sum((w * t for w, t in zip(numbers, targets, strict=True)), Decimal(0)) / sum(
            numbers
        )
    else:
        method, target = "all", Decimal(prod(targets))
    percent = f"{(target * 100).quantize(DIGITS).normalize():f}"
    made = Section().set("name", name.text, name)
    first = parts[0][0]
    for key in _SHARED:
        if key in first:
            made.set(key, first[key], objectives)
    made.set("objective", percent, objectives)
    of = []
    for (entry, objective), weight in zip(parts, weights, strict=True):
        part = Section().set("slo", f"{entry['service']}/{entry['name']}", objective)
        of.append((part.take("weight", weight), objective))
    section = Section().set("method", method, objectives)
    made.set("composite", section.set("of", listed(list(of)), objectives), objectives)
    if grouped:
        made.set("group_by", grouped, objectives)
    remarks.say(
        objectives,
        f"are a composite SLO without a target of its own: {name.text} is made of them ({method}), "
        f"and its objective is what theirs come to: {percent}",
    )
    return made


def _number(weight: Node | None) -> Decimal:
    """A weight; what is none of a number is told by the configuration's own checks."""
    try:
        number = Decimal(weight.text) if weight else Decimal(1)
    except InvalidOperation:
        return Decimal(1)
    return number if number.is_finite() and number > 0 else Decimal(1)
