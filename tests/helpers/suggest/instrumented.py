"""Services as their instrumentation shows them, by its documented names: some days of samples.

What each of them should lead to is told beside it, and shares no code with the exporter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HOUR = 3_600
STEP = 60
"""Seconds between samples."""

Samples = list[tuple[float, float]]


@dataclass
class Exposition:
    """Series as remote write takes them; `counter` and its like add some."""

    start: int
    end: int
    series: list[tuple[tuple[tuple[str, str], ...], Samples]] = field(default_factory=list)

    @property
    def times(self) -> range:
        """When samples are taken."""
        return range(self.start, self.end, STEP)

    def add(self, name: str, labels: Mapping[str, str], samples: Samples) -> None:
        """A series with its samples."""
        self.series.append((tuple(sorted({"__name__": name, **labels}.items())), samples))

    def counter(self, name: str, per_minute: float, **labels: str) -> None:
        """A counter that grows evenly."""
        each = per_minute * STEP / 60
        self.add(name, labels, [(t, each * n) for n, t in enumerate(self.times)])

    def gauge(self, name: str, values: Sequence[float], **labels: str) -> None:
        """A gauge that takes values in turn."""
        samples = [(float(t), values[n % len(values)]) for n, t in enumerate(self.times)]
        self.add(name, labels, samples)

    def requests(
        self,
        name: str,
        label: str,
        per_minute: Mapping[str, float],
        **labels: str,
    ) -> None:
        """A counter per outcome."""
        for value, rate in per_minute.items():
            self.counter(name, rate, **{label: value}, **labels)

    def histogram(self, name: str, within: Mapping[str, float], **labels: str) -> None:
        """A histogram: what comes per minute within each bound, `+Inf` all."""
        for le, rate in within.items():
            self.counter(f"{name}_bucket", rate, le=le, **labels)
        self.counter(f"{name}_count", within["+Inf"], **labels)
        self.counter(f"{name}_sum", within["+Inf"] / 10, **labels)


SECONDS = {"0.05": 40.0, "0.1": 60.0, "0.25": 90.0, "0.5": 99.6, "1.0": 99.97, "+Inf": 100.0}
"""99.6% within half a second."""

MILLISECONDS = {"50": 40.0, "100": 60.0, "250": 90.0, "500": 99.6, "1000": 99.97, "+Inf": 100.0}

GOOD = {"200": 99.0, "404": 0.9, "500": 0.1}
"""About 0.1% of what counts fails: 0.1 of 99.1."""


def town(start: int, end: int) -> Exposition:
    """A service per kind of instrumentation, from `start` to `end` (Unix seconds)."""
    it = Exposition(start, end)
    _applications(it)
    _proxies(it)
    _gauges(it)
    return it


def _applications(it: Exposition) -> None:
    k8s = {"namespace": "shop", "pod": "x-1", "instance": "10.0.0.1:80"}

    # Prometheus client library, with health checks that would hide failures.
    it.requests("http_requests_total", "code", GOOD, job="cart", handler="/buy", **k8s)
    it.requests("http_requests_total", "code", {"200": 900}, job="cart", handler="/healthz", **k8s)
    it.histogram("http_request_duration_seconds", SECONDS, job="cart", handler="/buy", **k8s)
    it.histogram(
        "http_request_duration_seconds", {"0.05": 900, "+Inf": 900}, job="cart",
        handler="/healthz", **k8s,
    )  # fmt: skip

    # OpenTelemetry HTTP: job is namespace/name; no failure was ever seen.
    it.histogram(
        "http_server_request_duration_seconds", SECONDS, job="shop/search",
        http_response_status_code="200", http_route="/search", instance="i-1",
    )  # fmt: skip
    # Its older form, in milliseconds.
    for code, share in (("200", 0.995), ("503", 0.005)):
        it.histogram(
            "http_server_duration_milliseconds", {le: n * share for le, n in MILLISECONDS.items()},
            service_name="billing", http_status_code=code, job="otel-collector",
        )  # fmt: skip

    # gRPC, with its health checks.
    calls = {"OK": 98.0, "NotFound": 1.5, "Unavailable": 0.5}
    it.requests("grpc_server_handled_total", "grpc_code", calls, job="stock",
                grpc_service="shop.Stock", grpc_method="Get")  # fmt: skip
    it.counter("grpc_server_handled_total", 500, job="stock", grpc_code="OK",
               grpc_service="grpc.health.v1.Health", grpc_method="Check")  # fmt: skip
    it.histogram("grpc_server_handling_seconds", SECONDS, job="stock", grpc_service="shop.Stock")
    # OpenTelemetry RPC, old: numbers.
    for code, rate in (("0", 99.0), ("5", 0.5), ("13", 0.5)):
        it.histogram(
            "rpc_server_duration_milliseconds",
            {le: n * rate / 100 for le, n in MILLISECONDS.items()},
            service_name="ads", rpc_grpc_status_code=code, rpc_service="shop.Ads",
        )  # fmt: skip

    # Micrometer: a summary without buckets.
    for status, outcome, rate in (("200", "SUCCESS", 99.0), ("500", "SERVER_ERROR", 1.0)):
        it.counter("http_server_requests_seconds_count", rate, application="orders", uri="/o",
                   status=status, outcome=outcome, job="spring")  # fmt: skip
    it.counter("http_server_requests_seconds_count", 50, application="orders", status="200",
               uri="/actuator/health", outcome="SUCCESS", job="spring")  # fmt: skip

    # prometheus-net.
    it.requests("http_requests_received_total", "code", {"200": 99.8, "500": 0.2}, job="pay")


def _proxies(it: Exposition) -> None:
    # Istio: both ends report each request.
    for reporter in ("source", "destination"):
        istio = {"reporter": reporter, "destination_service_name": "reviews",
                 "destination_service_namespace": "books"}  # fmt: skip
        it.requests("istio_requests_total", "response_code", GOOD, **istio)
        it.histogram(
            "istio_request_duration_milliseconds", MILLISECONDS, response_code="200", **istio
        )
    it.requests("istio_requests_total", "response_code", {"200": 9.0, "503": 1.0},
                reporter="source", destination_service_name="api.example.com",
                destination_service_namespace="unknown")  # fmt: skip

    # Linkerd.
    for direction in ("inbound", "outbound"):
        linkerd = {"direction": direction, "deployment": "voting", "namespace": "emoji"}
        it.counter("response_total", 99.0, classification="success", **linkerd)
        it.counter("response_total", 1.0, classification="failure", **linkerd)
        it.histogram("response_latency_ms", MILLISECONDS, **linkerd)

    # Envoy, ingress-nginx, Traefik, HAProxy.
    classes = {"2": 99.0, "4": 0.9, "5": 0.1}
    it.requests("envoy_cluster_upstream_rq_xx", "envoy_response_code_class", classes,
                envoy_cluster_name="catalog", job="envoy")  # fmt: skip
    it.histogram("envoy_cluster_upstream_rq_time", MILLISECONDS, envoy_cluster_name="catalog",
                 job="envoy")  # fmt: skip
    nginx = {"exported_service": "web", "exported_namespace": "front", "ingress": "web",
             "namespace": "ingress-nginx", "service": "ingress-nginx-metrics"}  # fmt: skip
    it.requests("nginx_ingress_controller_requests", "status", GOOD, **nginx)
    it.histogram("nginx_ingress_controller_request_duration_seconds", SECONDS, **nginx)
    it.requests("traefik_service_requests_total", "code", GOOD, service="blog@docker")
    it.histogram("traefik_service_request_duration_seconds", SECONDS, service="blog@docker")
    it.requests("haproxy_backend_http_responses_total", "code",
                {"2xx": 99.0, "4xx": 0.9, "5xx": 0.1}, proxy="legacy")  # fmt: skip

    # The API server, whose watches never end.
    it.requests("apiserver_request_total", "code", GOOD, verb="GET", job="apiserver")
    it.requests("apiserver_request_total", "code", {"200": 70, "500": 30}, verb="WATCH",
                job="apiserver")  # fmt: skip
    it.histogram("apiserver_request_sli_duration_seconds", SECONDS, verb="GET", job="apiserver")


def _gauges(it: Exposition) -> None:
    # Probes, one of whose targets has been gone for long.
    it.gauge("probe_success", [1.0] * 999 + [0.0], job="blackbox", instance="https://a.example")
    it.gauge("probe_success", [0.0], job="blackbox", instance="https://gone.example")

    # Kafka, RabbitMQ, batches.
    for partition in "01":
        it.gauge("kafka_consumergroup_lag", [10.0, 400.0, 20.0], consumergroup="indexer",
                 topic="orders", partition=partition)  # fmt: skip
    it.gauge("rabbitmq_queue_messages_ready", [0.0, 3.0], queue="mail", vhost="/")
    it.add("kube_cronjob_status_last_successful_time", {"cronjob": "backup", "namespace": "ops"},
           [(t, t // HOUR * HOUR) for t in it.times])  # fmt: skip
    it.add("report_last_success_timestamp_seconds", {"job": "reports"},
           [(t, t // (6 * HOUR) * 6 * HOUR) for t in it.times])  # fmt: skip

    # Nodes.
    for n in range(3):
        node = {"job": "node", "instance": f"node-{n}:9100"}
        disk = node | {"mountpoint": "/", "fstype": "ext4", "device": "/dev/sda1"}
        it.gauge("node_filesystem_size_bytes", [100.0], **disk)
        it.gauge("node_filesystem_avail_bytes", [60.0, 15.0 if n == 0 else 50.0], **disk)
        it.gauge("node_filesystem_size_bytes", [1.0], **node, mountpoint="/run", fstype="tmpfs")
        it.gauge("node_filesystem_avail_bytes", [0.0], **node, mountpoint="/run", fstype="tmpfs")
        it.gauge("node_memory_MemAvailable_bytes", [50.0], **node)
        it.gauge("node_memory_MemTotal_bytes", [100.0], **node)
        for mode, seconds in (("idle", 40.0), ("user", 20.0)):
            it.counter("node_cpu_seconds_total", seconds, cpu="0", mode=mode, **node)


def awkward(start: int, end: int) -> Exposition:
    """What makes figures wrong if nobody looks: duplicates, odd names, results of rules."""
    it = Exposition(start, end)
    # Two Prometheus servers that scrape the same.
    for replica in ("a", "b"):
        it.requests("http_requests_total", "status", GOOD, job="twice", instance="t:80",
                    prometheus_replica=replica)  # fmt: skip
    # A label of this name that tells real replicas apart.
    for replica in ("0", "1"):
        it.requests("rpc_http_requests_total", "status", GOOD, job="replicated", replica=replica,
                    instance=f"r-{replica}:80")  # fmt: skip
    # Federated, and scraped here as well.
    it.requests("shop_http_requests_total", "status", GOOD, job="federated", instance="f:80")
    it.requests("shop_http_requests_total", "status", GOOD, job="federate", instance="prom:9090",
                exported_job="federated", exported_instance="f:80")  # fmt: skip
    # Two kinds of instrumentation of the same service.
    it.requests("app_http_requests_total", "http_status", GOOD, job="both", namespace="n")
    it.histogram("http_server_request_duration_seconds", SECONDS, job="n/both",
                 http_response_status_code="200")  # fmt: skip
    # Odd names, classes, words, one service in two namespaces.
    it.requests("http_requests_total", "status", {"2xx": 99.0, "5xx": 1.0}, job='odd "name" \\ ü/x')
    it.requests("http_requests_total", "outcome", {"success": 99.0, "failure": 1.0}, job="words")
    for namespace in ("prod", "staging"):
        it.requests("http_requests_total", "code", GOOD, job="api", namespace=namespace)
    # Nothing that could be an SLO.
    it.requests("http_requests_total", "method", {"GET": 10.0}, job="untold")
    it.requests("http_requests_total", "code", {"200": 0.0}, job="idle")
    it.requests("http_requests_total", "code", {"500": 50.0, "200": 50.0}, job="broken")
    it.requests("http_requests_total", "code", {"200": 0.01}, job="seldom")
    it.counter("orders_placed_events_total", 5, job="shop")
    it.counter("outbound_http_requests_total", 5, job="cart", code="500")
    it.gauge("job:http_requests:rate5m", [1.0], job="cart")
    young = Exposition(end - HOUR, end)
    young.requests("http_requests_total", "code", GOOD, job="young")
    it.series += young.series
    return it
