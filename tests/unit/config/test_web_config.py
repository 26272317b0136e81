"""Web configurations that are right, and what becomes of them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from exporter.config.reading.web_loading import load_web, load_web_file
from exporter.config.sections.web_section import WebFile
from exporter.config.types.section import Section, section_of
from exporter.web.server.settings import RateLimit, TlsSettings, WebSettings

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"


@pytest.fixture
def folder(tmp_path) -> Path:
    """With the files that configurations name."""
    (tmp_path / "tls").mkdir()
    for name in ("server.pem", "server.key", "clients.pem"):
        (tmp_path / "tls" / name).write_text("x")
    return tmp_path


def test_a_whole_one(folder):
    """Every key, from the toolkit's words to what the server is given."""
    path = folder / "web.yaml"
    path.write_text(f"""\
tls_server_config:
  cert_file: tls/server.pem
  key_file: {folder}/tls/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: tls/clients.pem
  client_allowed_sans: [prometheus.example.com, 10.0.0.1]
  min_version: TLS12
  max_version: TLS12
  cipher_suites:
    - TLS_AES_128_GCM_SHA256
    - TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
    - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP384]
http_server_config:
  http2: false
  headers:
    X-Frame-Options: sameorigin
    X-Content-Type-Options: nosniff
    X-XSS-Protection: ''
    Strict-Transport-Security: max-age=31536000
    Content-Security-Policy:
basic_auth_users:
  ada: {HASH}
rate_limit:
  interval: 100ms
  burst: 20
""")
    assert load_web_file(path) == WebSettings(
        file=path,
        tls=TlsSettings(
            cert_file=folder / "tls/server.pem",
            key_file=folder / "tls/server.key",
            client_auth=ssl.CERT_REQUIRED,
            client_ca_file=folder / "tls/clients.pem",
            client_allowed_sans=("prometheus.example.com", "10.0.0.1"),
            min_version=ssl.TLSVersion.TLSv1_2,
            max_version=ssl.TLSVersion.TLSv1_2,
            ciphers=("ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-GCM-SHA384"),
            prefer_server_ciphers=False,
            curve="secp384r1",
        ),
        headers={
            "X-Frame-Options": "sameorigin",
            "X-Content-Type-Options": "nosniff",
            "Strict-Transport-Security": "max-age=31536000",
        },
        users={"ada": HASH},
        rate_limit=RateLimit(interval=0.1, burst=20),
    )


def test_what_is_not_given_is_off(folder):
    """As in the toolkit: TLS 1.2 and 1.3, no client certificate, no limit."""
    text = "tls_server_config: {cert_file: tls/server.pem, key_file: tls/server.key}"
    path = folder / "web.yaml"
    assert load_web(text, path) == WebSettings(
        file=path, tls=TlsSettings(folder / "tls/server.pem", folder / "tls/server.key")
    )


@pytest.mark.parametrize(
    "text",
    ["basic_auth_users:", "rate_limit: {interval: 0}", "rate_limit: {interval: 0s, burst: 3}"],
)
def test_what_asks_for_nothing_is_right(text):
    """An interval of 0 is no limit, and no user none."""
    assert load_web(text, Path("web.yaml")) == WebSettings(file=Path("web.yaml"))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("NoClientCert", ssl.CERT_NONE),
        ("RequestClientCert", ssl.CERT_NONE),
        ("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL),
        ("RequireAndVerifyClientCert", ssl.CERT_REQUIRED),
    ],
)
def test_policies_for_client_certificates(folder, kind, mode):
    """One that is asked for but not verified is as good as none, so none is asked for."""
    ca = "client_ca_file: tls/clients.pem, " if mode else ""
    text = f"tls_server_config: {{cert_file: tls/server.pem, key_file: tls/server.key, {ca}"
    found = load_web(text + f"client_auth_type: {kind}}}", folder / "web.yaml")
    assert found.tls.client_auth == mode


def test_no_hash_is_shown_by_accident():
    """Not in logs, tracebacks or debuggers."""
    text = f"basic_auth_users: {{ada: {HASH}}}"
    assert HASH not in repr(load_web(text, Path("web.yaml")))
    assert HASH not in repr(WebFile(basic_auth_users={"ada": HASH}))


def leaves(section: type[Section], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """Every key that is no section, with its example."""
    found = []
    for name, field in section.model_fields.items():
        inner = section_of(field.annotation)
        found += leaves(inner, (*path, name)) if inner else [((*path, name), field.examples[0])]
    return found


@pytest.mark.parametrize(("path", "example"), leaves(WebFile))
def test_every_example_of_the_reference_is_right(folder, path, example):
    """Each loads together with what it needs."""
    needed = {
        "tls_server_config": {"cert_file": "tls/server.pem", "key_file": "tls/server.key"},
        "rate_limit": {"burst": "1"},
    }
    keys = dict(needed.get(path[0], {}))
    if path[-1] in {"client_auth_type", "client_ca_file", "client_allowed_sans"}:
        keys |= {
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": "tls/clients.pem",
        }
    text = example
    if len(path) > 1:
        text = "{" + ", ".join(f"{k}: {v}" for k, v in (keys | {path[-1]: example}).items()) + "}"
    for name in reversed(path[1:-1]):
        text = f"{{{name}: {text}}}"
    load_web(f"{path[0]}: {text}", folder / "web.yaml")
