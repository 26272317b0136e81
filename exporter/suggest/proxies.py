"""The catalogue's proxies and meshes, which see a service as those do who ask it."""

from __future__ import annotations

from exporter.prometheus.selectors import Matcher
from exporter.suggest.kinds import RequestKind

PROXIES: tuple[RequestKind, ...] = (
    RequestKind(
        title="ingress-nginx",
        counter="nginx_ingress_controller_requests",
        histogram="nginx_ingress_controller_request_duration_seconds",
        statuses=("status",),
        # Without honor_labels the labels of the ingress are renamed: those of the target are its
        # controller's.
        service=("exported_service", "service", "ingress"),
        namespace=("exported_namespace", "namespace"),
        routes=("path",),
        note="what its users see of it, through the ingress",
    ),
    RequestKind(
        title="Traefik",
        counter="traefik_service_requests_total",
        histogram="traefik_service_request_duration_seconds",
        statuses=("code",),
        service=("exported_service", "service"),
        namespace=(),
        named=r"(.+?)(?:@[a-z]+)?",
        routes=(),
        left_out="client errors",
        note="what its users see of it, through Traefik",
    ),
    RequestKind(
        title="HAProxy",
        counter="haproxy_backend_http_responses_total",
        histogram="",
        statuses=("code",),
        service=("route", "proxy", "backend"),
        namespace=("exported_namespace",),
        routes=(),
        left_out="client errors",
        note="what its users see of it, through HAProxy",
    ),
    RequestKind(
        title="Istio",
        counter="istio_requests_total",
        histogram="istio_request_duration_milliseconds",
        statuses=("response_code",),
        service=("destination_service_name", "destination_workload"),
        namespace=("destination_service_namespace", "destination_workload_namespace"),
        where=(
            Matcher(
                "destination_service_name",
                "!~",
                "|unknown|PassthroughCluster|BlackHoleCluster",
            ),
        ),
        one_of=("reporter", ("destination", "waypoint", "source")),
        routes=(),
        left_out="client errors, the second report of each request (`reporter`)",
        note="as its sidecar sees it; both ends report each request, and one is counted",
    ),
    RequestKind(
        title="Linkerd",
        counter="response_total",
        histogram="response_latency_ms",
        statuses=("classification", "status_code"),
        service=("deployment", "statefulset", "daemonset", "k8s_job", "app"),
        where=(Matcher("direction", "=", "inbound"),),
        routes=(),
        left_out="outbound traffic",
        note="as its sidecar sees it, inbound",
    ),
    RequestKind(
        title="Envoy",
        counter="envoy_cluster_upstream_rq_xx",
        histogram="envoy_cluster_upstream_rq_time",
        statuses=("envoy_response_code_class", "response_code_class"),
        service=("envoy_cluster_name", "cluster_name"),
        namespace=(),
        where=(
            Matcher(
                "envoy_cluster_name",
                "!~",
                "xds.*|sds.*|prometheus_stats|agent|zipkin|.*_admin|"
                "BlackHoleCluster|PassthroughCluster",
            ),
        ),
        unit="ms",
        named=r"(?:(?:out|in)bound\|\d*\|[^|]*\|)?(.+?)(?:\.svc\.cluster\.local)?",
        routes=(),
        left_out="client errors, Envoy's own clusters",
        note="as Envoy sees its upstream; each attempt of a retried request counts",
    ),
)
