"""Labels of specs: those of an SLO, and those that make several SLOs of one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from exporter.marked import Mapping, Sequence
from exporter.specs.node import Node, Remarks, Section, listed

_UNFIT = re.compile(r"[^a-zA-Z0-9_]", re.ASCII)


def label_name(name: str) -> str:
    """A label's name as Prometheus has had them: `app.kubernetes.io/name` has underscores."""
    fitting = _UNFIT.sub("_", name)
    return fitting if not fitting[:1].isdigit() else f"_{fitting}"


def slo_labels(
    labels: Iterable[tuple[str, Node]], taken: frozenset[str], remarks: Remarks
) -> Section:
    """The labels of an SLO, from names and nodes; later ones win.

    What `slo_info` has itself (`taken`) gets the prefix that Prometheus gives to labels that
    clash.
    """
    found = Section()
    written: dict[str, str] = {}
    for name, node in labels:
        shown = label_name(name)
        if shown in taken:
            shown = f"exported_{shown}"
            remarks.say(
                node,
                f"the label {name} is {shown} on slo_info, which has {label_name(name)} itself",
            )
        elif shown != name:
            remarks.say(node, f"the label {name} is {shown} on slo_info")
        if written.setdefault(shown, name) != name:
            remarks.refuse(node, f"becomes the label {shown}, as {written[shown]} does: rename one")
        found.set(shown, node.value, node)
    return found


def group_by(
    labels: Iterable[str], node: Node, taken: frozenset[str], remarks: Remarks
) -> Sequence:
    """The `group_by` of an SLO; a label that our metrics have themselves gets another name."""
    found: list[tuple[object, Node]] = []
    for label in labels:
        shown = label_name(label)
        if shown not in taken:
            found.append((label, node))
            continue
        renamed = Section().set("label", label, node).set("as", f"measured_{shown}", node)
        found.append((renamed, node))
        remarks.say(
            node,
            f"the label {label} that it groups by is measured_{shown} in the exporter's metrics, "
            f"which have {shown} themselves",
        )
    return listed(found)


def flattened(node: Node) -> Mapping | object:
    """A label's value; several ones (OpenSLO) are joined by commas."""
    if isinstance(node.value, Sequence):
        return ",".join(str(value) for value in node.value)
    return node.value
