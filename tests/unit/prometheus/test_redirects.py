"""Redirects: never followed with credentials, and told with where they led."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.settings import (
    Authorization,
    BasicAuth,
    PrometheusSettings,
    TlsSettings,
)
from tests.helpers.prometheus.answers import ask
from tests.helpers.tcp_servers import Answer, Headers, HttpServer, answered

EVERY = [301, 302, 303, 307, 308]


@pytest.fixture
def elsewhere() -> Iterator[HttpServer]:
    """A Prometheus to which another server redirects."""
    with HttpServer(answered) as server:
        yield server


@pytest.fixture
def redirecting(elsewhere) -> Iterator[HttpServer]:
    """Redirects as its path says: `/302/...` to elsewhere, with what a login page adds."""

    def answer(path: str, _headers: Headers, _form: dict[str, str]) -> Answer:
        _, status, rest = path.split("/", 2)
        return int(status), {"Location": f"{elsewhere.url}/{rest}?state=s3cret"}, b"moved"

    with HttpServer(answer) as server:
        yield server


@pytest.mark.parametrize("status", EVERY)
def test_it_is_told_where_a_redirect_led(redirecting, elsewhere, status):
    """With what to do about it, and without what may be secret in it; nobody goes there."""
    with pytest.raises(UnavailableError) as caught:
        ask(PrometheusSettings(url=f"{redirecting.url}/{status}"))
    assert str(caught.value) == (
        f"HTTP {status}: {redirecting.url}/{status}/api/v1/query redirects to "
        f"{elsewhere.url}/api/v1/query, which is not followed: change the URL in the "
        "configuration if that is the right place"
    )
    assert elsewhere.asked == []


@pytest.mark.parametrize("status", EVERY)
def test_it_is_followed_where_that_is_wanted(redirecting, elsewhere, status):
    """With the query, whatever the status makes of a method."""
    ask(PrometheusSettings(url=f"{redirecting.url}/{status}", follow_redirects=True))
    [(path, _, form)] = elsewhere.asked
    assert path == "/api/v1/query?state=s3cret"
    assert form["query"] == "up"


def test_a_circle_is_left(elsewhere):
    """After a few rounds."""

    def answer(path: str, _headers: Headers, _form: dict[str, str]) -> Answer:
        return 307, {"Location": path}, b""

    with HttpServer(answer) as server:
        with pytest.raises(UnavailableError, match=r"more than 5 redirects$"):
            ask(PrometheusSettings(url=server.url, follow_redirects=True))
        assert len(server.asked) == 5


@pytest.mark.parametrize(
    "location", ["ftp://s3cret", "http://a:s3cret", "mailto:s3cret", "http://a:99999999/s3cret"]
)
@pytest.mark.parametrize("follow", [True, False])
def test_one_that_leads_nowhere(location, follow):
    """A server may answer anything."""
    with (
        HttpServer(lambda *_: (302, {"Location": location}, b"")) as server,
        pytest.raises(UnavailableError, match="redirects to something other ") as caught,
    ):
        ask(PrometheusSettings(url=server.url, follow_redirects=follow))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "secret",
    [
        {"credentials": BasicAuth("me", "s3cret")},
        {"credentials": Authorization(credentials="s3cret")},
        {"headers": {"X-Scope-OrgID": "team-a"}},
        {"tls": TlsSettings(cert="a", key="b")},
    ],
    ids=lambda secret: next(iter(secret)),
)
def test_settings_that_would_carry_a_secret_there_cannot_be_made(secret):
    """Whoever makes them, a file or a program."""
    with pytest.raises(ValueError, match="never followed with credentials"):
        PrometheusSettings(follow_redirects=True, **secret)
