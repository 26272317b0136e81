"""TLS: what is offered, who is let in, and that nobody can dawdle; over sockets."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs

from exporter.web.server.settings import Limits, TlsSettings, WebSettings, WebSettingsError
from exporter.web.server.tls import has_allowed_san, tls_context
from tests.helpers.web.bounded import LARGE
from tests.helpers.web.serving import Serving, get, rest, status, until


@pytest.fixture
def tls(authority, tmp_path) -> TlsSettings:
    """A certificate for localhost."""
    return TlsSettings(*authority.write(tmp_path, "localhost"))


@contextmanager
def serving(tls: TlsSettings, limits: Limits | None = None) -> Iterator[Serving]:
    with Serving(lambda: WebSettings(tls=tls), limits) as server:
        yield server


def served(server: Serving, context: ssl.SSLContext) -> bool:
    """Whether a client is; with TLS 1.3 it learns that it is not when it reads."""
    try:
        return server.ask(get(), context)[0] == 200
    except (ssl.SSLError, ConnectionError):
        return False


class TestWhatIsOffered:
    def test_https_in_place_of_http(self, tls, authority):
        """Those who trust the authority are served, and speak HTTP/1.1."""
        client = authority.client()
        client.set_alpn_protocols(["h2", "http/1.1"])
        with serving(tls) as server:
            assert served(server, client)
            with server.connect(client) as connection:
                assert connection.selected_alpn_protocol() == "http/1.1"
                assert connection.version() == "TLSv1.3"

    def test_plain_http_is_not_answered(self, tls):
        """The connection ends without a word of it."""
        with serving(tls) as server:
            assert status_line(server.ask(get())[1]) == b""

    def test_nobody_is_served_who_does_not_trust_it(self, tls, stranger):
        """The certificate is the one that was given."""
        with serving(tls) as server, pytest.raises(ssl.SSLCertVerificationError):
            server.connect(stranger.client())

    @pytest.mark.parametrize(
        ("of", "offered", "taken"),
        [
            ({}, ssl.TLSVersion.TLSv1_2, True),
            ({}, ssl.TLSVersion.TLSv1_3, True),
            ({"min_version": ssl.TLSVersion.TLSv1_3}, ssl.TLSVersion.TLSv1_2, False),
            ({"min_version": ssl.TLSVersion.TLSv1_3}, ssl.TLSVersion.TLSv1_3, True),
            ({"max_version": ssl.TLSVersion.TLSv1_2}, ssl.TLSVersion.TLSv1_2, True),
            ({"max_version": ssl.TLSVersion.TLSv1_2}, ssl.TLSVersion.TLSv1_3, False),
        ],
    )
    def test_versions_within_the_bounds(self, tls, authority, of, offered, taken):
        """And none beyond."""
        client = authority.client()
        client.minimum_version = client.maximum_version = offered
        with serving(replace(tls, **of)) as server:
            assert served(server, client) == taken

    def test_cipher_suites_that_are_listed(self, tls, authority):
        """Of TLS 1.2; the order is the server's, or the client's where that is wanted."""
        first, second = "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"
        tls = replace(tls, ciphers=(first, second), max_version=ssl.TLSVersion.TLSv1_2)

        def agreed(server: Serving, *ciphers: str) -> str:
            client = authority.client()
            client.set_ciphers(":".join(ciphers))
            with server.connect(client) as connection:
                return connection.cipher()[0]

        with serving(tls) as server:
            assert agreed(server, second, first) == first
            with pytest.raises(ssl.SSLError):
                agreed(server, "ECDHE-ECDSA-CHACHA20-POLY1305")
        with serving(replace(tls, prefer_server_ciphers=False)) as server:
            assert agreed(server, second, first) == second

    def test_the_curve_that_is_given(self, tls, authority):
        """Clients that know others alone are refused."""
        with serving(replace(tls, curve="X25519")) as server:
            for curve, taken in (("X25519", True), ("secp384r1", False)):
                client = authority.client()
                client.set_ecdh_curve(curve)
                assert served(server, client) == taken


def status_line(answer: bytes) -> bytes:
    return answer if answer.startswith(b"HTTP/") else b""


class TestClientCertificates:
    @pytest.fixture
    def ca(self, authority, tmp_path) -> Path:
        """Whose certificates are let in."""
        return authority.write_ca(tmp_path)

    @pytest.fixture
    def certified(self, authority, tmp_path) -> Callable[..., ssl.SSLContext]:
        """Makes a client with a certificate for some names."""
        return lambda *names: authority.client(tmp_path, *names)

    @pytest.fixture
    def clients(self, authority, stranger, certified, tmp_path) -> list[ssl.SSLContext]:
        """One without a certificate, one with one, and one with a stranger's."""
        foreign = authority.client()
        foreign.load_cert_chain(*stranger.write(tmp_path, "one.example", stem="foreign"))
        return [authority.client(), certified("one.example"), foreign]

    @pytest.mark.parametrize(
        ("policy", "let_in"),
        [
            (ssl.CERT_NONE, [True, True, True]),
            (ssl.CERT_OPTIONAL, [True, True, False]),
            (ssl.CERT_REQUIRED, [False, True, False]),
        ],
    )
    def test_who_is_let_in(self, tls, ca, clients, policy, let_in):
        """Without a certificate, with one of the CA, with one of another CA."""
        with serving(replace(tls, client_auth=policy, client_ca_file=ca)) as server:
            assert [served(server, client) for client in clients] == let_in

    @pytest.mark.parametrize(
        ("names", "taken"),
        [
            (("one.example",), True),
            (("other.example", "one.example"), True),
            (("127.0.0.2",), True),
            (("2001:db8::1",), True),
            (("me@one.example",), True),
            (("other.example", "127.0.0.3", "2001:db8::2", "you@one.example"), False),
            (("sub.one.example",), False),
        ],
    )
    def test_whose_name_is_allowed(self, tls, ca, certified, names, taken):
        """One of the names must match exactly; an address matches however it is written."""
        allowed = ("one.example", "127.0.0.2", "2001:DB8:0::1", "me@one.example")
        tls = replace(
            tls, client_auth=ssl.CERT_REQUIRED, client_ca_file=ca, client_allowed_sans=allowed
        )
        with serving(tls) as server:
            assert served(server, certified(*names)) == taken

    def test_uris_are_names_and_other_entries_are_not(self):
        """As the toolkit has it; a directory name is none."""
        uri = "spiffe://example/prometheus"
        assert has_allowed_san({"subjectAltName": (("URI", uri),)}, (uri,))
        assert not has_allowed_san({"subjectAltName": (("Registered ID", "1.2"),)}, ("1.2",))
        assert not has_allowed_san(None, (uri,))


class TestDawdling:
    @pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "half"])
    def test_a_handshake_that_never_ends_is_given_up(self, tls, said):
        """Whether it has begun or not."""
        with serving(tls, Limits(handshake=0.5)) as server, server.connect() as client:
            client.sendall(said)
            assert rest(client) == b""
            until(lambda: not server.connections)

    def test_an_answer_that_nobody_takes_is_given_up(self, tls, authority):
        """As without TLS."""
        server = Serving(lambda: WebSettings(tls=tls), Limits(answer=0.5), shot=LARGE)
        with server, server.connect(authority.client()) as client:
            client.sendall(get("/metrics"))
            until(lambda: server.connections)
            until(lambda: not server.connections)

    def test_a_good_bye_that_is_not_returned_is_given_up(self, tls, authority):
        """The server ends the connection; the client never reads that."""
        limits = Limits(idle=1, handshake=0.5)
        with serving(tls, limits) as server, server.connect(authority.client()) as client:
            client.sendall(get().replace(b"Connection: close\r\n", b""))
            assert status(client.recv(4_096)) == 200
            until(lambda: not server.connections)


Spoil = Callable[[TlsSettings, Path], TlsSettings]


def gone(tls: TlsSettings, _: Path) -> TlsSettings:
    tls.key_file.unlink()
    return tls


def no_pem(tls: TlsSettings, _: Path) -> TlsSettings:
    tls.cert_file.write_text("no certificate")
    return tls


def no_ca(tls: TlsSettings, folder: Path) -> TlsSettings:
    (folder / "ca.pem").write_text("no certificate")
    return replace(tls, client_ca_file=folder / "ca.pem")


def encrypted(tls: TlsSettings, _: Path) -> TlsSettings:
    key = serialization.load_pem_private_key(tls.key_file.read_bytes(), None)
    tls.key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )
    return tls


class TestFilesThatCannotBeUsed:
    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (gone, "server.pem and .*server.key cannot be used as certificate and key: No such"),
            (no_pem, "server.pem and .* cannot be used as certificate and key: not in PEM form"),
            (encrypted, "key: the key is encrypted: give one without a passphrase"),
            (no_ca, "ca.pem cannot be used as client CA: no certificate or crl found"),
        ],
    )
    def test_they_are_named(self, tls, tmp_path, spoil: Spoil, message):
        """With what is wrong with them; nobody is asked for a passphrase."""
        with pytest.raises(WebSettingsError, match=message):
            tls_context(spoil(tls, tmp_path))

    def test_a_key_of_another_certificate_is_named(self, tls, authority, tmp_path):
        """The two belong together."""
        _, other = authority.write(tmp_path, "localhost", stem="other")
        message = f"{re.escape(str(other))} cannot be used .*: key values mismatch"
        with pytest.raises(WebSettingsError, match=message):
            tls_context(replace(tls, key_file=other))


def test_errors_of_tls_fill_no_log(tls, capfd, caplog):
    """Anybody could cause them; they are there for those who debug."""
    with capture_logs() as logs, serving(tls) as server:
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x02\x01\x00", b""):
            with server.connect() as client:
                client.sendall(said)
                client.shutdown(socket.SHUT_WR)
                rest(client)
    assert {(line["event"], line["log_level"]) for line in logs} == {
        ("TLS handshake failed", "debug")
    }
    assert caplog.text == ""
    assert capfd.readouterr().err == ""
