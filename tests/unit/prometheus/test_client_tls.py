"""TLS towards a real Prometheus: whom we trust, who we are, and certificates that change."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import SettingsError, UnavailableError
from exporter.prometheus.settings import PrometheusSettings, TlsSettings
from tests.helpers.prometheus.answers import ask, with_client
from tests.helpers.secured import Pki, SecuredPrometheus, tls_server_config
from tests.helpers.tcp_servers import Answer, Headers, HttpServer, answered


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


def another(folder: Path) -> Pki:
    """An authority that nobody trusts."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Pki(elsewhere)


Serve = Callable[..., SecuredPrometheus]


@pytest.fixture
def serve(pki: Pki) -> Iterator[Serve]:
    """Starts a Prometheus with a certificate for these names; with `mutual` it wants one, too."""
    started: list[SecuredPrometheus] = []

    def start(*identities: str, mutual: bool = False, **options: object) -> SecuredPrometheus:
        cert, key = pki.issue("server", *identities, **options)
        client = pki.issue("probe", "probe@example.com") if mutual else None
        config = tls_server_config(cert, key, pki.ca_file if mutual else None)
        started.append(SecuredPrometheus(config, client))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.close()


class TestTheServersCertificate:
    def test_one_of_a_trusted_authority_is_accepted(self, pki, serve):
        """For the name, or the address, in the URL."""
        server = serve("127.0.0.1")
        assert ask(PrometheusSettings(url=server.url, tls=pki.trusting())) == []

    def test_the_authority_may_stand_in_the_settings(self, pki, serve):
        """As PEM text."""
        server = serve("127.0.0.1")
        tls = TlsSettings(ca=pki.ca_file.read_text())
        assert ask(PrometheusSettings(url=server.url, tls=tls)) == []

    def test_one_of_an_unknown_authority_is_refused(self, serve):
        """The system knows nothing of the test's own."""
        server = serve("127.0.0.1")
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            ask(PrometheusSettings(url=server.url))

    def test_one_that_has_expired_is_refused(self, pki, serve):
        """The message says so."""
        yesterday = datetime.now(UTC) - timedelta(days=1)
        server = serve("127.0.0.1", not_after=yesterday)
        with pytest.raises(UnavailableError, match="certificate has expired"):
            ask(PrometheusSettings(url=server.url, tls=pki.trusting()))

    def test_one_for_another_name_is_refused(self, pki, serve):
        """The message says for which it is not valid."""
        server = serve("prometheus.internal")
        with pytest.raises(UnavailableError, match=r"not valid for '127\.0\.0\.1'"):
            ask(PrometheusSettings(url=server.url, tls=pki.trusting()))

    def test_server_name_tells_the_name_that_is_expected(self, pki, serve):
        """Where Prometheus is reached by another than the one in its certificate."""
        server = serve("prometheus.internal")
        tls = pki.trusting(server_name="prometheus.internal")
        assert ask(PrometheusSettings(url=server.url, tls=tls)) == []
        other = pki.trusting(server_name="other.internal")
        with pytest.raises(UnavailableError, match=r"not valid for 'other\.internal'"):
            ask(PrometheusSettings(url=server.url, tls=other))

    def test_any_is_accepted_where_that_is_wanted(self, serve):
        """Of whatever authority, for whatever name."""
        server = serve("prometheus.internal")
        tls = TlsSettings(insecure_skip_verify=True)
        assert ask(PrometheusSettings(url=server.url, tls=tls)) == []

    def test_an_older_version_of_tls_than_wanted_is_refused(self, pki):
        """A server that speaks 1.2 alone is none for TLS13."""
        context = pki.server_context("127.0.0.1")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with HttpServer(answered, context) as server:
            assert ask(PrometheusSettings(url=server.url, tls=pki.trusting())) == []
            tls = pki.trusting(min_version="TLS13")
            with pytest.raises(UnavailableError, match=r"cannot be reached: .*PROTOCOL_VERSION"):
                ask(PrometheusSettings(url=server.url, tls=tls))


class TestTheClientsCertificate:
    def test_it_is_shown_to_a_server_that_asks(self, pki, serve):
        """From files, or from the settings."""
        server = serve("127.0.0.1", mutual=True)
        cert, key = pki.issue("client", "exporter@example.com")
        from_files = pki.trusting(cert_file=cert, key_file=key)
        in_place = pki.trusting(cert=cert.read_text(), key=key.read_text())
        for tls in (from_files, in_place):
            assert ask(PrometheusSettings(url=server.url, tls=tls)) == []

    def test_without_it_there_is_no_answer(self, pki, serve):
        """The message has what ended the connection: the server's alert, where that came first."""
        server = serve("127.0.0.1", mutual=True)
        with pytest.raises(
            UnavailableError, match=r"cannot be reached: .*([Aa]lert|Broken pipe|reset)"
        ):
            ask(PrometheusSettings(url=server.url, tls=pki.trusting()))

    def test_one_of_another_authority_is_refused(self, pki, serve, tmp_path):
        """By the server, as if there were none."""
        server = serve("127.0.0.1", mutual=True)
        cert, key = another(tmp_path).issue("client", "exporter@example.com")
        tls = pki.trusting(cert_file=cert, key_file=key)
        with pytest.raises(
            UnavailableError, match=r"cannot be reached: .*([Aa]lert|Broken pipe|reset)"
        ):
            ask(PrometheusSettings(url=server.url, tls=tls))

    @pytest.mark.parametrize("name", ["cert", "key"])
    def test_what_is_none_is_told_at_the_start(self, pki, name):
        """With the places of both, and not with what stands in them."""
        cert, key = pki.issue("client", "exporter@example.com")
        broken = {"cert": cert, "key": key}[name]
        broken.write_text(broken.read_text()[:100] + "s3cret")
        tls = TlsSettings(cert=cert.read_text(), key=key.read_text())
        with pytest.raises(SettingsError) as caught:
            PrometheusClient(PrometheusSettings(tls=tls), name="mimir")
        assert str(caught.value).startswith("datasources.mimir.tls_config: cert and key: ")
        assert "s3cret" not in str(caught.value)

    def test_an_encrypted_key_is_refused_rather_than_asked_about(self, pki, tmp_path):
        """Nobody sits at the daemon's terminal to type a password."""
        cert, key = pki.issue("client", "exporter@example.com")
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        key.write_bytes(
            loaded.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"s3cret"),
            )
        )
        with pytest.raises(SettingsError, match=r"client\.pem and .*client\.key"):
            PrometheusClient(PrometheusSettings(tls=TlsSettings(cert_file=cert, key_file=key)))


class TestFilesThatChange:
    def test_a_client_certificate_that_changes_is_shown_from_the_next_query_on(
        self, pki, serve, tmp_path
    ):
        """Here from one that the server refuses to one that it takes, and back."""
        server = serve("127.0.0.1", mutual=True)
        elsewhere = another(tmp_path)
        cert, key = tmp_path / "client.pem", tmp_path / "client.key"

        def put(issuer: Pki) -> None:
            for old, new in zip(
                (cert, key), issuer.issue("fresh", "exporter@example.com"), strict=True
            ):
                new.replace(old)

        put(elsewhere)
        settings = PrometheusSettings(
            url=server.url, tls=pki.trusting(cert_file=cert, key_file=key)
        )

        async def use(client: PrometheusClient) -> None:
            for issuer in (pki, elsewhere, pki):
                put(issuer)
                if issuer is pki:
                    assert await client.instant_query("up", 1) == []
                else:
                    with pytest.raises(UnavailableError, match="cannot be reached"):
                        await client.instant_query("up", 1)

        with_client(use, settings)

    def test_an_authority_that_changes_is_trusted_from_the_next_query_on(
        self, pki, serve, tmp_path
    ):
        """As when a company's own authority is renewed."""
        server = serve("127.0.0.1")
        ca_file = tmp_path / "trusted.pem"
        trustme.CA().cert_pem.write_to_path(str(ca_file))

        async def use(client: PrometheusClient) -> None:
            with pytest.raises(UnavailableError, match="certificate verify failed"):
                await client.instant_query("up", 1)
            ca_file.write_bytes(pki.ca_file.read_bytes())
            assert await client.instant_query("up", 1) == []

        with_client(use, PrometheusSettings(url=server.url, tls=TlsSettings(ca_file=ca_file)))

    def test_a_change_into_garbage_is_told_and_ends_with_the_next_change(
        self, pki, serve, tmp_path
    ):
        """A certificate whose key is not written yet costs a query, and no restart."""
        server = serve("127.0.0.1")
        ca_file = tmp_path / "trusted.pem"
        ca_file.write_bytes(pki.ca_file.read_bytes())

        async def use(client: PrometheusClient) -> None:
            assert await client.instant_query("up", 1) == []
            ca_file.write_text("garbage")
            for _ in range(2):
                with pytest.raises(
                    UnavailableError, match=r"prometheus\.tls_config: .*trusted\.pem"
                ):
                    await client.instant_query("up", 1)
            ca_file.unlink()
            with pytest.raises(UnavailableError, match=r"cannot be read: .*trusted\.pem"):
                await client.instant_query("up", 1)
            ca_file.write_bytes(pki.ca_file.read_bytes())
            assert await client.instant_query("up", 1) == []

        with_client(use, PrometheusSettings(url=server.url, tls=TlsSettings(ca_file=ca_file)))

    def test_files_that_stay_keep_their_connections(self, pki, serve):
        """Nothing is built anew between two queries, and nothing is connected anew."""
        server = serve("127.0.0.1")

        async def use(client: PrometheusClient) -> None:
            await client.instant_query("up", 1)
            before = client._http._transport._transport._current
            await client.instant_query("up", 1)
            assert client._http._transport._transport._current is before
            assert len(before.pool._pool.connections) == 1

        with_client(use, PrometheusSettings(url=server.url, tls=pki.trusting()))

    def test_an_answer_under_way_comes_to_its_end_on_the_old_connection(self, pki, tmp_path):
        """And the old connection is closed after it."""
        let_go = threading.Event()

        def answer(path: str, headers: Headers, form: dict[str, str]) -> Answer:
            if form["query"] == "slow":
                let_go.wait(10)
            return answered(path, headers, form)

        async def use(client: PrometheusClient) -> None:
            before = client._http._transport._transport._current
            slow = asyncio.create_task(client.instant_query("slow", 1))
            async with asyncio.timeout(10):
                while not server.asked:  # noqa: ASYNC110 - the server is in another thread
                    await asyncio.sleep(0.01)
            pki.ca_file.write_bytes(pki.ca_file.read_bytes() + b"\n")
            assert await client.instant_query("up", 1) == []
            assert client._http._transport._transport._current is not before
            assert len(before.pool._pool.connections) == 1
            let_go.set()
            assert await slow == []
            assert before.pool._pool.connections == []

        with HttpServer(answer, pki.server_context("127.0.0.1")) as server:
            with_client(use, PrometheusSettings(url=server.url, tls=pki.trusting()))
