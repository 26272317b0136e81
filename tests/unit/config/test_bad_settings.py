"""Settings that are wrong: one for each mistake, with its exact message."""

from __future__ import annotations

import pytest

from tests.helpers.config.bad_configs import DURATION_HELP, before_slos, complaints, rows

A_URL = "must be an http or https URL such as http://localhost:9090"

PROMETHEUS = {
    "url of another kind": (
        before_slos("prometheus: {url: 'ftp://localhost'}"),
        f"config.yaml:1: prometheus.url: {A_URL}",
    ),
    "url without scheme": (
        before_slos("prometheus:\n  url: localhost:9090"),
        f"config.yaml:2: prometheus.url: {A_URL}",
    ),
    "url without host": (
        before_slos("prometheus:\n  url: http:///graph"),
        f"config.yaml:2: prometheus.url: {A_URL}",
    ),
    "url port": (
        before_slos("prometheus:\n  url: http://localhost:99999"),
        f"config.yaml:2: prometheus.url: {A_URL}",
    ),
    "url with password": (
        before_slos("prometheus:\n  url: http://me:hunter2@localhost"),
        "config.yaml:2: prometheus.url: must not contain a user or password: use basic_auth",
    ),
    "url with query": (
        before_slos("prometheus:\n  url: http://localhost/?a=b"),
        "config.yaml:2: prometheus.url: must not contain ? or #: the exporter "
        "adds the query itself",
    ),
    "url of the API": (
        before_slos("prometheus:\n  url: http://localhost/api/v1/query"),
        "config.yaml:2: prometheus.url: must be the base URL: the exporter adds /api/v1 itself",
    ),
    "timeout": (
        before_slos("prometheus: {timeout: 30}"),
        f"config.yaml:1: prometheus.timeout: '30' {DURATION_HELP}",
    ),
    "timeout too long": (
        before_slos("prometheus: {timeout: 1h}"),
        "config.yaml:1: prometheus.timeout: must be at least 100ms and at most 10m, not 1h",
    ),
    "scrape_interval": (
        before_slos("prometheus: {scrape_interval: [30s]}"),
        "config.yaml:1: prometheus.scrape_interval: must be a duration such as 30s or 1h30m",
    ),
    "no password": (
        before_slos("prometheus:\n  basic_auth:\n    username: me"),
        "config.yaml:2: prometheus.basic_auth: needs exactly one of password and password_file: "
        "neither is there",
    ),
    "two passwords": (
        before_slos(
            "prometheus:\n  basic_auth: {username: me, password: a, password_file: /dev/null}"
        ),
        "config.yaml:2: prometheus.basic_auth: needs exactly one of password and password_file: "
        "not both",
    ),
    "no password file": (
        before_slos("prometheus:\n  basic_auth: {username: me, password_file: none}"),
        'config.yaml:2: prometheus.basic_auth.password_file: "none" cannot be read: '
        "No such file or directory",
    ),
    "folder as token": (
        before_slos("prometheus: {bearer_token_file: /dev}"),
        'config.yaml:1: prometheus.bearer_token_file: "/dev" cannot be read: Is a directory',
    ),
    "list as file": (
        before_slos("prometheus: {bearer_token_file: [a]}"),
        "config.yaml:1: prometheus.bearer_token_file: must be the path of a file",
    ),
    "two ways in": (
        before_slos(
            "prometheus:\n  bearer_token_file: /dev/null\n  basic_auth: {username: me, password: a}"
        ),
        "config.yaml:2: prometheus.bearer_token_file: must not be combined with basic_auth: "
        "remove one of the two",
    ),
    "key without certificate": (
        before_slos("prometheus:\n  tls_config: {key_file: /dev/null}"),
        "config.yaml:2: prometheus.tls_config: needs a client certificate and its key together, "
        "or neither",
    ),
    "certificate without key": (
        before_slos("prometheus:\n  tls_config: {cert_file: /dev/null}"),
        "config.yaml:2: prometheus.tls_config: needs a client certificate and its key together, "
        "or neither",
    ),
    "flag": (
        before_slos("prometheus:\n  tls_config: {insecure_skip_verify: maybe}"),
        "config.yaml:2: prometheus.tls_config.insecure_skip_verify: must be true or false",
    ),
    "flag as list": (
        before_slos("prometheus:\n  tls_config: {insecure_skip_verify: []}"),
        "config.yaml:2: prometheus.tls_config.insecure_skip_verify: must be true or false",
    ),
    "headers no mapping": (
        before_slos("prometheus: {headers: []}"),
        "config.yaml:1: prometheus.headers: must be a mapping of keys to values",
    ),
    "header name": (
        before_slos("prometheus: {headers: {'a b': c}}"),
        'config.yaml:1: prometheus.headers."a b": "a b" is not the name of an HTTP header',
    ),
    "header of the client": (
        before_slos("prometheus: {headers: {Host: c}}"),
        "config.yaml:1: prometheus.headers.Host: is set by the HTTP client itself",
    ),
    "authorization": (
        before_slos("prometheus: {headers: {authorization: c}}"),
        "config.yaml:1: prometheus.headers.authorization: must be given as basic_auth, "
        "authorization or oauth2",
    ),
    "header value": (
        before_slos('prometheus: {headers: {X-Tenant: "a\\r\\nb: c"}}'),
        "config.yaml:1: prometheus.headers.X-Tenant: must be printable ASCII on one line",
    ),
}

EVALUATION = {
    "interval divides no hour": (
        before_slos("evaluation: {interval: 7s}"),
        "config.yaml:1: evaluation.interval: must divide an hour evenly, as 15s, 30s or 1m do, "
        "not 7s",
    ),
    "interval too short": (
        before_slos("evaluation: {interval: 500ms}"),
        "config.yaml:1: evaluation.interval: must be at least 1s and at most 5m, not 500ms",
    ),
    "interval too long": (
        before_slos("evaluation: {interval: 10m, stale_after: 1h}"),
        "config.yaml:1: evaluation.interval: must be at least 1s and at most 5m, not 10m",
    ),
    "interval not whole": (
        before_slos("evaluation: {interval: 1s500ms}"),
        "config.yaml:1: evaluation.interval: must be whole seconds, not 1s500ms",
    ),
    "settle within delay": (
        before_slos("evaluation:\n  delay: 1m\n  settle: 1m"),
        "config.yaml:3: evaluation.settle: must be longer than delay (1m), not 1m",
    ),
    "default settle within delay": (
        before_slos("evaluation:\n  delay: 10m"),
        "config.yaml:1: evaluation.settle: must be longer than delay (10m), not 5m",
    ),
    "stale too early": (
        before_slos("evaluation: {stale_after: 59s}"),
        "config.yaml:1: evaluation.stale_after: must be at least two intervals (1m), not 59s",
    ),
    "concurrency none": (
        before_slos("evaluation: {concurrency: 0}"),
        "config.yaml:1: evaluation.concurrency: must be at least 1",
    ),
    "concurrency too high": (
        before_slos("evaluation: {concurrency: 101}"),
        "config.yaml:1: evaluation.concurrency: must be at most 100",
    ),
    "concurrency a word": (
        before_slos("evaluation: {concurrency: many}"),
        "config.yaml:1: evaluation.concurrency: must be a whole number",
    ),
    "concurrency a list": (
        before_slos("evaluation: {concurrency: [4]}"),
        "config.yaml:1: evaluation.concurrency: must be a whole number",
    ),
    "concurrency of many digits": (
        before_slos(f"evaluation: {{concurrency: {'9' * 5000}}}"),
        "config.yaml:1: evaluation.concurrency: must be a smaller whole number",
    ),
}


@pytest.mark.parametrize(("text", "messages"), rows(PROMETHEUS | EVALUATION))
def test_a_bad_setting_is_refused_with_its_exact_message(text, messages):
    """With its file, line, key and what would be right, and without what may be secret."""
    found = complaints(text)
    assert found == messages
    assert "hunter2" not in "".join(found)
