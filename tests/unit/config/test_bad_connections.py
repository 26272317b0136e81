"""Credentials and ways to a server that are wrong: one for each mistake, with its exact message."""

from __future__ import annotations

import pytest

from tests.helpers.config.bad_configs import before_slos, complaints, rows

ONE_OF_TWO = "remove one of the two"


def prometheus(*lines: str) -> str:
    """A file whose section `prometheus` has these lines, from line 2 on."""
    return before_slos("\n  ".join(["prometheus:", *lines]))


CREDENTIALS = {
    "four ways in": (
        prometheus(
            "basic_auth: {username: me, password: a}",
            "authorization: {credentials: a}",
            "bearer_token_file: /dev/null",
            "oauth2: {client_id: a, client_secret: b, token_url: http://c}",
        ),
        *(
            f"config.yaml:{line}: prometheus.{key}: must not be combined with basic_auth: "
            f"{ONE_OF_TWO}"
            for line, key in ((3, "authorization"), (4, "bearer_token_file"), (5, "oauth2"))
        ),
    ),
    "oauth2 besides authorization": (
        prometheus(
            "oauth2: {client_id: a, client_secret: b, token_url: http://c}",
            "authorization: {credentials: a}",
        ),
        f"config.yaml:2: prometheus.oauth2: must not be combined with authorization: {ONE_OF_TWO}",
    ),
    "authorization without credentials": (
        prometheus("authorization: {type: Bearer}"),
        "config.yaml:2: prometheus.authorization: needs exactly one of credentials and "
        "credentials_file: neither is there",
    ),
    "authorization that is basic": (
        prometheus("authorization: {type: basic, credentials: a}"),
        "config.yaml:2: prometheus.authorization.type: must not be Basic: give user and password "
        "as basic_auth",
    ),
    "authorization of two words": (
        prometheus("authorization: {type: a b, credentials: a}"),
        'config.yaml:2: prometheus.authorization.type: "a b" is not a single word'
        " that HTTP can carry",
    ),
    "credentials of two lines": (
        prometheus('authorization: {credentials: "hunter2\\nhunter2"}'),
        "config.yaml:2: prometheus.authorization.credentials: must be printable ASCII on one line",
    ),
    "credentials as list": (
        prometheus("authorization: {credentials: [hunter2]}"),
        "config.yaml:2: prometheus.authorization.credentials: must be text",
    ),
    "oauth2 without a secret": (
        prometheus("oauth2: {client_id: a, token_url: http://c}"),
        "config.yaml:2: prometheus.oauth2: needs exactly one of client_secret and "
        "client_secret_file: neither is there",
    ),
    "oauth2 without client and URL": (
        prometheus("oauth2: {client_secret: a}"),
        "config.yaml:2: prometheus.oauth2.client_id: is required",
        "config.yaml:2: prometheus.oauth2.token_url: is required",
    ),
    "token_url": (
        prometheus("oauth2: {client_id: a, client_secret: b, token_url: sso}"),
        "config.yaml:2: prometheus.oauth2.token_url: must be an http or https URL such as "
        "https://sso.example.com/token",
    ),
    "token_url with password": (
        prometheus("oauth2: {client_id: a, client_secret: b, token_url: 'http://me:hunter2@c'}"),
        "config.yaml:2: prometheus.oauth2.token_url: must not contain a user or "
        "password: use client_id and client_secret",
    ),
    "scopes as text": (
        prometheus("oauth2: {client_id: a, client_secret: b, token_url: http://c, scopes: x}"),
        "config.yaml:2: prometheus.oauth2.scopes: must be a list",
    ),
}

WAY = {
    "two authorities": (
        prometheus("tls_config: {ca: '-----BEGIN a', ca_file: /dev/null}"),
        f"config.yaml:2: prometheus.tls_config.ca_file: must not be combined with ca: {ONE_OF_TWO}",
    ),
    "two certificates": (
        prometheus("tls_config: {cert: '-----BEGIN a', cert_file: /dev/null, key_file: /dev/null}"),
        "config.yaml:2: prometheus.tls_config.cert_file: must not be combined with cert: "
        f"{ONE_OF_TWO}",
    ),
    "two keys": (
        prometheus("tls_config: {cert_file: /dev/null, key: '-----BEGIN a', key_file: /dev/null}"),
        "config.yaml:2: prometheus.tls_config.key_file: must not be combined with key: "
        f"{ONE_OF_TWO}",
    ),
    "key that is none": (
        prometheus("tls_config: {cert_file: /dev/null, key: hunter2}"),
        "config.yaml:2: prometheus.tls_config.key: must be PEM: lines from -----BEGIN ...----- to "
        "-----END ...-----",
    ),
    "version of TLS": (
        prometheus("tls_config: {min_version: TLS10}"),
        "config.yaml:2: prometheus.tls_config.min_version: must be one of TLS12, TLS13, not "
        '"TLS10"',
    ),
    **{
        f"parameter {name}": (
            prometheus(f"params: {{dedup: true, {name}: 1}}"),
            f"config.yaml:2: prometheus.params.{name}: is set by the exporter itself",
        )
        for name in ("query", "time", "start", "end", "step")
    },
    "proxy_url": (
        prometheus("proxy_url: socks5://me:hunter2@a"),
        "config.yaml:2: prometheus.proxy_url: must be an http or https URL such as "
        "http://proxy.example.com:3128",
    ),
    "proxy_url with a line break": (
        prometheus('proxy_url: "http://me:hunter2\\n@a"'),
        "config.yaml:2: prometheus.proxy_url: must be an http or https URL such as "
        "http://proxy.example.com:3128",
    ),
    "proxy_url with a path": (
        prometheus("proxy_url: http://me:hunter2@a/b"),
        "config.yaml:2: prometheus.proxy_url: must end with the proxy's host and port",
    ),
    "no_proxy alone": (
        prometheus("no_proxy: a"),
        "config.yaml:2: prometheus.no_proxy: needs proxy_url: without it there is no proxy",
    ),
    "no_proxy with a network that is none": (
        prometheus("proxy_url: http://a", "no_proxy: 'a, 10.0.0.0/40'"),
        'config.yaml:3: prometheus.no_proxy: "10.0.0.0/40" is not a network: '
        "'10.0.0.0/40' does not appear to be an IPv4 or IPv6 network",
    ),
    "two proxies": (
        prometheus("proxy_url: http://a", "proxy_from_environment: true"),
        "config.yaml:3: prometheus.proxy_from_environment: must not be combined with proxy_url: "
        f"{ONE_OF_TWO}",
    ),
    **{
        f"redirects with {key}": (
            prometheus("follow_redirects: true", written),
            "config.yaml:2: prometheus.follow_redirects: must not be combined with "
            f"{called}: {ONE_OF_TWO}",
        )
        for key, written, called in (
            ("password", "basic_auth: {username: a, password: b}", "basic_auth"),
            ("token", "bearer_token_file: /dev/null", "bearer_token_file"),
            ("headers", "headers: {X-Scope-OrgID: a}", "headers"),
            (
                "certificate",
                "tls_config: {cert_file: /dev/null, key_file: /dev/null}",
                "a client certificate",
            ),
        )
    },
}


@pytest.mark.parametrize(("text", "messages"), rows(CREDENTIALS | WAY))
def test_a_bad_connection_is_refused_with_its_exact_message(text, messages):
    """With its file, line, key and what would be right, and without what may be secret."""
    found = complaints(text)
    assert found == messages
    assert "hunter2" not in "".join(found)
