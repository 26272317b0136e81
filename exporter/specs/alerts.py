"""What specs say of alerts, as our `alerting`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from exporter.slo.own_labels import SERIES_LABELS
from exporter.specs.labels import label_name
from exporter.specs.node import Node, Remarks, Section, listed

_TAKEN = SERIES_LABELS | {"alert_name", "alertname", "instance", "pod"}
"""Labels that our alerts have themselves."""

_RENAMED = {"sloth_service": "service", "sloth_slo": "slo", "sloth_severity": "severity"}
"""Sloth's labels, as templates of annotations name them, and ours."""

_TEMPLATE_ID = re.compile(r"(\{\{-?\s*\$labels\.)sloth_id(\s*-?\}\})")
_TEMPLATE_LABEL = re.compile(r"(\$labels\.)(sloth_\w+)")

Named = Iterable[tuple[str, Node]]


def sloth_alerting(
    slo: Node, silent: Node | None, windows: list[Node], remarks: Remarks
) -> Section | None:
    """The `alerting` of a Sloth SLO; `silent` is the chain of plugins that makes no alerts."""
    spec = slo.get("alerting")
    alerting = Section()
    if spec:
        alerting.take_words("name", spec.get("name"))
    for severity, keys in {
        "page": ("page_alert", "pageAlert"),
        "ticket": ("ticket_alert", "ticketAlert"),
    }.items():
        own = next(filter(None, map(spec.get, keys)), None) if spec else None
        disable = silent or (own.get("disable") if own else None)
        section = Section()
        if disable and disable.truth:
            section.set("disabled", "true", disable)
        else:
            both = [node for node in (spec, own) if node]
            labels = [pair for node in both for pair in _pairs(node, "labels")]
            annotations = [pair for node in both for pair in _pairs(node, "annotations")]
            _put(section, "labels", alert_labels(labels, remarks), spec or slo)
            _put(section, "annotations", alert_annotations(annotations, remarks), spec or slo)
        _put(alerting, severity, section, own or spec or slo)
    if len(windows) == 1:
        alerting.set("windows", _windows(windows[0]), slo)
    elif windows:
        remarks.say(
            slo,
            f"there are {len(windows)} AlertWindows, and the spec does not say which is its own: "
            "the usual windows are used. Keep one, or set alerting.windows",
        )
    return alerting or None


def _pairs(node: Node, key: str) -> Named:
    found = node.get(key)
    return found.items() if found else ()


def _put(section: Section, key: str, value: Section, node: Node) -> None:
    if value:
        section.set(key, value, node)


def alert_labels(labels: Named, remarks: Remarks) -> Section:
    """Labels of alerts, later ones on top; what our alerts carry themselves is renamed."""
    found = Section()
    for name, node in labels:
        shown = label_name(name)
        if shown in _TAKEN:
            remarks.say(
                node,
                f"alerts have the label {shown} of their own: this one is exported_{shown}, which "
                "routes and silences have to match instead",
            )
            shown = f"exported_{shown}"
        if isinstance(node.value, str) and "{{" in node.value:
            remarks.say(node, "is a template, and left out: a label that changes is another alert")
        else:
            found.set(shown, node.value, node)
    return found


def alert_annotations(annotations: Named, remarks: Remarks) -> Section:
    """Annotations of alerts; in their templates Sloth's labels become ours."""
    found = Section()
    for name, node in annotations:
        text = node.value
        if isinstance(text, str):
            text = _TEMPLATE_ID.sub(r"\1service\2-\1slo\2", text)
            text = _TEMPLATE_LABEL.sub(_own_label, text)
            if "$labels.sloth_" in text:
                remarks.say(node, "names labels of Sloth that the exporter's alerts do not have")
        found.set(label_name(name), text, node)
    return found


def _own_label(match: re.Match[str]) -> str:
    return match[1] + _RENAMED.get(match[2], match[2])


def _windows(node: Node) -> object:
    conditions: list[tuple[object, Node]] = []
    for severity in ("page", "ticket"):
        for speed in ("quick", "slow"):
            window = node.needed("spec").needed(severity).needed(speed)
            condition = Section().set("severity", severity, window)
            share = window.needed("errorBudgetPercent")
            condition.set("budget", f"{share.text}%", share)
            condition.take("long", window.needed("longWindow"))
            condition.take("short", window.needed("shortWindow"))
            conditions.append((condition, window))
    return listed(conditions)
