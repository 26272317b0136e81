"""What a file says of credentials and of the way to a server reaches the client's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.reading.loading import load
from exporter.prometheus.settings import (
    Authorization,
    OAuth2,
    PrometheusSettings,
    ProxySettings,
    TlsSettings,
)
from tests.helpers.secret_config import SLOS

PEM = "-----BEGIN A-----\na\n-----END A-----\n"


def loaded(folder: Path, *lines: str) -> PrometheusSettings:
    """The settings that these lines of the section `prometheus` give."""
    text = "\n  ".join(["prometheus:", *lines])
    return load(f"{text}\n{SLOS}", folder / "config.yaml").datasources["prometheus"]


def block(key: str) -> list[str]:
    return [f"  {key}: |", *(f"    {line}" for line in PEM.splitlines())]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that has the files that are named."""
    for name in ("secret", "ca.pem", "client.pem", "client.key"):
        (tmp_path / name).write_text("x")
    return tmp_path


def test_an_authorization_is_a_bearer_token_unless_it_says_otherwise(folder):
    """As in Prometheus."""
    assert loaded(folder, "authorization: {credentials: abc}") == PrometheusSettings(
        credentials=Authorization("Bearer", credentials="abc")
    )
    assert loaded(folder, "authorization: {type: ApiKey, credentials_file: secret}") == (
        PrometheusSettings(credentials=Authorization("ApiKey", credentials_file=folder / "secret"))
    )


def test_every_key_of_oauth2(folder):
    """With TLS and a proxy of its own."""
    lines = [
        "oauth2:",
        "  client_id: me",
        "  client_secret_file: secret",
        "  token_url: https://sso.example.com/token?tenant=a",
        "  scopes: [a, 'b c']",
        "  endpoint_params: {audience: 007}",
        "  tls_config: {ca_file: ca.pem}",
        "  proxy_url: http://me:pw@proxy:3128",
    ]
    assert loaded(folder, *lines).credentials == OAuth2(
        client_id="me",
        token_url="https://sso.example.com/token?tenant=a",
        client_secret_file=folder / "secret",
        scopes=("a", "b c"),
        endpoint_params={"audience": "007"},
        tls=TlsSettings(ca_file=folder / "ca.pem"),
        proxy=ProxySettings("http://me:pw@proxy:3128"),
    )
    in_place = "oauth2: {client_id: me, client_secret: s, token_url: http://a}"
    assert loaded(folder, in_place).credentials == OAuth2("me", "http://a", client_secret="s")


def test_every_key_of_tls(folder):
    """Certificates in files, or in place."""
    names = "server_name: a.internal, min_version: TLS13, insecure_skip_verify: true"
    files = "ca_file: ca.pem, cert_file: client.pem, key_file: client.key"
    assert loaded(folder, f"tls_config: {{{files}, {names}}}").tls == TlsSettings(
        ca_file=folder / "ca.pem",
        cert_file=folder / "client.pem",
        key_file=folder / "client.key",
        server_name="a.internal",
        min_version="TLS13",
        insecure_skip_verify=True,
    )
    in_place = [line for key in ("ca", "cert", "key") for line in block(key)]
    assert loaded(folder, "tls_config:", *in_place).tls == TlsSettings(ca=PEM, cert=PEM, key=PEM)


def test_a_key_may_stand_in_place_and_its_certificate_in_a_file(folder):
    """Or the other way round."""
    found = loaded(folder, "tls_config:", "  cert_file: client.pem", *block("key")).tls
    assert found == TlsSettings(cert_file=folder / "client.pem", key=PEM)


def test_every_key_about_the_way(folder):
    """Proxies and redirects."""
    lines = ["proxy_url: http://me:pw@proxy:3128", "no_proxy: 'a, 10.0.0.0/8'"]
    assert loaded(folder, *lines, "follow_redirects: true") == PrometheusSettings(
        proxy=ProxySettings("http://me:pw@proxy:3128", no_proxy="a, 10.0.0.0/8"),
        follow_redirects=True,
    )
    found = loaded(folder, "proxy_from_environment: true")
    assert found == PrometheusSettings(proxy=ProxySettings(from_environment=True))


def test_browsers_may_find_it_elsewhere(folder):
    """At the URL that the exporter asks, unless another one is given."""
    assert loaded(folder, "url: http://inside:9090/x/").browser_url == "http://inside:9090/x"
    lines = ["url: http://inside:9090", "external_url: https://prometheus.example.com/"]
    found = loaded(folder, *lines)
    assert (found.url, found.browser_url) == (
        "http://inside:9090",
        "https://prometheus.example.com",
    )


def test_parameters_are_text(folder):
    """However they read in YAML."""
    found = loaded(
        folder, "params: {max_source_resolution: 0s, dedup: true, limit: 10, tenant: ''}"
    )
    assert found.params == {
        "max_source_resolution": "0s",
        "dedup": "true",
        "limit": "10",
        "tenant": "",
    }
