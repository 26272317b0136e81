"""Sloth's plugins, which are Go: what those that people use would do, in our words."""

from __future__ import annotations

from dataclasses import dataclass, field

from exporter.specs.node import Node, Remarks, SpecError

CORE = {
    f"sloth.dev/core/{name}/v1"
    for name in ("alert_rules", "debug", "metadata_rules", "noop", "sli_rules", "validate")
}
"""What Sloth itself is made of: nothing is needed in their place."""

ALERTS = "sloth.dev/core/alert_rules/v1"
INFO_LABELS = "sloth.dev/contrib/info_labels/v1"

_CONTRIB = {
    "sloth.dev/contrib/denominator_corrected_rules/v1": (
        "is not needed: burn rates weigh events, so that quiet hours count by their traffic"
    ),
    "sloth.dev/contrib/error_budget_exhausted_alert/v1": (
        "is left out: the alert ErrorBudgetExhausted is for all SLOs, once all of it is spent"
    ),
    "sloth.dev/contrib/remove_labels/v1": (
        "is not needed: labels stand on slo_info alone, in any case"
    ),
    "sloth.dev/contrib/rule_intervals/v1": (
        "is left out: everything is evaluated at evaluation.interval"
    ),
    "sloth.dev/contrib/validate_victoria_metrics/v1": (
        "is left out: queries must be PromQL, even where VictoriaMetrics answers them"
    ),
}
"""What is said of the plugins that Sloth brings along."""


@dataclass(slots=True)
class Chain:
    """What the plugins of an SLO amount to: further labels, and whether there are alerts."""

    labels: list[tuple[str, Node]] = field(default_factory=list)
    silent: Node | None = None


def read_chain(plugins: list[Node | None], remarks: Remarks) -> Chain:
    """Go through the plugins of the file and of an SLO.

    Raises:
        SpecError: a plugin may do anything.
    """
    chain = Chain()
    ids: list[str] = []
    override: Node | None = None
    for node in plugins:
        if node is None:
            continue
        overrides = node.get("overridePrevious")
        if overrides and overrides.truth:
            ids, override = [], overrides
        for plugin in _entries(node):
            identity = plugin.needed("id")
            ids.append(identity.text)
            _read(identity, plugin, chain, remarks)
    if override and ALERTS not in ids:
        chain.silent = override
    return chain


def _entries(node: Node) -> list[Node]:
    chain = node.get("chain")
    return chain.entries() if chain else []


def _read(identity: Node, plugin: Node, chain: Chain, remarks: Remarks) -> None:
    name = identity.text
    if name == INFO_LABELS:
        labels = plugin.at("config", "labels")
        chain.labels += labels.items() if labels else []
    elif name in _CONTRIB:
        remarks.say(identity, f"the plugin {name} {_CONTRIB[name]}")
    elif name not in CORE:
        raise SpecError(
            identity,
            f"the plugin {name} is Go code, which may change what is measured, and is not run "
            "here: remove it, or write this SLO as the rules that it makes mean it",
        )


@dataclass(frozen=True, slots=True)
class _Events:
    """The counters of a plugin, `%s` standing for its filter; `bad` are further matchers."""

    metric: str
    bad: str
    filter: str = ""


@dataclass(frozen=True, slots=True)
class _Latency:
    histogram: str
    filter: str = ""


_COMMON: dict[str, _Events | _Latency] = {
    "coredns/availability": _Events("coredns_dns_responses_total", 'rcode=~"SERVFAIL"'),
    "coredns/latency": _Latency("coredns_dns_request_duration_seconds"),
    "haproxy/frontend/availability": _Events("haproxy_frontend_http_responses_total", 'code="5xx"'),
    "istio/v1/availability": _Events(
        "istio_requests_total",
        'response_code=~"(5..|429)"',
        'destination_service_name="{service}",destination_service_namespace="{namespace}"',
    ),
    "istio/v1/latency": _Latency(
        "istio_request_duration_milliseconds",
        'destination_service_name="{service}",destination_service_namespace="{namespace}"',
    ),
    "kubernetes/apiserver/availability": _Events("apiserver_request_total", 'code=~"(5..|429)"'),
    "kubernetes/apiserver/latency": _Latency("apiserver_request_duration_seconds", 'verb!="WATCH"'),
    "kubernetes/nginx-ingress/availability": _Events(
        "nginx_ingress_controller_requests", 'status=~"(5..|429)"'
    ),
    "slok-go-http-metrics/availability": _Events(
        "http_request_duration_seconds_count", 'code=~"(5..|429)"'
    ),
    "slok-go-http-metrics/latency": _Latency("http_request_duration_seconds"),
    "traefik/v1/availability": _Events(
        "traefik_backend_requests_total", 'code=~"(5..|429)"', 'backend=~"{backend_regex}"'
    ),
    "traefik/v1/latency": _Latency(
        "traefik_backend_request_duration_seconds", 'backend=~"{backend_regex}"'
    ),
    "traefik/v2/availability": _Events(
        "traefik_service_requests_total", 'code=~"(5..)"', 'service=~"{service_name_regex}"'
    ),
    "traefik/v2/latency": _Latency(
        "traefik_service_request_duration_seconds", 'service=~"{service_name_regex}"'
    ),
}
"""The plugins of slok/sloth-common-sli-plugins, by what follows `sloth-common/`."""


def equivalent(identity: str, options: dict[str, str]) -> str:
    """The `sli` that a plugin stands for, in our words; empty if that is not known."""
    name = identity.removeprefix("sloth-common/")
    if name == "prometheus/targets/availability":
        return f"probe: {{selector: 'up{{{options.get('filter', '').strip('{},')}}}'}}"
    if name == "prometheus/rules/eval-availability":
        matchers = options.get("filter", "").strip("{},")
        return (
            f"events: {{bad: 'prometheus_rule_evaluation_failures_total{{{matchers}}}', "
            f"total: 'prometheus_rule_evaluations_total{{{matchers}}}'}}"
        )
    found = _COMMON.get(name)
    if found is None:
        return ""
    own = found.filter
    for option, value in options.items():
        own = own.replace(f"{{{option}}}", value)
    given = options.get("filter", "").strip("{}, ")
    matchers = ", ".join(filter(None, (given, own)))
    if isinstance(found, _Latency):
        bucket = options.get("bucket", "...")
        threshold = bucket if found.histogram.endswith("_milliseconds") else f"{bucket}, unit: s"
        return f"latency: {{histogram: '{found.histogram}{{{matchers}}}', threshold: {threshold}}}"
    bad = ", ".join(filter(None, (matchers, found.bad)))
    return f"events: {{bad: '{found.metric}{{{bad}}}', total: '{found.metric}{{{matchers}}}'}}"
