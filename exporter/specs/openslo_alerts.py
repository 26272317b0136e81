"""OpenSLO's alert policies, as our burn-rate conditions."""

from __future__ import annotations

from decimal import Decimal

from exporter.slo.durations import format_duration
from exporter.specs.node import Node, Remarks, Section, SpecError, listed
from exporter.specs.openslo_library import Library
from exporter.specs.openslo_periods import seconds, shorthand

_PAGES = {"page", "critical", "crit", "high", "urgent", "emergency", "sev1", "sev0", "p0", "p1"}
"""Severities that wake somebody."""

_PARTS = 12
"""A short window is a twelfth of the long one, after the SRE workbook."""

_STEP = 30
"""Short windows are multiples of this many seconds, the default evaluation interval."""


def alerting(spec: Node, period: int, library: Library, remarks: Remarks) -> Section | None:
    """The `alerting` of an SLO whose period has so many seconds; None if it names no policy."""
    policies = spec.get("alertPolicies")
    if policies is None or not policies.entries():
        return None
    windows: list[tuple[object, Node]] = []
    for entry in policies.entries():
        policy = _policy(entry, library)
        breaching = policy.get("alertWhenBreaching")
        if breaching and not breaching.truth:
            remarks.say(breaching, "is false: nothing alerts by this policy")
            continue
        for each in policy.needed("conditions").entries():
            condition = _condition(each, library)
            window = _window(condition, period, remarks)
            if str(window) not in [str(known) for known, _ in windows]:
                windows.append((window, entry))
    section = Section()
    if not windows:
        off = Section().set("disabled", "true", policies)
        return section.set("page", off, policies).set("ticket", off, policies)
    return section.set("windows", listed(windows), policies)


def _policy(entry: Node, library: Library) -> Node:
    """The spec of a policy that is named, referred to, or written where it is used."""
    if isinstance(entry.value, str):
        return library.referred("AlertPolicy", entry).needed("spec")
    reference = entry.get("alertPolicyRef")
    if reference:
        return library.referred("AlertPolicy", reference).needed("spec")
    return entry.needed("spec")


def _condition(entry: Node, library: Library) -> Node:
    reference = entry.get("conditionRef")
    if reference:
        return library.referred("AlertCondition", reference).needed("spec")
    return entry.needed("spec")


def _window(spec: Node, period: int, remarks: Remarks) -> Section:
    condition = spec.needed("condition")
    kind = condition.get("kind")
    if kind and kind.text != "burnrate":
        raise SpecError(kind, "must be burnrate: the exporter alerts by nothing else")
    severity, threshold = spec.needed("severity"), condition.needed("threshold")
    lookback = condition.needed("lookbackWindow")
    number, letter = shorthand(lookback)
    if letter not in "mhdw":
        raise SpecError(lookback, "must be minutes, hours, days or weeks")
    long = seconds(f"{number}{letter}")
    short = max(_STEP, long // _PARTS // _STEP * _STEP)
    share = threshold.number * long / period * 100
    op = condition.get("op")
    if op and op.text in {"lt", "lte"}:
        remarks.say(op, "is taken for gte: a burn rate alerts while it is above the threshold")
    after = condition.get("alertAfter")
    if after:
        remarks.say(
            after,
            f"is left out: the condition has to hold over {format_duration(short)}, too, which "
            "keeps out what is short",
        )
    window = Section()
    window.set("severity", "page" if severity.text.lower() in _PAGES else "ticket", severity)
    window.set("budget", f"{share.quantize(Decimal('1e-8')).normalize():f}%", threshold)
    window.set("long", lookback.value, lookback)
    return window.set("short", format_duration(short), lookback)
