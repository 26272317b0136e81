"""What Pyrra's specs say of alerts, and its burn-rate windows, as our `alerting`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from exporter.slo.durations import format_duration, parse_duration
from exporter.slo.types import MINUTE
from exporter.specs.alerts import alert_annotations
from exporter.specs.node import Node, Remarks, Section, listed
from exporter.specs.options import Options

OWN_SEVERITY: Final = "exported_severity"
"""The label for the severity that an alert had: ours has `severity` itself."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A condition of Pyrra's: windows are shares of the SLO's, a `factor` is a burn rate.

    Source: Pyrra's `Windows`, which is made for 28 days: 1h/5m, 6h/30m, 1d/2h and 4d/6h.
    """

    severity: str
    field: str
    long: int
    short: int
    factor: int


_WINDOWS: Final = (
    _Window("page", "fastBurn", 28 * 24, 28 * 24 * 12, 14),
    _Window("page", "mediumBurn", 28 * 4, 28 * 24 * 2, 7),
    _Window("ticket", "slowBurn", 28, 28 * 12, 2),
    _Window("ticket", "longTermBurn", 7, 28 * 4, 1),
)


def pyrra_alerting(
    spec: Node, annotations: Iterable[tuple[str, Node]], options: Options, remarks: Remarks
) -> Section:
    """The `alerting` of a spec; `annotations` are those that its alerts carry."""
    alerting = Section()
    given = spec.get("alerting")
    disabled, burnrates = (given.get("disabled"), given.get("burnrates")) if given else (None, None)
    off = disabled if disabled and disabled.truth else None
    if burnrates and not burnrates.truth:
        off = burnrates
    if given:
        alerting.take_words("name", given.get("name"))
    own = list(annotations)
    for severity in ("page", "ticket"):
        section = Section()
        if off:
            section.set("disabled", "true", off)
        else:
            labels = _severity(severity, given.get("severities") if given else None, remarks)
            if labels:
                section.set("labels", labels, given or spec)
            if own:
                section.set("annotations", alert_annotations(own, remarks), own[0][1])
        if section:
            alerting.set(severity, section, given or spec)
    if not off and not options.own_windows:
        conditions = _conditions(spec, options, remarks)
        if conditions:
            alerting.set("windows", listed(conditions), spec.needed("window"))
    return alerting


def _severity(severity: str, severities: Node | None, remarks: Remarks) -> Section:
    """The label with the severity that Pyrra gave the alerts which are one severity here."""
    given = [
        node
        for window in _WINDOWS
        if window.severity == severity
        and severities
        and (node := severities.get(window.field))
        and node.value != ""
    ]
    labels = Section()
    if not given:
        return labels
    labels.set(OWN_SEVERITY, given[0].text, given[0])
    remarks.say(
        given[0],
        f"is the label {OWN_SEVERITY} of alerts whose severity is {severity}: `rules --per-slo "
        "--aliases=pyrra` gives the name back",
    )
    for other in given[1:]:
        if other.text != given[0].text:
            remarks.say(
                other,
                f"is left out: alerts of the severity {severity} are one, with {given[0].text}",
            )
    return labels


def _conditions(spec: Node, options: Options, remarks: Remarks) -> list[tuple[object, Node]]:
    """Pyrra's conditions, which scale with the SLO's window, as far as they can hold."""
    window = spec.needed("window")
    try:
        period = parse_duration(window.text)
        budget = 1 - spec.needed("target").number / 100
    except ValueError:
        return []  # what is wrong with them is said where they are checked
    if not period:
        return []
    found: list[tuple[object, Node]] = []
    left_out = []
    for each in _WINDOWS:
        long, short = (_rounded(period / share, options) for share in (each.long, each.short))
        if not 0 < short < long or each.factor * budget >= 1:
            left_out.append(each.field)
            continue
        condition = Section().set("severity", each.severity, window)
        share = Decimal(each.factor * long * 100) / period
        condition.set("budget", f"{share:.10f}".rstrip("0").rstrip(".") + "%", window)
        condition.set("long", format_duration(long), window)
        condition.set("short", format_duration(short), window)
        found.append((condition, window))
    if left_out:
        remarks.say(
            window,
            f"has no alert for {', '.join(left_out)}: with this window and target it could never "
            f"fire, in Pyrra either",
        )
    return found


def _rounded(seconds: Decimal, options: Options) -> int:
    """A length in whole minutes as Pyrra's are, and in whole slots."""
    step = MINUTE if MINUTE % options.interval == 0 else options.interval
    return int((seconds / step).quantize(Decimal(1), ROUND_HALF_UP)) * step
