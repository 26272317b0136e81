"""OpenSLO's objects (`openslo/v1` and `openslo/v1alpha`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.marked import Mapping
from exporter.slo.own_labels import INFO_LABELS, SERIES_LABELS
from exporter.specs import openslo_metrics as metrics
from exporter.specs.fields import look_through
from exporter.specs.labels import flattened, group_by, slo_labels
from exporter.specs.node import Node, Remarks, Section, SpecError
from exporter.specs.openslo_alerts import alerting
from exporter.specs.openslo_composites import composite
from exporter.specs.openslo_fields import ALPHA, OBJECTS
from exporter.specs.openslo_library import Library, check_type
from exporter.specs.openslo_periods import NOMINAL, period, seconds, slice_length
from exporter.specs.recognition import OPENSLO, Found

_METHODS = {"Occurrences": "", "Timeslices": "timeslices", "RatioTimeslices": "ratio_timeslices"}
_QUERY_KEYS = ("query", "promql")
_DEFAULT_PERIOD = "30d"


def translate(found: Found, library: Library, remarks: Remarks) -> Iterator[tuple[Mapping, Node]]:
    """The SLOs of an object of OpenSLO's, each with the node that it comes from."""
    alpha = found.version.endswith("/v1alpha")
    fields = ALPHA if alpha and found.kind == "SLO" else OBJECTS[found.kind]
    look_through(found.node, fields, OPENSLO, remarks)
    name = found.node.needed("metadata").needed("name")
    if found.kind != "SLO" and library.objects[found.kind, name.text] is not found.node:
        raise SpecError(name, f"is the name of another {found.kind} already")
    if found.kind == "DataSource":
        _data_source(found.node, library, remarks)
    if found.kind != "SLO":
        return
    metadata, spec = found.node.needed("metadata"), found.node.needed("spec")
    objectives = spec.needed("objectives").entries()
    if not objectives:
        raise SpecError(spec.needed("objectives"), "has no objective")
    names = _names(metadata.needed("name"), objectives)
    made: list[tuple[Mapping, Node]] = []
    for slo_name, objective in zip(names, objectives, strict=True):
        try:
            made.append((_slo(slo_name, metadata, spec, objective, library, remarks), objective))
        except SpecError as refused:
            remarks.all.append(refused.remark)
    yield from made
    own = [each for each in objectives if _own_indicator(each)]
    if len(own) > 1 and len(made) == len(objectives):
        whole = spec.needed("objectives")
        found_composite = composite(metadata.needed("name"), made, whole, remarks)
        if found_composite is not None:
            yield found_composite, whole


def _data_source(node: Node, library: Library, remarks: Remarks) -> None:
    name = node.needed("metadata").needed("name")
    if name.text not in {*library.options.datasources, "prometheus"}:
        remarks.say(
            node,
            "its connectionDetails are left out: the configuration says where Prometheus is, by "
            f"prometheus: {{url: ...}} or datasources: {{{name.text}: {{url: ...}}}}",
        )


def _own_indicator(objective: Node) -> Node | None:
    return objective.get("indicator") or objective.get("indicatorRef")


def _names(name: Node, objectives: list[Node]) -> list[str]:
    """The names of the SLOs: those of several objectives are told apart by what they are called."""
    if len(objectives) == 1:
        return [name.text]
    shown = [node.get("displayName") for node in objectives]
    ends = [re.sub(r"[^a-z0-9]+", "-", each.text.lower()).strip("-") for each in shown if each]
    if len(set(filter(None, ends))) < len(objectives):
        ends = [str(number) for number in range(len(objectives))]
    return [f"{name.text}-{end}" for end in ends]


def _slo(  # noqa: PLR0917  (an SLO is made of all of these)
    name: str, metadata: Node, spec: Node, objective: Node, library: Library, remarks: Remarks
) -> Mapping:
    service = spec.needed("service")
    services = {known for kind, known in library.objects if kind == "Service"}
    if services and service.text not in services:
        remarks.say(service, f"names no Service of any file: there are {', '.join(services)}")
    entry = Section().take("service", service).set("name", name, metadata.needed("name"))
    entry.take_words("description", spec.get("description"))
    percent, place = _percent(objective)
    entry.set("objective", percent, place)
    window = _window(spec)
    found = period(window, remarks) if window else _DEFAULT_PERIOD
    if window is None:
        remarks.say(spec, f"has no time window: the period is {_DEFAULT_PERIOD}, rolling")
    entry.set("period", found, window or spec)
    sli, groups, source = _sli(spec, objective, library, remarks)
    entry.set("sli", sli, objective)
    if source:
        entry.take("datasource", source)
    budgeting = _budgeting(spec, objective, remarks)
    if budgeting:
        entry.set("budgeting", budgeting, spec.needed("budgetingMethod"))
    if groups:
        entry.set("group_by", group_by(groups, objective, SERIES_LABELS, remarks), objective)
    labels = metadata.get("labels")
    if labels:
        pairs = [(key, _flat(node)) for key, node in labels.items()]
        entry.set("labels", slo_labels(pairs, INFO_LABELS | set(groups), remarks), labels)
    length = seconds(found) if isinstance(found, str) else _nominal(found)
    alerts = alerting(spec, length, library, remarks)
    if alerts:
        entry.set("alerting", alerts, spec.needed("alertPolicies"))
    return entry


def _flat(node: Node) -> Node:
    return Node(flattened(node), node.place, node.line)


def _nominal(calendar: object) -> int:
    return NOMINAL[str(calendar["calendar"])] if isinstance(calendar, Mapping) else 0


def _percent(objective: Node) -> tuple[str, Node]:
    """The objective in percent, from a ratio or a percentage."""
    target, percent = objective.get("target"), objective.get("targetPercent")
    if target and percent:
        raise SpecError(percent, "must not be given beside target: remove one of the two")
    if percent:
        return percent.text, percent
    if target is None:
        raise SpecError(objective, "needs target or targetPercent")
    ratio = target.number
    if 1 < ratio < 100:
        raise SpecError(target, f"is a ratio: did you mean {ratio / 100}, or targetPercent?")
    if not 0 < ratio < 1:
        raise SpecError(target, "must be a ratio above 0 and below 1, such as 0.999")
    return f"{(ratio * 100).normalize():f}", target


def _window(spec: Node) -> Node | None:
    windows = spec.get("timeWindow") or spec.get("timeWindows")
    if windows is None:
        return None
    entries = windows.entries()
    if len(entries) != 1:
        raise SpecError(windows, "must have exactly one time window")
    return entries[0]


def _budgeting(spec: Node, objective: Node, remarks: Remarks) -> Section:
    method = spec.needed("budgetingMethod")
    if method.text not in _METHODS:
        raise SpecError(method, f"must be one of {', '.join(_METHODS)}")
    target, length = objective.get("timeSliceTarget"), objective.get("timeSliceWindow")
    section = Section()
    if not _METHODS[method.text]:
        for node in filter(None, (target, length)):
            remarks.say(node, "is left out: the method Occurrences has no slices")
        return section
    section.set("method", _METHODS[method.text], method)
    if length is None:
        raise SpecError(objective, f"needs timeSliceWindow, since the method is {method.text}")
    section.set("slice", slice_length(length), length)
    if method.text == "RatioTimeslices":
        if target:
            remarks.say(target, "is left out: with RatioTimeslices each slice counts by its ratio")
        return section
    if target is None:
        raise SpecError(objective, "needs timeSliceTarget, since the method is Timeslices")
    return section.set("target", f"{(target.number * 100).normalize():f}", target)


def _sli(
    spec: Node, objective: Node, library: Library, remarks: Remarks
) -> tuple[Section, list[str], Node | None]:
    """The `sli`, the labels that it is grouped by, and the datasource that is asked."""
    alpha = objective.get("ratioMetrics")
    if alpha:
        counter = alpha.get("counter") or alpha.get("incremental")
        parts = {key: _alpha_query(alpha.needed(key)) for key in ("good", "total")}
        of = metrics.Ratio(alpha, parts["total"], parts["good"], None, counter)
        return *metrics.ratio(of, remarks), None
    holder = objective if _own_indicator(objective) else spec
    indicator, reference = holder.get("indicator"), holder.get("indicatorRef")
    if reference:
        sli = library.referred("SLI", reference).needed("spec")
    elif indicator:
        sli = indicator.get("spec") or indicator
    else:
        raise SpecError(spec, "needs indicator or indicatorRef")
    bound, of_events = sli.get("thresholdMetric"), sli.get("ratioMetric")
    if bool(bound) == bool(of_events):
        raise SpecError(sli, "needs exactly one of thresholdMetric and ratioMetric")
    if bound:
        query, source = _query(bound, library, remarks)
        return metrics.threshold(query, objective, remarks), [], source
    return _ratio(sli.needed("ratioMetric"), objective, library, remarks)


def _ratio(
    node: Node, objective: Node, library: Library, remarks: Remarks
) -> tuple[Section, list[str], Node | None]:
    for key in ("op", "value"):
        extra = objective.get(key)
        if extra:
            remarks.say(extra, "is left out: it belongs to a thresholdMetric")
    found = {
        key: _query(metric, library, remarks)
        for key in ("raw", "good", "bad", "total")
        if (metric := node.get(key))
    }
    sources = {source.text if source else "" for _, source in found.values()}
    if len(sources) > 1:
        raise SpecError(node, "asks two datasources: an SLO has one")
    if "raw" in found:
        if len(found) > 1:
            raise SpecError(node, "must not have raw beside good, bad or total")
        query, source = found["raw"]
        return metrics.raw(query, node.needed("rawType"), remarks), [], source
    if "total" not in found:
        raise SpecError(node, "needs total, and exactly one of good and bad")
    total, source = found["total"]
    good, bad = (found[key][0] if key in found else None for key in ("good", "bad"))
    of = metrics.Ratio(node, total, good, bad, node.get("counter"))
    return *metrics.ratio(of, remarks), source


def _query(metric: Node, library: Library, remarks: Remarks) -> tuple[Node, Node | None]:
    """The query of a metric, and the datasource that it names."""
    if metric.get("query"):
        return _alpha_query(metric), None
    source = metric.needed("metricSource")
    reference = library.datasource(source, remarks)
    spec = source.needed("spec")
    query = next(filter(None, map(spec.get, _QUERY_KEYS)), None)
    if query is None:
        raise SpecError(spec, "needs query, the PromQL that is asked")
    for key, node in spec.items():
        if key not in {*_QUERY_KEYS, "queryType"}:
            remarks.say(node, "is left out: the exporter takes the query alone")
    return query, reference


def _alpha_query(metric: Node) -> Node:
    """The query of a metric of `openslo/v1alpha`."""
    check_type(metric.needed("source"))
    kind = metric.get("queryType")
    if kind and kind.text.lower() != "promql":
        raise SpecError(kind, "must be promql")
    return metric.needed("query")
