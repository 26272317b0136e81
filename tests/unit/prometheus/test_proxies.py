"""A proxy on the way to Prometheus: which, for what, and what is told when it refuses."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import SettingsError, UnavailableError
from exporter.prometheus.proxies import bypassed
from exporter.prometheus.settings import OAuth2, PrometheusSettings, ProxySettings
from tests.helpers.prometheus.answers import ask
from tests.helpers.secured import Pki
from tests.helpers.tcp_servers import HttpServer, Proxy, Tokens, answered


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        yield server


@pytest.fixture
def api() -> Iterator[HttpServer]:
    """A query API without TLS."""
    with HttpServer(answered) as server:
        yield server


@pytest.fixture
def environment(monkeypatch, proxy) -> None:
    """Variables that name the proxy, in both spellings."""
    for name in ("no_proxy", "NO_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)


def test_queries_go_by_the_proxy(proxy, api):
    """Which is told the whole URL."""
    assert ask(PrometheusSettings(url=api.url, proxy=ProxySettings(proxy.url))) == []
    assert proxy.asked == [f"POST {api.url}/api/v1/query"]


def test_tls_goes_through_the_proxy_and_is_checked_behind_it(proxy, tmp_path):
    """The name in the certificate is the one in the URL, or server_name."""
    pki = Pki(tmp_path)
    with HttpServer(answered, pki.server_context("prometheus.test")) as api:
        address = f"prometheus.test:{api.port}"
        settings = PrometheusSettings(
            url=f"https://{address}", tls=pki.trusting(), proxy=ProxySettings(proxy.url)
        )
        assert ask(settings) == []
        assert proxy.asked == [f"CONNECT {address}"]
        by_name = pki.trusting(server_name="prometheus.test")
        there = PrometheusSettings(url=api.url, tls=by_name, proxy=ProxySettings(proxy.url))
        assert ask(there) == []
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            ask(PrometheusSettings(url=api.url, tls=pki.trusting(), proxy=ProxySettings(proxy.url)))


def test_a_proxy_that_speaks_tls_itself(api, tmp_path, monkeypatch):
    """Its certificate is checked by what the system trusts."""
    pki = Pki(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca_file))
    with Proxy(tls=pki.server_context("127.0.0.1")) as proxy:
        assert ask(PrometheusSettings(url=api.url, proxy=ProxySettings(proxy.url))) == []
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_user_and_password_are_shown_to_the_proxy_alone(tmp_path, scheme):
    """Whether it forwards or connects; Prometheus behind it sees neither."""
    tls = Pki(tmp_path).server_context("127.0.0.1") if scheme == "https" else None
    trusted = Pki(tmp_path).trusting(insecure_skip_verify=True)
    with Proxy(user="me:s3cret/") as proxy, HttpServer(answered, tls) as api:
        url = proxy.url.replace("://", "://me:s3cret%2F@")
        assert ask(PrometheusSettings(url=api.url, tls=trusted, proxy=ProxySettings(url))) == []
        [(_, headers, _)] = api.asked
        assert not [value for value in headers.values() if "Basic" in value]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_is_told_without_the_password(scheme):
    """The status is the proxy's."""
    with Proxy(user="me:right") as proxy:
        url = proxy.url.replace("://", "://me:s3cret@")
        of = PrometheusSettings(url=f"{scheme}://127.0.0.1:1", proxy=ProxySettings(url))
        with pytest.raises(UnavailableError, match="407") as caught:
            ask(of)
    assert "s3cret" not in str(caught.value)


def test_a_proxy_that_is_not_there_is_told_by_its_url():
    """It is not Prometheus that is down."""
    url = "http://me:s3cret@127.0.0.1:1"
    with pytest.raises(UnavailableError) as caught:
        ask(PrometheusSettings(url="http://127.0.0.1:9090", proxy=ProxySettings(url)))
    assert str(caught.value).endswith(", by the proxy http://127.0.0.1:1")
    assert "s3cret" not in str(caught.value)


def test_the_token_givers_proxy_is_its_own(proxy, api):
    """Tokens may come from outside, while Prometheus is inside."""
    tokens = Tokens(("exporter", "s3cret"))
    with tokens.server as giver:
        of = OAuth2("exporter", giver.url, client_secret="s3cret", proxy=ProxySettings(proxy.url))
        assert ask(PrometheusSettings(url=api.url, credentials=of)) == []
        assert proxy.asked == [f"POST {giver.url}/"]


class TestNoProxy:
    def test_what_it_has_is_reached_without_the_proxy(self, proxy, api):
        """Nobody asks the proxy."""
        settings = ProxySettings(proxy.url, no_proxy="example.com, 127.0.0.0/8")
        assert ask(PrometheusSettings(url=api.url, proxy=settings)) == []
        assert proxy.asked == []

    @pytest.mark.parametrize(
        ("url", "no_proxy", "expected"),
        [
            ("http://a.example.com", "example.com", True),
            ("http://a.example.com", ".example.com", True),
            ("http://a.example.com", "*.example.com", True),
            ("http://A.example.com", "x, EXAMPLE.com", True),
            ("http://example.com", "example.com", True),
            ("http://anexample.com", "example.com", False),
            ("http://example.com.evil", "example.com", False),
            ("http://example.com:9090", "example.com:9090", True),
            ("http://example.com", "example.com:80", True),
            ("http://example.com", "example.com:9090", False),
            ("http://10.1.2.3", "10.0.0.0/8", True),
            ("http://10.1.2.3", "10.1.2.3", True),
            ("http://11.1.2.3", "10.0.0.0/8", False),
            ("http://[fd00::1]:9090", "fd00::/8", True),
            ("http://[fd00::1]:9090", "fd00::1", True),
            ("http://anything", "*", True),
            ("http://anything", "", False),
            ("http://anything", " , .", False),
        ],
    )
    def test_names_addresses_and_networks(self, url, no_proxy, expected):
        """As Prometheus reads them."""
        assert bypassed(httpx.URL(url), no_proxy) is expected


class TestEnvironment:
    @pytest.mark.usefixtures("environment")
    def test_it_is_looked_at_where_that_is_wanted(self, proxy, api):
        """And nowhere else: where Prometheus is stands in the configuration."""
        assert ask(PrometheusSettings(url=api.url)) == []
        assert proxy.asked == []
        asked = PrometheusSettings(url=api.url, proxy=ProxySettings(from_environment=True))
        assert ask(asked) == []
        assert len(proxy.asked) == 1

    @pytest.mark.usefixtures("environment")
    def test_its_no_proxy_counts(self, proxy, api, monkeypatch):
        """As for every other program."""
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        ask(PrometheusSettings(url=api.url, proxy=ProxySettings(from_environment=True)))
        assert proxy.asked == []

    @pytest.mark.usefixtures("environment")
    def test_a_proxy_without_a_scheme_is_one_of_http(self, proxy, api, monkeypatch):
        """Many programs take it so."""
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
        ask(PrometheusSettings(url=api.url, proxy=ProxySettings(from_environment=True)))
        assert len(proxy.asked) == 1

    @pytest.mark.usefixtures("environment")
    @pytest.mark.parametrize("value", ["http://me:s3cret@a:b", "socks5://me:s3cret@a", "http://"])
    def test_what_is_no_proxy_is_told_at_the_start(self, monkeypatch, value):
        """Without its password."""
        monkeypatch.setenv("http_proxy", value)
        settings = PrometheusSettings(proxy=ProxySettings(from_environment=True))
        with pytest.raises(SettingsError, match=r"^prometheus: the environment's proxy") as caught:
            PrometheusClient(settings)
        assert "s3cret" not in str(caught.value)
