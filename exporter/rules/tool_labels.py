"""What burn-rate alerts are called and carry where they take the place of another tool's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_EXPORTED: Final = "exported_"

_PYRRAS: Final = {"page": "critical", "ticket": "warning"}
"""Our severities, as Pyrra calls its own."""


def own_name(label: str) -> str | None:
    """What a label of an SLO was called before one of ours took its name; None if it still is."""
    return label.removeprefix(_EXPORTED) if label.startswith(_EXPORTED) else None


def of_tool(
    labels: Mapping[str, str], slo_labels: Mapping[str, str] | None, aliases: Sequence[str]
) -> dict[str, str]:
    """The labels of an alert, `severity` among them, with those by which the tools are asked.

    An alert on one SLO has the SLO's labels, too, and `severity` is what the tool's alert had.
    """
    severity = labels["severity"]
    found = dict(labels)
    if slo_labels is not None:
        pyrra = "pyrra" in aliases and "sloth" not in aliases
        own = {name: value for name, value in labels.items() if name != "severity"}
        found = {"severity": _PYRRAS[severity] if pyrra else severity}
        found |= _named_back(slo_labels) | _named_back(own)
    if "sloth" in aliases:
        # As templates: one rule is about any SLO.
        found |= {
            "sloth_id": "{{ $labels.service }}-{{ $labels.slo }}",
            "sloth_service": "{{ $labels.service }}",
            "sloth_slo": "{{ $labels.slo }}",
            "sloth_severity": severity,
        }
    return found


def _named_back(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels by the names that they had; a value with {{ would be a template here."""
    return {own_name(name) or name: value for name, value in labels.items() if "{{" not in value}


def usual_name(aliases: Sequence[str]) -> str | None:
    """What the tool calls an alert that has no name of its own, if it has such a name."""
    return "ErrorBudgetBurn" if "pyrra" in aliases and "sloth" not in aliases else None
