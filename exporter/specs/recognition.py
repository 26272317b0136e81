"""Which format an object is of: told by its own marks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exporter.marked import Mapping, Place, Sequence
from exporter.specs.node import Node

SLOTH = "Sloth"
PYRRA = "Pyrra"
OPENSLO = "OpenSLO"

GROUPS = {"sloth.slok.dev": SLOTH, "pyrra.dev": PYRRA, "openslo": OPENSLO, "openslo.com": OPENSLO}
"""The API groups of Kubernetes objects, and the tools that they belong to."""

VERSIONS = {
    SLOTH: ("prometheus/v1", "sloth.slok.dev/v1"),
    PYRRA: ("pyrra.dev/v1alpha1",),
    OPENSLO: ("openslo/v1", "openslo/v1alpha", "openslo.com/v1", "openslo.com/v1alpha"),
}

KINDS = {
    SLOTH: ("", "PrometheusServiceLevel", "AlertWindows"),
    PYRRA: ("ServiceLevelObjective",),
    OPENSLO: (
        "SLO",
        "SLI",
        "Service",
        "DataSource",
        "AlertPolicy",
        "AlertCondition",
        "AlertNotificationTarget",
    ),
}

_TELLING = {
    kind: tool
    for tool, kinds in KINDS.items()
    for kind in kinds
    if kind not in {"", "Service", "DataSource"}
}
"""Kinds that no object of Kubernetes itself has."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object of a file that is not our own.

    `tool` is whose spec it is, None for any other kind. `version` is its `apiVersion`, or
    `prometheus/v1` where the object is Sloth's file; `kind` is empty there.
    """

    node: Node
    tool: str | None
    version: str
    kind: str = ""


def recognise(values: Mapping, file: Path, line: int) -> list[Found] | None:
    """The objects of a document that is not our own; None if it is, or may be."""
    return _found(Node(values, Place(file, ()), line))


def _found(node: Node, version: object = None, kind: object = None) -> list[Found] | None:
    """The objects of a value; `version` and `kind` are those that its list implies."""
    values = node.value
    if not isinstance(values, Mapping):
        return [Found(node, None, "", "what is no object")]
    version, kind = values.get("apiVersion", version), values.get("kind", kind)
    if isinstance(version, str) and isinstance(kind, str):
        if kind.endswith("List") and isinstance(values.get("items"), Sequence):
            own = kind.removesuffix("List") or None
            return [
                found
                for entry in node.needed("items").entries()
                for found in _found(entry, version, own) or [Found(entry, None, "", "no object")]
            ]
        group, slash, _ = version.partition("/")
        # A spec whose group was forgotten is no object of somebody else's.
        tool = GROUPS.get(group) if slash else _TELLING.get(kind)
        return [Found(node, tool, version, kind)]
    if isinstance(kind, str) and kind in _TELLING:
        return [Found(node, _TELLING[kind], "", kind)]
    if _is_sloth(values):
        return [Found(node, SLOTH, str(values["version"]))]
    if isinstance(values.get("groups"), Sequence) and "slos" not in values:
        return [Found(node, None, "", "a Prometheus rule file")]
    return None


def _is_sloth(values: Mapping) -> bool:
    version = values.get("version")
    return isinstance(version, str) and version.startswith("prometheus/")
