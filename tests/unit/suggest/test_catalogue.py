"""The catalogue: which metrics it knows, and that its documentation is current."""

import pytest

from exporter.suggest.catalogue import REQUESTS
from exporter.suggest.finding import is_known
from exporter.suggest.reference import HEADING, reference
from tests.helpers.paths import ROOT
from tests.helpers.suggest.instrumented import town


def test_the_documentation_is_current():
    """Made by `python -m exporter.suggest.reference`."""
    text = (ROOT / "docs/suggest.md").read_text()
    assert HEADING + text.partition(HEADING)[2] == reference()


@pytest.mark.parametrize(
    ("metric", "title"),
    [
        ("http_requests_total", "Prometheus client libraries"),
        ("prometheus_http_requests_total", "Prometheus client libraries"),
        ("flask_http_request_total", "Prometheus client libraries"),
        ("http_server_requests_total", "Prometheus client libraries"),
        ("http_request_duration_seconds_count", "Prometheus client libraries: durations alone"),
        ("http_server_request_duration_seconds_count", "OpenTelemetry HTTP, ASP.NET Core"),
        ("http_server_request_duration_count", "OpenTelemetry HTTP, ASP.NET Core"),
        ("http.server.request.duration_count", "OpenTelemetry HTTP, ASP.NET Core"),
        ("http.server.request.duration_seconds_count", "OpenTelemetry HTTP, ASP.NET Core"),
        ("http_server_duration_milliseconds_count", "OpenTelemetry HTTP, older conventions"),
        ("http_server_duration_count", "OpenTelemetry HTTP, older conventions"),
        ("rpc_server_call_duration_seconds_count", "OpenTelemetry RPC"),
        ("rpc_server_duration_milliseconds_count", "OpenTelemetry RPC, older conventions"),
        ("grpc_server_handled_total", "gRPC interceptors"),
        ("grpc_server_call_duration_seconds_count", "gRPC with OpenTelemetry"),
        ("http_server_requests_seconds_count", "Micrometer, Spring Boot"),
        ("http_requests_received_total", "prometheus-net"),
        ("istio_requests_total", "Istio"),
        ("response_total", "Linkerd"),
        ("envoy_cluster_upstream_rq_xx", "Envoy"),
        ("nginx_ingress_controller_requests", "ingress-nginx"),
        ("traefik_service_requests_total", "Traefik"),
        ("haproxy_backend_http_responses_total", "HAProxy"),
        ("apiserver_request_total", "Kubernetes API server"),
        ("django_http_responses_total_by_status_total", "django-prometheus"),
    ],
)  # fmt: skip
def test_a_metric_is_of_a_kind(metric, title):
    """The first in the catalogue."""
    assert next(kind.title for kind in REQUESTS if kind.is_counter(metric)) == title


@pytest.mark.parametrize(
    "metric",
    [
        "http_client_requests_total",
        "outbound_http_requests_total",
        "promhttp_metric_handler_requests_total",
        "http_server_active_requests",
        "http_requests_in_flight",
        "job:http_requests_total:rate5m",
        "http_response_size_bytes_count",
        "grpc_client_handled_total",
        "process_start_time_seconds",
    ],
)
def test_what_is_no_work_of_a_service_is_not_known(metric):
    """What it asks of others, what it is doing just now, what is no time and no count."""
    assert not is_known(metric)


def test_every_kind_of_request_has_an_exposition():
    """All of the catalogue is tried on a real server, but for what has the same names."""
    shown = {dict(labels)["__name__"] for labels, _ in town(0, 60).series}
    missing = {kind.title for kind in REQUESTS if not any(map(kind.is_counter, shown))}
    assert missing == {"django-prometheus", "OpenTelemetry RPC", "gRPC with OpenTelemetry"}
