"""What an entry of the catalogue is: one kind of instrumentation, and how SLOs are made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exporter.prometheus.selectors import Matcher

APPLICATION = (
    "service_name",
    "service.name",
    "app_kubernetes_io_name",
    "app",
    "application",
    "exported_service",
    "service",
    "exported_job",
    "job",
)
"""Labels that name the service whose own process is scraped; the first that is set does."""

TARGET = ("exported_job", "job")
"""Labels that name what is scraped, where `service` means something else."""

NAMESPACE = (
    "exported_namespace",
    "namespace",
    "k8s_namespace_name",
    "k8s.namespace.name",
    "kubernetes_namespace",
    "service_namespace",
)
CLUSTER = ("cluster", "k8s_cluster_name", "k8s.cluster.name")
ENVIRONMENT = ("environment", "env", "deployment_environment_name", "deployment_environment")
"""Labels that part services of one name: production is not staging."""

ROUTES = (
    "http_route",
    "http.route",
    "route",
    "handler",
    "path",
    "uri",
    "url",
    "url_path",
    "endpoint",
)
"""Labels that hold the path of a request."""

STATUS = (
    "code",
    "status",
    "status_code",
    "http_status_code",
    "http_response_status_code",
    "response_code",
    "http_status",
    "statuscode",
    "status_class",
    "response_status",
    "outcome",
    "result",
)
"""Labels that say how a request ended."""

_OUTGOING = re.compile("client|outbound|outgoing|external|egress")
"""In the names of what a service asks of others, which is no work of its own."""

HTTP = "http"
RPC = "rpc"


@dataclass(frozen=True, slots=True)
class RequestKind:
    """Counters of requests, and histograms of how long they took.

    - `counter` and `histogram` are regular expressions of whole names; of a histogram without
      `_bucket`.
    - `statuses`: the labels that say how a request ended, best first.
    - `service` and `namespace`: the labels that name a service, the first that is set.
    - `where`: matchers that always belong to the selector.
    - `one_of`: a label whose values count the same requests, and its values, best first.
    - `unit`: of the buckets' bounds, where the name does not tell.
    - `protocol`: kinds of one protocol count the same requests of a service; the first in the
      catalogue is taken.
    - `named`: a regular expression whose group 1 is the service's name in its label's value.
    - `left_out` and `note`: words for the documentation and the file.
    """

    title: str
    counter: str
    histogram: str
    statuses: tuple[str, ...] = STATUS
    service: tuple[str, ...] = APPLICATION
    namespace: tuple[str, ...] = NAMESPACE
    where: tuple[Matcher, ...] = ()
    one_of: tuple[str, tuple[str, ...]] | None = None
    unit: str | None = None
    protocol: str = HTTP
    named: str = ""
    routes: tuple[str, ...] = ROUTES
    left_out: str = "health checks, client errors"
    note: str = ""

    @property
    def project(self) -> str:
        """What instruments: the title without what follows a colon."""
        return self.title.partition(":")[0]

    def is_counter(self, metric: str) -> bool:
        """Whether a metric is a counter of this kind."""
        return bool(re.fullmatch(self.counter, metric)) and not _OUTGOING.search(metric)

    def is_histogram(self, base: str) -> bool:
        """Whether a histogram (without `_bucket`) is of this kind."""
        return bool(re.fullmatch(self.histogram, base)) and not _OUTGOING.search(base)


@dataclass(frozen=True, slots=True)
class ProbeKind:
    """A gauge that is 1 for success and 0 for failure."""

    title: str
    metric: str
    service: tuple[str, ...]
    by: str
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class ShareKind:
    """Saturation: the share of things (disks, nodes) that are used less than a bound.

    `used` is PromQL for the used share of each, in which `{metric}` stands for the selector of
    `metric`, and the names of `needs` for theirs. `bounds` are ratios, the lowest that was kept
    is taken.
    """

    title: str
    name: str
    metric: str
    needs: tuple[str, ...]
    used: str
    what: str
    service: tuple[str, ...] = TARGET
    where: tuple[Matcher, ...] = ()
    bounds: tuple[float, ...] = (0.8, 0.9, 0.95)
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class LevelKind:
    """A value that must stay below a bound just above its past: a lag, a queue, an age.

    `value` is PromQL in which `{metric}` stands for the selector; `metric` is a regular
    expression. With `seconds` the bound is a time, and with `age` the value is how long ago
    something was.
    """

    title: str
    name: str
    metric: str
    value: str
    what: str
    service: tuple[str, ...]
    seconds: bool = False
    namespace: tuple[str, ...] = NAMESPACE
    left_out: str = ""


Kind = RequestKind | ProbeKind | ShareKind | LevelKind
