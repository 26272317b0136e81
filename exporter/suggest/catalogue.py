"""The catalogue: instrumentation that is known, as data.

Of one protocol, what stands first is preferred where a service has several: proxies in front of a
service see also what it cannot tell itself, such as refused connections and crashes.

Sources: the documentation of each project; OpenTelemetry's semantic conventions for HTTP and RPC
metrics, old and new, with the names that Prometheus gives them by each `translation_strategy`.
"""

from __future__ import annotations

from exporter.prometheus.selectors import Matcher
from exporter.suggest.kinds import (
    RPC,
    STATUS,
    Kind,
    LevelKind,
    ProbeKind,
    RequestKind,
    ShareKind,
)
from exporter.suggest.proxies import PROXIES

# With and without prefix, as `prometheus_http_requests_total` has one.
_ANY = r"(?:\w+_)?"

APPLICATIONS: tuple[RequestKind, ...] = (
    RequestKind(
        title="Kubernetes API server",
        counter="apiserver_request_total",
        histogram=r"apiserver_request_(?:sli_|slo_)?duration_seconds",
        statuses=("code",),
        service=("exported_job", "job"),
        where=(Matcher("verb", "!~", "WATCH|WATCHLIST|CONNECT|PROXY"),),
        routes=(),
        left_out="client errors, watches and connections that stay open",
    ),
    RequestKind(
        title="OpenTelemetry HTTP, ASP.NET Core",
        counter=r"http[._]server[._]request[._]duration(?:_seconds)?_count",
        histogram=r"http[._]server[._]request[._]duration(?:_seconds)?",
        statuses=("http_response_status_code", "http.response.status_code"),
        unit="s",
    ),
    RequestKind(
        title="OpenTelemetry HTTP, older conventions",
        counter=r"http[._]server[._]duration(?:_milliseconds|_seconds)?_count",
        histogram=r"http[._]server[._]duration(?:_milliseconds|_seconds)?",
        statuses=("http_status_code", "http.status_code"),
        unit="ms",
    ),
    RequestKind(
        title="Micrometer, Spring Boot",
        counter=_ANY + r"http_server_requests_seconds_count",
        histogram=_ANY + r"http_server_requests_seconds",
        statuses=("status", "outcome"),
        service=(
            "application",
            "app_kubernetes_io_name",
            "app",
            "exported_service",
            "service",
            "exported_job",
            "job",
        ),
    ),
    RequestKind(
        title="prometheus-net",
        counter="http_requests_received_total",
        histogram="http_request_duration_seconds",
    ),
    RequestKind(
        title="Prometheus client libraries",
        counter=_ANY + r"http_(?:server_)?requests?_total",
        histogram=_ANY + r"http_(?:server_)?requests?_(?:duration|latency)_(?:milli)?seconds",
    ),
    RequestKind(
        title="Prometheus client libraries: durations alone",
        counter=_ANY + r"http_(?:server_)?requests?_(?:duration|latency)_(?:milli)?seconds_count",
        histogram=_ANY + r"http_(?:server_)?requests?_(?:duration|latency)_(?:milli)?seconds",
    ),
    RequestKind(
        title="django-prometheus",
        counter="django_http_responses_total_by_status_total",
        histogram="django_http_requests_latency_seconds_by_view_method",
        statuses=("status",),
        routes=(),
        left_out="client errors",
    ),
    RequestKind(
        title="OpenTelemetry RPC",
        counter=r"rpc[._]server[._]call[._]duration(?:_seconds)?_count",
        histogram=r"rpc[._]server[._]call[._]duration(?:_seconds)?",
        statuses=("rpc_response_status_code", "rpc.response.status_code"),
        unit="s",
        protocol=RPC,
        routes=("rpc_method", "rpc.method"),
    ),
    RequestKind(
        title="gRPC interceptors",
        counter="grpc_server_handled_total",
        histogram="grpc_server_handling_seconds",
        statuses=("grpc_code",),
        protocol=RPC,
        routes=("grpc_service",),
    ),
    RequestKind(
        title="gRPC with OpenTelemetry",
        counter=r"grpc[._]server[._]call[._]duration(?:_seconds)?_count",
        histogram=r"grpc[._]server[._]call[._]duration(?:_seconds)?",
        statuses=("grpc_status", "grpc.status"),
        unit="s",
        protocol=RPC,
        routes=("grpc_method", "grpc.method"),
    ),
    RequestKind(
        title="OpenTelemetry RPC, older conventions",
        counter=r"rpc[._]server[._]duration(?:_milliseconds|_seconds)?_count",
        histogram=r"rpc[._]server[._]duration(?:_milliseconds|_seconds)?",
        statuses=("rpc_grpc_status_code", "rpc.grpc.status_code", *STATUS),
        unit="ms",
        protocol=RPC,
        routes=("rpc_service", "rpc.service"),
    ),
)

REQUESTS = PROXIES + APPLICATIONS

PROBES = (
    ProbeKind(
        title="blackbox_exporter",
        metric="probe_success",
        service=("exported_job", "job"),
        by="instance",
        left_out="targets that failed in more than half of their probes",
    ),
)

SHARES = (
    ShareKind(
        title="node_exporter: disks",
        name="disk-space",
        metric="node_filesystem_avail_bytes",
        needs=("node_filesystem_size_bytes",),
        used="1 - {metric} / {node_filesystem_size_bytes}",
        what="filesystems were less than {bound} full, as a mean of all",
        where=(
            Matcher(
                "fstype", "!~", "tmpfs|ramfs|rootfs|overlay|squashfs|iso9660|autofs|nsfs|fuse.*"
            ),
        ),
        left_out="filesystems without a disk (tmpfs, overlay, squashfs, ...)",
    ),
    ShareKind(
        title="node_exporter: memory",
        name="memory",
        metric="node_memory_MemAvailable_bytes",
        needs=("node_memory_MemTotal_bytes",),
        used="1 - {metric} / {node_memory_MemTotal_bytes}",
        what="less than {bound} of memory was used, as a mean of all nodes",
    ),
    ShareKind(
        title="node_exporter: processors",
        name="cpu",
        metric="node_cpu_seconds_total",
        needs=(),
        used="1 - avg by (job, instance) (rate({metric}[5m]))",
        what="processors were less than {bound} busy, as a mean of all nodes",
        where=(Matcher("mode", "=", "idle"),),
    ),
    ShareKind(
        title="kubelet: persistent volumes",
        name="volume-space",
        metric="kubelet_volume_stats_available_bytes",
        needs=("kubelet_volume_stats_capacity_bytes",),
        used="1 - {metric} / {kubelet_volume_stats_capacity_bytes}",
        what="volumes were less than {bound} full, as a mean of all",
        service=("exported_namespace", "namespace", "job"),
    ),
)

LEVELS = (
    LevelKind(
        title="Kafka consumer lag in seconds, kafka-lag-exporter",
        name="lag",
        metric="kafka_consumergroup_group_max_lag_seconds",
        value="max({metric})",
        what="the consumers were at most {bound} behind",
        service=("group",),
        seconds=True,
        namespace=(),
    ),
    LevelKind(
        title="Kafka consumer lag in messages, kafka_exporter and kminion",
        name="lag",
        metric="kafka_consumergroup_lag|kminion_kafka_consumer_group_topic_lag",
        value="sum({metric})",
        what="at most {bound} messages waited for the consumers",
        service=("consumergroup", "group_id", "group"),
        namespace=(),
        left_out="groups without lag in the last days, such as those that are gone",
    ),
    LevelKind(
        title="RabbitMQ queues",
        name="backlog",
        metric="rabbitmq_(?:detailed_)?queue_messages_ready",
        value="sum({metric})",
        what="at most {bound} messages waited in the queue",
        service=("queue",),
        namespace=("vhost",),
    ),
    LevelKind(
        title="Amazon SQS, CloudWatch exporters",
        name="backlog-age",
        metric="aws_sqs_approximate_age_of_oldest_message_maximum",
        value="max({metric})",
        what="the oldest message had waited for at most {bound}",
        service=("dimension_QueueName", "queue_name"),
        seconds=True,
    ),
    LevelKind(
        title="Kubernetes cron jobs, kube-state-metrics",
        name="freshness",
        metric="kube_cronjob_status_last_successful_time",
        value="time() - max({metric})",
        what="the last success was at most {bound} ago",
        service=("cronjob",),
        seconds=True,
    ),
    LevelKind(
        title="Batch jobs: timestamps of their last success",
        name="freshness",
        metric=r"\w*last_success(?:ful)?(?:_\w+)?_(?:timestamp|time)(?:_seconds)?",
        value="time() - max({metric})",
        what="the last success was at most {bound} ago",
        service=("exported_job", "job_name", "app", "job"),
        seconds=True,
    ),
)

KINDS: tuple[Kind, ...] = (*REQUESTS, *PROBES, *SHARES, *LEVELS)
"""All of them, in the order in which they are preferred."""
