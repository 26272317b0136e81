"""What the client shows to Prometheus: credentials and headers."""

from __future__ import annotations

import base64
import socket
from importlib.metadata import version

import pytest

from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.settings import Authorization, BasicAuth, PrometheusSettings, TlsSettings
from tests.helpers.prometheus.answers import EMPTY, URL, ask, with_client


@pytest.fixture(autouse=True)
def answered(query):
    """Every query is answered, with nothing."""
    query.respond(json=EMPTY)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def sent(query) -> str | None:
    return query.calls.last.request.headers.get("Authorization")


def test_without_credentials_none_are_sent(query):
    """And the exporter says who it is."""
    ask()
    assert sent(query) is None
    name = f"error-budget-exporter/{version('error-budget-exporter')}"
    assert query.calls.last.request.headers["User-Agent"] == name


def test_headers_are_sent_with_every_query(query):
    """Such as the tenant of Mimir."""
    ask(PrometheusSettings(url=URL, headers={"X-Scope-OrgID": "team-a"}))
    assert query.calls.last.request.headers["X-Scope-OrgID"] == "team-a"


def test_a_password_in_place(query):
    """User and password are sent as basic auth."""
    ask(PrometheusSettings(url=URL, credentials=BasicAuth("me", "sécret:x")))
    assert sent(query) == basic("me", "sécret:x")


def test_a_password_in_a_file_is_read_at_every_query(query, tmp_path):
    """It may be rotated without a restart; the line break at its end is no part of it."""
    file = tmp_path / "password"
    settings = PrometheusSettings(url=URL, credentials=BasicAuth("me", None, file))

    async def twice(client):
        for password in ("old", "sécret"):
            file.write_text(password + "\n")
            await client.instant_query("up", 1)
            assert sent(query) == basic("me", password)

    with_client(twice, settings)


def test_a_bearer_token_is_read_at_every_query(query, tmp_path):
    """Tokens of service accounts are rotated every hour."""
    file = tmp_path / "token"

    async def twice(client):
        for token in ("old", "new"):
            file.write_text(token + "\n")
            await client.instant_query("up", 1)
            assert sent(query) == f"Bearer {token}"

    with_client(
        twice, PrometheusSettings(url=URL, credentials=Authorization(credentials_file=file))
    )


def test_an_authorization_of_another_type(query, tmp_path):
    """In place, or from a file that is read at every query."""
    ask(PrometheusSettings(url=URL, credentials=Authorization("ApiKey", credentials="abc")))
    assert sent(query) == "ApiKey abc"
    file = tmp_path / "key"
    file.write_text("def\n")
    ask(PrometheusSettings(url=URL, credentials=Authorization("ApiKey", credentials_file=file)))
    assert sent(query) == "ApiKey def"


def test_a_refused_password_is_not_tried_twice(query):
    """It is what it is; a token alone could be renewed."""
    query.respond(401)
    with pytest.raises(UnavailableError, match="HTTP 401: the credentials were refused"):
        ask(PrometheusSettings(url=URL, credentials=BasicAuth("me", "wrong")))
    assert query.call_count == 1


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
@pytest.mark.parametrize("kind", ["token", "password"])
def test_a_file_that_cannot_be_read_is_told(query, tmp_path, kind, content):
    """Gone, or no text: nothing is sent, and the message says what could not be read."""
    file = tmp_path / kind
    if content is not None:
        file.write_bytes(content)
    settings = (
        PrometheusSettings(url=URL, credentials=Authorization(credentials_file=file))
        if kind == "token"
        else PrometheusSettings(url=URL, credentials=BasicAuth("me", None, file))
    )
    with pytest.raises(
        UnavailableError, match=r"^credentials for http.* cannot be read: "
    ) as caught:
        ask(settings)
    assert str(file) in str(caught.value)
    assert query.call_count == 0


def test_secrets_are_not_in_the_settings_text():
    """Settings are logged and shown in errors."""
    settings = PrometheusSettings(
        credentials=BasicAuth("me", "s3cret"), headers={"X-Key": "s3cret"}, tls=TlsSettings()
    )
    assert "s3cret" not in repr(settings)


def test_a_token_is_not_in_the_message_of_a_connection_error(tmp_path):
    """A token that HTTP cannot carry is told without being shown."""
    file = tmp_path / "token"
    file.write_text("s3cret\nsecond line")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(UnavailableError) as caught:
            ask(PrometheusSettings(url=url, credentials=Authorization(credentials_file=file)))
    assert "s3cret" not in str(caught.value)


def test_a_token_that_a_server_shows_is_in_no_message(query):
    """Neither of its answer nor of the pause that it asks for."""
    query.respond(503, text="busy; you sent a-long-token", headers={"Retry-After": "20"})

    async def twice(client):
        for _ in range(2):
            with pytest.raises(UnavailableError) as caught:
                await client.instant_query("up", 1)
            assert str(caught.value) == "HTTP 503: busy; you sent <secret>"

    with_client(
        twice, PrometheusSettings(url=URL, credentials=Authorization(credentials="a-long-token"))
    )
    assert query.call_count == 1
