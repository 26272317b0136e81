"""What `suggest` makes of a real server's series, and what `check --live` says of that.

Expected figures follow from the expositions by hand: so many a minute of so many failed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.helpers.command_line import cli
from tests.helpers.suggest.instrumented import SECONDS, Exposition, awkward, town
from tests.helpers.torture.receivers import KINDS, PrometheusReceiver, Receiver, receiver_of

HOUR = 3_600

TOWN = {
    "ads/availability": 99,
    "ads/latency": (99.5, "500ms"),
    "apiserver/availability": 99.5,
    "apiserver/latency": (99.5, "500ms"),
    "backup/freshness": (99.9, "<= 7200"),
    "billing/availability": 99,
    "billing/latency": (99.5, "500ms"),
    "blackbox/availability": 99.9,
    "blog/availability": 99.5,
    "blog/latency": (99.5, "500ms"),
    "cart/availability": 99.5,
    "cart/latency": (99.5, "500ms"),
    "catalog/availability": 99.5,
    "catalog/latency": (99.5, "500ms"),
    "indexer/lag": (99.9, "<= 1000"),
    "legacy/availability": 99.5,
    "mail/backlog": (99.9, "<= 100"),
    "node/cpu": 99.9,
    "node/disk-space": 99.9,
    "node/memory": 99.9,
    "orders/availability": 98,
    "pay/availability": 99.5,
    "reports/freshness": (99.9, "<= 43200"),
    "reviews/availability": 99.5,
    "reviews/latency": (99.5, "500ms"),
    "search/availability": 99.9,
    "search/latency": (99.5, "500ms"),
    "stock/availability": 99,
    "stock/latency": (99.5, "500ms"),
    "voting/availability": 98,
    "voting/latency": (99.5, "500ms"),
    "web/availability": 99.5,
    "web/latency": (99.5, "500ms"),
}

AWKWARD = {
    "api.prod/availability": 99.5,
    "api.staging/availability": 99.5,
    "both/availability": 99.5,
    "both/latency": (99.5, "500ms"),
    "federated/availability": 99.5,
    "replicated/availability": 99.5,
    "twice/availability": 99.5,
    "words/availability": 98,
    "x/availability": 98,
}


def told(text: str) -> dict[str, object]:
    """What a configuration suggests: objectives, with thresholds and bounds."""
    result = {}
    for slo in yaml.safe_load(text)["slos"]:
        [sli] = slo["sli"].values()
        bound = sli.get("threshold") or sli.get("must_be")
        name = f"{slo['service']}/{slo['name']}"
        result[name] = (slo["objective"], bound) if bound else slo["objective"]
    return result


def one_line(text: str) -> str:
    """The comments of a text, however they are wrapped."""
    return " ".join(line.strip().lstrip("# ") for line in text.splitlines())


def levels(file: Path) -> set[str]:
    """The levels of the findings of `check --live`."""
    checked = cli("check", "--live", f"--config.file={file}", "--output=json")
    assert checked.exit_code == 0, checked.output
    return {
        f"{slo['service']}/{slo['slo']}: {finding['text']}"
        for slo in json.loads(checked.stdout)["slos"]
        for finding in slo["findings"]
        if finding["level"] == "FAIL"
    }


def test_a_service_is_found_counted_and_passes_the_live_check(
    prometheus_binary: Path, tmp_path: Path
) -> None:
    """With what was skipped, and why."""
    end = int(time.time()) // 60 * 60
    it = Exposition(end - 4 * HOUR, end)
    codes = {"200": 99.0, "404": 0.9, "500": 0.04}
    it.requests("http_requests_total", "code", codes, job="cart", handler="/buy")
    it.counter("http_requests_total", 900, code="200", job="cart", handler="/healthz")
    it.histogram("http_request_duration_seconds", SECONDS, job="cart")
    it.counter("http_requests_total", 0, code="200", job="idle")
    it.counter("orders_events_total", 1, job="cart")
    file = tmp_path / "suggested.yaml"
    with PrometheusReceiver(prometheus_binary) as server:
        server.write(it.series)
        limits = ("--last=4h", "--least-history=2h")
        done = cli("suggest", f"--prometheus.url={server.url}", *limits, f"--output={file}")
        assert done.exit_code == 0, done.output
        text = file.read_text()
        assert told(text) == {"cart/availability": 99.95, "cart/latency": (99.5, "500ms")}
        assert 'total: http_requests_total{job="cart",handler!="/healthz",code!~"4.."}' in text
        assert "99.959% of 23," in text
        skipped = one_line(text.partition("# Skipped:")[2])
        assert "idle/availability (http_requests_total): no traffic in the last 4h" in skipped
        assert "look like counters of requests: orders_events_total" in skipped
        assert levels(file) == set()
        nothing = cli("suggest", f"--prometheus.url={server.url}", '--match={job="else"}')
        assert nothing.exit_code == 1
        assert "makes an SLO by itself" in nothing.output


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, prometheus_binary: Path) -> Iterator[Receiver]:
    """A server with all kinds and all that is awkward; VictoriaMetrics where it is named."""
    # The slow tests last for minutes, and what ends counts as gone.
    end = int(time.time()) // 60 * 60 + 9 * 60
    with receiver_of(request.param, prometheus_binary) as chosen:
        for make in (town, awkward):
            chosen.write(make(end - 27 * HOUR, end).series)
        yield chosen


@pytest.mark.slow
@pytest.mark.timeout(1_200)  # a month of forty SLOs, counted twice
def test_every_kind_and_what_is_awkward(server: Receiver, tmp_path: Path) -> None:
    """Each by its right figures, counted once, without health checks; and all pass live."""
    file = tmp_path / "suggested.yaml"
    done = cli("suggest", f"--prometheus.url={server.url}", "--last=2d", f"--output={file}")
    assert done.exit_code == 0, done.output
    text = file.read_text()
    assert told(text) == TOWN | AWKWARD
    assert levels(file) == set()
    words = one_line(text)
    for expected in (
        "broken/availability (http_requests_total): 50% of its requests failed",
        "young/availability (http_requests_total): too little history: ",
        "seldom/availability (http_requests_total): too little traffic: 16 requests",
        "untold: no label of http_requests_total tells failures",
        "results of recording rules, as counters are exact: job:http_requests:rate5m",
        "prometheus_replica a and b hold the same series",
        'series with {exported_job="federated"} have the same name and are left out',
        "api.example.com/availability (istio_requests_total): 10% of its requests failed",
        "Left out, as they miss it by far: https://gone.example (100% failed)",
        "would tell of the same requests, and is not used",
    ):
        assert expected in words


@pytest.mark.slow
def test_only_what_matches_is_looked_at(server: Receiver) -> None:
    """And the matchers are part of what is suggested."""
    done = cli(
        "suggest", f"--prometheus.url={server.url}", "--last=1d", "--match", '{namespace="prod"}',
        "--match", "grpc_server_handled_total",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert told(done.stdout) == {"api/availability": 99.5, "stock/availability": 99}
    assert 'total: http_requests_total{namespace="prod",job="api",code!~"4.."}' in done.stdout
