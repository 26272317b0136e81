"""Web configurations that are wrong: one for each mistake, with its exact message."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.errors import ConfigError
from exporter.config.reading.web_loading import load_web, load_web_file
from tests.helpers.config.bad_configs import DURATION_HELP, rows

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
NO_HASH = "must be a bcrypt hash, as `htpasswd -nBC 10 USER` makes one"
TLS = "tls_server_config: {cert_file: /dev/null, key_file: /dev/null, "

FILE = {
    "empty": ("", "web.yaml:1: is empty: tls_server_config or basic_auth_users is needed"),
    "a list": (
        "- tls_server_config",
        "web.yaml:1: must be a mapping of keys to values, such as tls_server_config: ...",
    ),
    "no YAML": (
        "basic_auth_users: {",
        "web.yaml:1: is not valid YAML: while parsing a flow node, did not find expected node "
        "content",
    ),
    "unknown key": (
        "tls_config: {}",
        "web.yaml:1: tls_config: unknown key, did you mean tls_server_config?",
    ),
    "users twice": (
        f"basic_auth_users:\n  ada: {HASH}\n  ada: {HASH}",
        "web.yaml:3: basic_auth_users.ada: is given twice, first on line 2",
    ),
}

TLS_FILES = {
    "no files": (
        "tls_server_config: {}",
        "web.yaml:1: tls_server_config.cert_file: is required",
        "web.yaml:1: tls_server_config.key_file: is required",
    ),
    "files that are not there": (
        "tls_server_config:\n  cert_file: none.pem\n  key_file: none.key\n"
        "  client_ca_file: none.ca\n  client_auth_type: RequireAndVerifyClientCert",
        'web.yaml:2: tls_server_config.cert_file: "none.pem" cannot be read: '
        "No such file or directory",
        'web.yaml:3: tls_server_config.key_file: "none.key" cannot be read: '
        "No such file or directory",
        'web.yaml:4: tls_server_config.client_ca_file: "none.ca" cannot be read: '
        "No such file or directory",
    ),
    "inline certificate": (
        TLS + "cert: x}",
        "web.yaml:1: tls_server_config.cert: unknown key, did you mean cert_file?",
    ),
}

TLS_CLIENTS = {
    "any certificate": (
        TLS + "client_auth_type: RequireAnyClientCert}",
        "web.yaml:1: tls_server_config.client_auth_type: RequireAnyClientCert "
        "accepts every certificate and protects nothing: use "
        "RequireAndVerifyClientCert with client_ca_file",
    ),
    "any certificate by its older name": (
        TLS + "client_auth_type: RequireClientCert}",
        "web.yaml:1: tls_server_config.client_auth_type: RequireClientCert "
        "accepts every certificate and protects nothing: use "
        "RequireAndVerifyClientCert with client_ca_file",
    ),
    "a word": (
        TLS + "client_auth_type: yes}",
        "web.yaml:1: tls_server_config.client_auth_type: must be one of NoClientCert, "
        'RequestClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert, not "yes"',
    ),
    "verifying without a CA": (
        TLS + "client_auth_type: VerifyClientCertIfGiven}",
        "web.yaml:1: tls_server_config.client_ca_file: is required by client_auth_type "
        "VerifyClientCertIfGiven",
    ),
    "a CA that nobody asks": (
        TLS + "client_ca_file: /dev/null}",
        "web.yaml:1: tls_server_config.client_ca_file: needs a client_auth_type, such as "
        "RequireAndVerifyClientCert",
    ),
    "names that nobody need have": (
        TLS + "client_ca_file: /dev/null, client_auth_type: VerifyClientCertIfGiven, "
        "client_allowed_sans: [a]}",
        "web.yaml:1: tls_server_config.client_allowed_sans: needs client_auth_type "
        "RequireAndVerifyClientCert",
    ),
    "a name twice": (
        TLS + "client_ca_file: /dev/null, client_auth_type: RequireAndVerifyClientCert, "
        "client_allowed_sans: [a, b, a]}",
        "web.yaml:1: tls_server_config.client_allowed_sans: names a twice",
    ),
}

TLS_OFFERED = {
    "a broken version": (
        TLS + "min_version: TLS10}",
        "web.yaml:1: tls_server_config.min_version: TLS10 is broken (RFC 8996) and not served: "
        "use TLS12 or TLS13",
    ),
    "no version": (
        TLS + "max_version: '1.3'}",
        'web.yaml:1: tls_server_config.max_version: must be one of TLS12, TLS13, not "1.3"',
    ),
    "versions upside down": (
        TLS + "min_version: TLS13, max_version: TLS12}",
        "web.yaml:1: tls_server_config.max_version: must not be below min_version (TLS13)",
    ),
    "suites of TLS 1.3 alone": (
        TLS + "cipher_suites: [TLS_AES_128_GCM_SHA256]}",
        "web.yaml:1: tls_server_config.cipher_suites: has only suites of TLS 1.3, which are "
        "always on: name one of TLS 1.2, or set min_version to TLS13",
    ),
    "a suite twice": (
        TLS + "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}",
        "web.yaml:1: tls_server_config.cipher_suites: names "
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 twice",
    ),
    "an unknown curve": (
        TLS + "curve_preferences: [P256]}",
        "web.yaml:1: tls_server_config.curve_preferences[0]: must be one of CurveP256, "
        'CurveP384, CurveP521, X25519, not "P256"',
    ),
    "several curves": (
        TLS + "curve_preferences: [X25519, CurveP256]}",
        "web.yaml:1: tls_server_config.curve_preferences: must name one curve: an order of "
        "several is not supported",
    ),
    "a preference": (
        TLS + "prefer_server_cipher_suites: maybe}",
        "web.yaml:1: tls_server_config.prefer_server_cipher_suites: must be true or false",
    ),
}

HTTP = {
    "a header that cannot be set": (
        "http_server_config: {headers: {Server: me}}",
        "web.yaml:1: http_server_config.headers.Server: unknown key, known here: "
        "Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection, "
        "Content-Security-Policy",
    ),
    "a header in other letters": (
        "http_server_config: {headers: {x-frame-options: deny}}",
        "web.yaml:1: http_server_config.headers.x-frame-options: unknown key, did you mean "
        "X-Frame-Options?",
    ),
    "frames": (
        "http_server_config: {headers: {X-Frame-Options: DENY}}",
        "web.yaml:1: http_server_config.headers.X-Frame-Options: must be one of deny, "
        'sameorigin, not "DENY"',
    ),
    "sniffing": (
        "http_server_config: {headers: {X-Content-Type-Options: sniff}}",
        "web.yaml:1: http_server_config.headers.X-Content-Type-Options: must be one of nosniff, "
        'not "sniff"',
    ),
    "a header of two lines": (
        'http_server_config: {headers: {Strict-Transport-Security: "a\\r\\nb: c"}}',
        "web.yaml:1: http_server_config.headers.Strict-Transport-Security: must be printable "
        "ASCII on one line",
    ),
    "http2": (
        "http_server_config: {http2: perhaps}",
        "web.yaml:1: http_server_config.http2: must be true or false",
    ),
}

USERS = {
    "a password": (
        "basic_auth_users: {ada: lovelace}",
        f"web.yaml:1: basic_auth_users.ada: {NO_HASH}",
    ),
    "no password": ("basic_auth_users: {ada: }", f"web.yaml:1: basic_auth_users.ada: {NO_HASH}"),
    "half a hash": (
        f"basic_auth_users: {{ada: {HASH[:-1]}}}",
        f"web.yaml:1: basic_auth_users.ada: {NO_HASH}",
    ),
    "another hash": (
        f"basic_auth_users: {{ada: {HASH.replace('2y', '6')}}}",
        f"web.yaml:1: basic_auth_users.ada: {NO_HASH}",
    ),
    "a hash that takes minutes": (
        f"basic_auth_users: {{ada: {HASH.replace('$10$', '$20$')}}}",
        "web.yaml:1: basic_auth_users.ada: must have a cost of at least 4 and at most 16, not 20",
    ),
    "a colon": (
        f"basic_auth_users: {{'a:b': {HASH}}}",
        'web.yaml:1: basic_auth_users."a:b": "a:b" is not a user name: basic authentication allows '
        "no colon",
    ),
    "no name": (
        f"basic_auth_users: {{'': {HASH}}}",
        'web.yaml:1: basic_auth_users."": must not be empty',
    ),
    "a list": (
        f"basic_auth_users: [{HASH}]",
        "web.yaml:1: basic_auth_users: must be a mapping of keys to values",
    ),
}

RATE = {
    "no duration": (
        "rate_limit: {interval: 10, burst: 1}",
        f"web.yaml:1: rate_limit.interval: '10' {DURATION_HELP}",
    ),
    "too long": (
        "rate_limit: {interval: 2h, burst: 1}",
        "web.yaml:1: rate_limit.interval: must be at least 0s and at most 1h, not 2h",
    ),
    "no burst": (
        "rate_limit: {interval: 1s}",
        "web.yaml:1: rate_limit.burst: must be at least 1, or no request is answered",
    ),
    "negative burst": (
        "rate_limit: {interval: 1s, burst: -1}",
        "web.yaml:1: rate_limit.burst: must be at least 0",
    ),
}

ALL = FILE | TLS_FILES | TLS_CLIENTS | TLS_OFFERED | HTTP | USERS | RATE


def complaints(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_web(text, Path("web.yaml"))
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("text", "messages"), rows(ALL))
def test_a_bad_web_configuration_is_refused_with_its_exact_message(text, messages):
    """Each mistake is reported with its file, line, key and what would be right."""
    assert complaints(text) == messages


def test_every_mistake_is_found_at_once():
    """In the order of the file, whatever the section."""
    text = "\n".join(
        [
            "rate_limit: {burst: many}",
            "basic_auth_users: {ada: lovelace}",
            "tls_server_config: {cert_file: none, key_file: none, min_version: SSL3}",
        ]
    )
    assert [line.split(": ")[1] for line in complaints(text)] == [
        "rate_limit.burst",
        "basic_auth_users.ada",
        "tls_server_config.cert_file",
        "tls_server_config.key_file",
        "tls_server_config.min_version",
    ]


@pytest.mark.parametrize("secret", ["hunter2", HASH[:-1]])
def test_what_should_be_a_hash_is_never_repeated(secret):
    """It may be the password itself."""
    assert secret not in "".join(complaints(f"basic_auth_users: {{ada: {secret}}}"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    """As any other file that is needed."""
    path = tmp_path / "web.yaml"
    with pytest.raises(ConfigError) as caught:
        load_web_file(path)
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"
