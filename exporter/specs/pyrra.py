"""Pyrra's ServiceLevelObjective (`pyrra.dev/v1alpha1`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from exporter.marked import Mapping
from exporter.prometheus.selectors import Matcher, Selector, parse_selector
from exporter.slo.durations import parse_duration
from exporter.slo.own_labels import INFO_LABELS, SERIES_LABELS
from exporter.specs.fields import look_through
from exporter.specs.labels import group_by, slo_labels
from exporter.specs.node import Node, Remarks, Section, SpecError
from exporter.specs.options import Options
from exporter.specs.pyrra_alerts import pyrra_alerting
from exporter.specs.pyrra_fields import FIELDS
from exporter.specs.recognition import PYRRA, Found

PREFIX = "pyrra.dev/"
"""What labels and annotations begin with that Pyrra takes over."""

_SERVICE_LABELS = (f"{PREFIX}service", "app.kubernetes.io/name")
_SERVICE_MATCHERS = ("service", "job", "app")
_KINDS = ("ratio", "latency", "latencyNative", "bool_gauge")


def translate(found: Found, options: Options, remarks: Remarks) -> Iterator[tuple[Mapping, Node]]:
    """The SLO of an object of Pyrra's, with the node that it comes from."""
    look_through(found.node, FIELDS, PYRRA, remarks)
    metadata, spec = found.node.needed("metadata"), found.node.needed("spec")
    indicator = spec.needed("indicator")
    given = {kind: node for kind in _KINDS if (node := indicator.get(kind))}
    if len(given) != 1:
        what = f"not {' and '.join(given)}" if given else "none is given"
        raise SpecError(indicator, f"needs exactly one of {', '.join(_KINDS)}: {what}")
    ((kind, node),) = given.items()
    sli, total = _SLIS[kind](node, remarks)
    entry = Section()
    service, place = _service(metadata, total, remarks)
    entry.set("service", service, place)
    entry.take("name", metadata.needed("name"))
    entry.take_words("description", spec.get("description"))
    target = spec.needed("target")
    entry.set("objective", target.percent, target)
    entry.take("period", spec.needed("window"))
    entry.set("sli", sli, node)
    grouping = node.get("grouping")
    groups = [each.text for each in grouping.entries()] if grouping else []
    if grouping and groups:
        entry.set("group_by", group_by(groups, grouping, SERIES_LABELS, remarks), grouping)
    labels = _propagated(metadata.get("labels"))
    if labels:
        taken = INFO_LABELS | set(groups)
        entry.set("labels", slo_labels(labels, taken - {"service"}, remarks), metadata)
        _without_service(entry)
    annotations = _propagated(metadata.get("annotations"))
    alerting = pyrra_alerting(spec, annotations, options, remarks)
    if alerting:
        entry.set("alerting", alerting, spec.get("alerting") or spec)
    yield entry, found.node


def _propagated(node: Node | None) -> list[tuple[str, Node]]:
    """The labels or annotations that Pyrra takes over, without its prefix."""
    pairs = node.items() if node else ()
    return [(key.removeprefix(PREFIX), each) for key, each in pairs if key.startswith(PREFIX)]


def _without_service(entry: Section) -> None:
    """The label `service` is the SLO's service, not one beside it."""
    labels = entry["labels"]
    if isinstance(labels, Mapping):
        labels.pop("service", None)
        if not labels:
            del entry["labels"]


def _service(metadata: Node, total: Selector, remarks: Remarks) -> tuple[str, Node]:
    """Pyrra has no services: what tells them best, and a word on it where that is a guess."""
    labels = metadata.get("labels")
    for name in _SERVICE_LABELS:
        label = labels.get(name) if labels else None
        if label:
            return label.text, label
    own_name = metadata.needed("name")
    hint = f"set the label {_SERVICE_LABELS[0]} to choose it"
    for wanted in _SERVICE_MATCHERS:
        for matcher in total.matchers:
            if matcher.label == wanted and matcher.op == "=" and matcher.value.strip():
                remarks.say(own_name, f"is of the service {matcher.value}, its {wanted}: {hint}")
                return matcher.value, own_name
    node = metadata.get("namespace") or own_name
    remarks.say(own_name, f"is of the service {node.text}, since nothing else tells it: {hint}")
    return node.text, node


def _selector(node: Node) -> Selector:
    """The metric of a query."""
    metric = node.needed("metric")
    try:
        return parse_selector(metric.text)
    except ValueError as error:
        raise SpecError(metric, f"{error}; Pyrra takes a plain selector, too") from error


def _ratio(node: Node, remarks: Remarks) -> tuple[Section, Selector]:
    del remarks
    errors, total = node.needed("errors"), node.needed("total")
    bad, every = _selector(errors), _selector(total)
    if bad == every:
        raise SpecError(errors, "is the same metric as total: every event would be bad")
    _no_bare_bucket(every, total)
    missing = _lacking(every, bad)
    if bad.name == every.name and missing:
        raise SpecError(
            errors.needed("metric"),
            f"lacks the matcher {missing[0]} of total: it counts errors that are not in total, so "
            "that there would be more than events. Add it",
        )
    return _events("bad", errors, total, node), every


def _events(part: str, one: Node, total: Node, node: Node) -> Section:
    events = Section()
    for key, query in ((part, one), ("total", total)):
        metric = query.needed("metric")
        events.set(key, metric.value, metric)
    return Section().set("events", events, node)


def _latency(node: Node, remarks: Remarks) -> tuple[Section, Selector]:
    success, total = node.needed("success"), node.needed("total")
    good, every = _selector(success), _selector(total)
    _no_bare_bucket(every, total)
    bound = _bound(good, success)
    others = good.without("le")
    missing = _lacking(every, others)
    base = (every.name or "").removesuffix("_count")
    same_histogram = others.name == f"{base}_bucket" and every.name == f"{base}_count"
    if missing and same_histogram:
        raise SpecError(
            success.needed("metric"),
            f"lacks the matcher {missing[0]} of total: it counts requests as fast that are not in "
            "total, so that more would be fast than there are. Add it",
        )
    more = _lacking(others, every)
    if more:
        remarks.say(
            success.needed("metric"),
            f"has the matcher {more[0]} that total lacks: requests that do not match it count as "
            "too slow, as in Pyrra",
        )
    if not same_histogram or set(others.matchers) != set(every.matchers):
        return _events("good", success, total, node), every
    histogram = replace(every, name=base)
    latency = Section().set("histogram", str(histogram), total.needed("metric"))
    threshold, unit = _threshold(base, bound)
    latency.set("threshold", threshold, success.needed("metric"))
    if unit:
        latency.set("unit", unit, success.needed("metric"))
    return Section().set("latency", latency, node), every


def _lacking(one: Selector, other: Selector) -> list[Matcher]:
    """The matchers of one whose labels the other does not look at."""
    labels = {matcher.label for matcher in other.matchers}
    return [matcher for matcher in one.matchers if matcher.label not in labels]


def _no_bare_bucket(total: Selector, node: Node) -> None:
    if (total.name or "").endswith("_bucket") and not any(m.label == "le" for m in total.matchers):
        raise SpecError(
            node.needed("metric"),
            "counts every request once for each bucket: write the histogram's _count",
        )


def _bound(good: Selector, node: Node) -> Decimal:
    """The bound of the bucket that is named."""
    bounds = [matcher for matcher in good.matchers if matcher.label == "le"]
    metric = node.needed("metric")
    if not bounds:
        raise SpecError(
            metric, 'needs the bucket of the threshold, as in ..._bucket{le="0.5"}: Pyrra does, too'
        )
    if len(bounds) > 1 or bounds[0].op not in {"=", "=~"}:
        raise SpecError(
            metric,
            'must name one bucket, as in le="0.5": buckets hold one another, and requests of '
            "several would be counted several times",
        )
    # le=~"1|1.0" finds the bucket on Prometheus 2 and 3.
    spellings = bounds[0].value.split("|") if bounds[0].op == "=~" else [bounds[0].value]
    try:
        found = {Decimal(spelling) for spelling in spellings}
    except InvalidOperation as error:
        raise SpecError(
            metric, f'le{bounds[0].op}"{bounds[0].value}" is not the bound of a bucket'
        ) from error
    if len(found) > 1:
        raise SpecError(
            metric,
            f'le=~"{bounds[0].value}" names several buckets: they hold one another, and requests '
            "would be counted several times. Name one",
        )
    (bound,) = found
    if not bound.is_finite():
        raise SpecError(
            metric, f'le="{bounds[0].value}" is the bucket of all requests: none would be too slow'
        )
    return bound


def _threshold(histogram: str, bound: Decimal) -> tuple[str, str | None]:
    """A bound as the threshold, and the unit where the histogram's name does not tell it."""
    number = f"{bound.normalize():f}"
    if not histogram.endswith("_seconds"):
        told = ("_milliseconds", "_millis", "_ms", "_microseconds", "_micros", "_us", "_bytes")
        return number, None if histogram.endswith(told) else "none"
    milliseconds = bound * 1000
    if milliseconds != int(milliseconds):
        return number, "s"
    whole = bound == int(bound)
    return (f"{int(bound)}s" if whole else f"{int(milliseconds)}ms"), None


def _native(node: Node, remarks: Remarks) -> tuple[Section, Selector]:
    del remarks
    total, threshold = node.needed("total"), node.needed("latency")
    metric = total.needed("metric")
    try:
        parse_duration(threshold.text)
    except ValueError as error:
        raise SpecError(threshold, f"{error}; Pyrra needs a duration, too") from error
    latency = Section().set("histogram", metric.value, metric)
    latency.set("threshold", threshold.value, threshold)
    return Section().set("latency", latency, node), _selector(total)


def _gauge(node: Node, remarks: Remarks) -> tuple[Section, Selector]:
    del remarks
    metric = node.needed("metric")
    probe = Section().set("selector", metric.value, metric)
    return Section().set("probe", probe, node), _selector(node)


_SLIS = {"ratio": _ratio, "latency": _latency, "latencyNative": _native, "bool_gauge": _gauge}
