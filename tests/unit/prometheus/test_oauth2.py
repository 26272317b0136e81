"""Tokens by OAuth2's client credentials grant, from a server that gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import UnavailableError
from exporter.prometheus.oauth2 import ClientCredentials
from exporter.prometheus.settings import OAuth2, PrometheusSettings
from tests.helpers.prometheus.answers import with_client
from tests.helpers.secured import Pki
from tests.helpers.tcp_servers import Answer, Headers, HttpServer, Tokens, answered

SECRET = "s3cret+/ü"
WRITTEN = "s3cret%2B%2F%C3%BC"
"""The secret as it stands in a header: RFC 6749, section 2.3.1."""


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    """Gives tokens to the client, who shows its secret in a header."""
    found = Tokens(("exporter", WRITTEN), ways=("header",))
    with found.server:
        yield found


class Api(HttpServer):
    """A query API that takes the newest token alone."""

    def __init__(self, tokens: Tokens) -> None:
        self.takes = tokens.valid
        super().__init__(self._answer)

    def _answer(self, path: str, headers: Headers, form: dict[str, str]) -> Answer:
        return answered(path, headers, form) if self.takes(headers) else (401, {}, b"no")


@pytest.fixture
def api(tokens: Tokens) -> Iterator[Api]:
    with Api(tokens) as server:
        yield server


def settings(tokens: Tokens, api: Api | None = None, **more: object) -> PrometheusSettings:
    url = tokens.server.url + "/token"
    grant = {"client_id": "exporter", "client_secret": SECRET} | more
    return PrometheusSettings(
        url=api.url if api else "http://127.0.0.1:1", credentials=OAuth2(token_url=url, **grant)
    )


async def query(client: PrometheusClient) -> list:
    return await client.instant_query("up", 1)


def asked_twice(settings: PrometheusSettings) -> None:
    async def use(client: PrometheusClient) -> None:
        for _ in range(2):
            assert await query(client) == []

    with_client(use, settings)


class TestTokens:
    def test_one_is_asked_for_once_and_carried_by_every_query(self, tokens, api):
        """The grant is the RFC's, with the secret in a header."""
        asked_twice(settings(tokens, api))
        [(path, _, form)] = tokens.server.asked
        assert (path, form) == ("/token", {"grant_type": "client_credentials"})
        assert [headers["Authorization"] for _, headers, _ in api.asked] == ["Bearer token-1"] * 2

    def test_scopes_and_parameters_are_asked_for(self, tokens, api):
        """Scopes parted by blanks, as the RFC has it."""
        more = {"scopes": ("a", "b:c"), "endpoint_params": {"audience": "x y"}}
        asked_twice(settings(tokens, api, **more))
        [(_, _, form)] = tokens.server.asked
        assert form == {"grant_type": "client_credentials", "scope": "a b:c", "audience": "x y"}

    def test_queries_at_once_cause_one_request_for_a_token(self, tokens, api):
        """The others wait for the answer to the first."""

        async def many(client: PrometheusClient) -> list:
            return await asyncio.gather(*(query(client) for _ in range(20)))

        assert with_client(many, settings(tokens, api), concurrency=20) == [[]] * 20
        assert len(tokens.server.asked) == 1

    def test_a_server_that_wants_the_secret_in_the_form_gets_it_there(self, api):
        """It is told in a header first, and remembered from then on."""
        tokens = Tokens(("exporter", SECRET), ways=("form",), expires_in=-1)
        api.takes = tokens.valid
        with tokens.server:
            asked_twice(settings(tokens, api))
        in_form = ["client_secret" in form for _, _, form in tokens.server.asked]
        assert in_form == [False, True, True]

    @pytest.mark.parametrize("kind", ["bearer", "Bearer", None])
    def test_a_bearer_token_is_spelled_as_such(self, api, kind):
        """However the server spells it."""
        tokens = Tokens(("exporter", WRITTEN), token_type=kind)
        api.takes = tokens.valid
        with tokens.server:
            asked_twice(settings(tokens, api))


class TestRenewal:
    def test_shortly_before_its_end_a_token_is_renewed(self, tokens):
        """By the clock, without a refusal: half a minute before an hour is over."""
        now = [0.0]
        settings_ = settings(tokens).credentials

        async def run() -> list[str]:
            grant = ClientCredentials(settings_, 5, "prometheus.oauth2", clock=lambda: now[0])
            found = []
            for moment in (0, 3569, 3571, 7000):
                now[0] = moment
                found.append(await grant.header())
            await grant.aclose()
            return found

        assert asyncio.run(run()) == [f"Bearer token-{number}" for number in (1, 1, 2, 2)]

    def test_one_that_does_not_say_when_it_ends_is_kept(self, tokens):
        """Until it is refused."""
        tokens._more = {}

        async def run() -> list[str]:
            now = iter([0.0, 0.0, 1e9, 1e9])
            grant = ClientCredentials(
                settings(tokens).credentials, 5, "prometheus.oauth2", clock=lambda: next(now)
            )
            found = [await grant.header(), await grant.header()]
            await grant.aclose()
            return found

        assert asyncio.run(run()) == ["Bearer token-1"] * 2

    def test_one_that_is_refused_is_renewed_once(self, tokens, api):
        """As when the server has forgotten it; the query is answered all the same."""

        async def use(client: PrometheusClient) -> None:
            await query(client)
            tokens.given = 7
            await query(client)

        with_client(use, settings(tokens, api))
        carried = [headers["Authorization"] for _, headers, _ in api.asked]
        assert carried == ["Bearer token-1", "Bearer token-1", "Bearer token-8"]

    def test_a_new_one_that_is_refused_too_is_not_renewed_again(self, tokens, api):
        """The client has no right to ask: one more token will not help."""
        api.takes = lambda _headers: False

        async def use(client: PrometheusClient) -> None:
            with pytest.raises(UnavailableError, match="HTTP 401: the credentials were refused"):
                await query(client)

        with_client(use, settings(tokens, api))
        assert len(api.asked) == len(tokens.server.asked) == 2

    def test_refusals_at_once_cause_one_renewal(self, tokens, api):
        """The token that the first of them brings is the one for the others."""

        async def use(client: PrometheusClient) -> None:
            await query(client)
            tokens.given = 7
            await asyncio.gather(*(query(client) for _ in range(10)))

        with_client(use, settings(tokens, api), concurrency=10)
        assert len(tokens.server.asked) == 2

    def test_a_secret_that_changes_brings_a_new_token(self, tokens, api, tmp_path):
        """The file is read anew at every query."""
        file = tmp_path / "secret"
        file.write_text(SECRET + "\n")
        of = settings(tokens, api, client_secret=None, client_secret_file=file)

        async def use(client: PrometheusClient) -> None:
            await query(client)
            file.write_text("other\n")
            tokens.client = ("exporter", "other")
            await query(client)
            await query(client)

        with_client(use, of)
        assert tokens.given == 2


class TestTrouble:
    def failure(self, of: PrometheusSettings) -> str:
        async def use(client: PrometheusClient) -> None:
            await query(client)

        with pytest.raises(UnavailableError) as caught:
            with_client(use, of)
        return str(caught.value)

    def test_a_wrong_secret_is_told_in_the_servers_words(self, tokens, api):
        """The API is not asked without a token."""
        found = self.failure(settings(tokens, api, client_secret="wrong"))
        url = tokens.server.url + "/token"
        assert found == f"no token from {url}: HTTP 401: invalid_client: who are you?"
        assert api.asked == []

    def test_a_server_that_is_not_there(self, tokens, api):
        """It is told apart from a Prometheus that is not there."""
        of = OAuth2("exporter", "http://127.0.0.1:1/token?x=y", client_secret=SECRET)
        found = self.failure(PrometheusSettings(url=api.url, credentials=of))
        assert found.startswith("no token from http://127.0.0.1:1/token: ")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"<html>", "the answer holds no token"),
            (b"[]", "the answer holds no token"),
            (b"{}", "the answer holds no token"),
            (b'{"access_token": ""}', "the token holds other than printable ASCII characters"),
            (b'{"access_token": "a\\nb"}', "the token holds other than printable ASCII characters"),
            (b'{"access_token": "a", "expires_in": "soon"}', "the answer holds no token"),
            (b" " * 2_000_000, "the answer is too long"),
        ],
    )
    def test_an_answer_that_holds_no_token(self, api, body, message):
        """Something else than a token giver may answer."""
        with HttpServer(lambda *_: (200, {}, body)) as server:
            of = OAuth2("exporter", server.url, client_secret=SECRET)
            found = self.failure(PrometheusSettings(url=api.url, credentials=of))
        assert found == f"no token from {server.url}: {message}"

    def test_a_redirect_is_not_followed(self, tokens, api):
        """The secret is for the token_url alone."""
        away = {"Location": tokens.server.url + "/token?state=abc"}
        with HttpServer(lambda *_: (307, away, b"")) as server:
            of = OAuth2("exporter", server.url, client_secret=SECRET)
            found = self.failure(PrometheusSettings(url=api.url, credentials=of))
        assert f"HTTP 307: {server.url} redirects to {tokens.server.url}/token, which" in found
        assert tokens.server.asked == []

    @pytest.mark.parametrize("content", [None, b"\xff"])
    def test_a_secret_that_cannot_be_read(self, tokens, tmp_path, content):
        """The file is named."""
        file: Path = tmp_path / "secret"
        if content is not None:
            file.write_bytes(content)
        found = self.failure(settings(tokens, client_secret=None, client_secret_file=file))
        assert found.startswith("credentials for http://127.0.0.1:1 cannot be read: ")
        assert str(file) in found

    def test_what_a_server_echoes_of_the_secret_is_not_shown(self, api):
        """Error descriptions are the server's own words."""
        body = b'{"error": "invalid_client", "error_description": "no client has open-sesame"}'
        with HttpServer(lambda *_: (403, {}, body)) as server:
            of = OAuth2("exporter", server.url, client_secret="open-sesame")
            found = self.failure(PrometheusSettings(url=api.url, credentials=of))
        assert found.endswith("HTTP 403: invalid_client: no client has <secret>")


def test_tls_towards_the_token_giver_is_its_own(tmp_path):
    """Its certificates are other than Prometheus's."""
    pki = Pki(tmp_path)
    tokens = Tokens(("exporter", WRITTEN), tls=pki.server_context("127.0.0.1"))
    with tokens.server, Api(tokens) as api:
        asked_twice(settings(tokens, api, tls=pki.trusting()))
        with pytest.raises(UnavailableError, match=r"^no token from https.*verify failed"):
            asked_twice(settings(tokens, api))
