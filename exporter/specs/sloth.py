"""Sloth's specs: the file `prometheus/v1`, and the custom resources of `sloth.slok.dev/v1`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.marked import Mapping
from exporter.slo.own_labels import INFO_LABELS, SERIES_LABELS
from exporter.specs.alerts import sloth_alerting
from exporter.specs.fields import look_through
from exporter.specs.labels import group_by, slo_labels
from exporter.specs.node import Node, Remarks, Section, SpecError
from exporter.specs.options import DEFAULT_SLOTH_PERIOD, Options
from exporter.specs.promql import (
    WINDOW,
    grouped_alike,
    may_keep_labels,
    taken_apart,
    windowed,
    without_guard,
)
from exporter.specs.recognition import SLOTH, Found
from exporter.specs.sloth_fields import FILE, RESOURCE, WINDOWS
from exporter.specs.sloth_plugins import equivalent, read_chain
from exporter.specs.units import put_unit

SHORTEST = "5m"
"""The window whose ratios Sloth's rules average over the period."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """How the keys are spelled: the resource has camelCase."""

    error: str
    total: str
    ratio: str
    plugins: str


_FILE_KEYS = _Keys("error_query", "total_query", "error_ratio_query", "slo_plugins")
_RESOURCE_KEYS = _Keys("errorQuery", "totalQuery", "errorRatioQuery", "sloPlugins")


def find_windows(found: list[Found]) -> list[Node]:
    """The `AlertWindows` among the objects of all files."""
    return [each.node for each in found if each.tool == SLOTH and each.kind == "AlertWindows"]


@dataclass(frozen=True, slots=True)
class Context:
    """What the SLOs of all files share: the `AlertWindows`, and the configuration."""

    windows: list[Node]
    options: Options


def translate(found: Found, context: Context, remarks: Remarks) -> Iterator[tuple[Mapping, Node]]:
    """The SLOs of an object of Sloth's, each with the node that it comes from."""
    if found.kind == "AlertWindows":
        look_through(found.node, WINDOWS, SLOTH, remarks)
        return
    fields = RESOURCE if found.kind else FILE
    look_through(found.node, fields, SLOTH, remarks)
    spec = found.node.needed("spec") if found.kind else found.node
    keys = _RESOURCE_KEYS if found.kind else _FILE_KEYS
    slos = spec.needed("slos").entries()
    if not slos:
        raise SpecError(spec, "has no SLO")
    for slo in slos:
        try:
            yield _slo(spec, slo, keys, context, remarks), slo
        except SpecError as refused:
            remarks.all.append(refused.remark)


def _slo(spec: Node, slo: Node, keys: _Keys, context: Context, remarks: Remarks) -> Mapping:
    service, objective = spec.needed("service"), slo.needed("objective")
    if _is_hundred(objective):
        raise SpecError(
            objective,
            "leaves no error budget, and Sloth's burn rates divide by it: write what may fail, "
            "such as 99.99",
        )
    entry = Section().set("service", service.value, service)
    entry.take("name", slo.needed("name"))
    entry.take_words("description", slo.get("description"))
    entry.set("objective", objective.percent, objective)
    period, place = _period(spec, context)
    entry.set("period", period, place)
    chain = read_chain([spec.get(keys.plugins), slo.get("plugins")], remarks)
    labels = [
        pair for node in (spec.get("labels"), slo.get("labels")) if node for pair in node.items()
    ]
    sli, groups = _sli(slo.needed("sli"), keys, remarks)
    entry.set("sli", sli, slo.needed("sli"))
    if groups:
        entry.set("group_by", group_by(groups, slo.needed("sli"), SERIES_LABELS, remarks), slo)
    if labels or chain.labels:
        own = slo_labels([*labels, *chain.labels], INFO_LABELS | set(groups), remarks)
        entry.set("labels", own, slo.get("labels") or spec.get("labels") or slo)
    alerting = sloth_alerting(slo, chain.silent, context.windows, remarks)
    if alerting:
        entry.set("alerting", alerting, slo.get("alerting") or slo)
    return entry


def _is_hundred(objective: Node) -> bool:
    try:
        return float(objective.text) == 100
    except ValueError:
        return False


def _period(spec: Node, context: Context) -> tuple[str, Node]:
    if context.options.sloth_period:
        return context.options.sloth_period, spec
    if len(context.windows) == 1:
        period = context.windows[0].at("spec", "sloPeriod")
        if period:
            return period.text, spec
    return DEFAULT_SLOTH_PERIOD, spec


def _sli(node: Node, keys: _Keys, remarks: Remarks) -> tuple[Section, list[str]]:
    """The `sli` of our configuration, and the labels that it is grouped by."""
    kinds = {kind: node.get(kind) for kind in ("events", "raw", "plugin")}
    given = {kind: value for kind, value in kinds.items() if value is not None}
    if len(given) != 1:
        what = f"not {' and '.join(given)}" if given else "none is given"
        raise SpecError(node, f"needs exactly one of {', '.join(kinds)}: {what}")
    ((kind, value),) = given.items()
    if kind == "events":
        return _events(value, keys, remarks)
    if kind == "raw":
        return _raw(value.needed(keys.ratio), value, remarks)
    raise _plugin(value)


def _events(node: Node, keys: _Keys, remarks: Remarks) -> tuple[Section, list[str]]:
    error, total = node.needed(keys.error), node.needed(keys.total)
    texts = {}
    for key, query in (("bad", error), ("total", total)):
        text = windowed(query)
        if WINDOW not in text:
            raise SpecError(
                query,
                "must contain {{.window}} as the range, as in rate(errors_total[{{.window}}]): "
                "Sloth needs it, too",
            )
        texts[key] = text if key == "bad" else without_guard(text, query)
    if texts["bad"] == texts["total"]:
        raise SpecError(
            node, f"has the same {keys.error} and {keys.total}: every event would be bad"
        )
    groups = grouped_alike([(texts["bad"], error), (texts["total"], total)])
    _tell_groups(groups, total, texts["total"], remarks)
    queries = Section().set("bad", texts["bad"], error).set("total", texts["total"], total)
    put_unit(queries, texts, node, remarks)
    return Section().set("query", queries, node), groups


def _tell_groups(
    groups: list[str],
    node: Node,
    text: str,
    remarks: Remarks,
    together: str = "they are added up to",
) -> None:
    if groups:
        remarks.say(node, f"makes one SLO per value of {', '.join(groups)}: group_by")
    elif may_keep_labels(text, node):
        remarks.say(
            node,
            f"may have several series: {together} one SLO, where Sloth makes one of each. "
            "Sum it, or sum by the labels that make an SLO",
        )


def _raw(ratio: Node, node: Node, remarks: Remarks) -> tuple[Section, list[str]]:
    text = windowed(ratio)
    apart = taken_apart(text, ratio)
    if apart:
        groups = grouped_alike([(apart.part, ratio), (apart.total, ratio)])
        _tell_groups(groups, ratio, apart.total, remarks)
        query = Section().set("good" if apart.part_is_good else "bad", apart.part, ratio)
        query.set("total", apart.total, ratio)
        put_unit(query, {"part": apart.part, "total": apart.total}, ratio, remarks)
        return Section().set("query", query, node), groups
    groups = grouped_alike([(text, ratio)])
    _tell_groups(groups, ratio, text, remarks, together="their plain mean makes")
    remarks.say(
        ratio,
        f"is a ratio whose events are not known: every moment weighs the same, by its ratio over "
        f"{SHORTEST}, as in Sloth's rules for the period",
    )
    shown = text.replace(WINDOW, SHORTEST)
    return Section().set("ratio", Section().set("error", shown, ratio), node), groups


def _plugin(node: Node) -> SpecError:
    identity = node.needed("id")
    options = node.get("options")
    given = {key: value.text for key, value in options.items()} if options else {}
    words = equivalent(identity.text, given)
    instead = f"sli: {{{words}}}" if words else "the SLI that it makes, as sli.events or sli.raw"
    return SpecError(
        identity,
        f"the plugin {identity.text} is Go code, which is not run here. Write in its place, in "
        f"{'the format of the exporter' if words else 'this file'}: {instead}",
    )
