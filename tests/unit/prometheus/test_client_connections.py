"""The client when the connection fails, and how its queries are counted."""

from __future__ import annotations

import asyncio
import inspect
import re
import socket
from contextlib import suppress

import httpx
import pytest

from exporter.prometheus import client as client_module
from exporter.prometheus.errors import PrometheusError, UnavailableError
from exporter.prometheus.settings import PrometheusSettings
from tests.helpers.prometheus.answers import EMPTY, URL, ask, error, with_client

EXCEPTIONS = {
    found for _, found in inspect.getmembers(httpx, inspect.isclass) if issubclass(found, Exception)
}
FROM_OUTSIDE = sorted(
    (kind for kind in EXCEPTIONS if issubclass(kind, httpx.HTTPError)),
    key=lambda kind: kind.__name__,
)
OWN_MISTAKES = {
    "InvalidURL": "raised as the client is made; configuration files are checked for it",
    "CookieConflict": "raised where a cookie is looked up by its name, which is never done",
    "StreamError": "raised where a body is read twice or too late, as are those below",
    "StreamConsumed": "",
    "StreamClosed": "",
    "RequestNotRead": "",
    "ResponseNotRead": "",
}


def raised(kind: type[Exception]) -> Exception:
    if issubclass(kind, httpx.HTTPStatusError):
        request = httpx.Request("POST", URL)
        return kind("a reason", request=request, response=httpx.Response(500, request=request))
    return kind("a reason")


def test_all_exceptions_of_the_http_library_are_accounted_for():
    """Each is either translated, or tells a mistake in the code that no network can cause."""
    assert {kind.__name__ for kind in EXCEPTIONS - set(FROM_OUTSIDE)} == OWN_MISTAKES.keys()


class TestConnections:
    @pytest.mark.parametrize("kind", FROM_OUTSIDE, ids=lambda kind: kind.__name__)
    def test_no_exception_of_the_http_library_escapes(self, query, kind):
        """Each becomes an error of ours, with the URL and the reason, and the cause behind it."""
        cause = raised(kind)
        query.side_effect = cause
        with pytest.raises(PrometheusError, match=f"^{re.escape(URL)} ") as caught:
            ask()
        assert isinstance(caught.value, UnavailableError)
        assert caught.value.__cause__ is cause

    @pytest.mark.parametrize("kind", [httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout])
    def test_a_timeout_names_the_limit(self, query, kind):
        """So that a reader knows which setting it was."""
        query.side_effect = kind("")
        settings = PrometheusSettings(url=URL, timeout=2.5)
        with pytest.raises(UnavailableError, match=r"did not answer within 2\.5 s$"):
            ask(settings)

    def test_an_error_without_words_has_its_name(self, query):
        """Some of the library's errors are empty."""
        query.side_effect = httpx.ReadError("")
        with pytest.raises(UnavailableError, match="cannot be reached: ReadError"):
            ask()

    def test_a_server_that_never_ends_its_answer(self, query):
        """Bytes that trickle in meet the limit of the whole, not only that of each read."""

        class Trickle(httpx.AsyncByteStream):
            async def __aiter__(self):
                while True:
                    await asyncio.sleep(0.005)
                    yield b" "

        query.respond(stream=Trickle())
        with pytest.raises(UnavailableError, match="did not answer within"):
            ask(PrometheusSettings(url=URL, timeout=0.05))

    def test_no_more_queries_than_the_limit_are_under_way(self, query):
        """The others wait for their turn."""
        under_way = most = 0

        async def answer(_: httpx.Request) -> httpx.Response:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            for _ in range(5):
                await asyncio.sleep(0)
            under_way -= 1
            return httpx.Response(200, json=EMPTY)

        query.side_effect = answer

        async def many(client):
            return await asyncio.gather(*(client.instant_query("up", i) for i in range(12)))

        assert with_client(many, concurrency=3) == [[]] * 12
        assert most == 3

    def test_environment_proxies_are_not_used(self, monkeypatch):
        """Where Prometheus is stands in the configuration and nowhere else."""
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with socket.create_server(("127.0.0.1", 0)) as proxy, socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
            with pytest.raises(UnavailableError, match="cannot be reached"):
                ask(PrometheusSettings(url=url, timeout=0.5))


class TestCounting:
    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            ({"json": EMPTY}, "success"),
            ({"status_code": 400, "json": error("bad_data", "no")}, "refused"),
            ({"status_code": 503, "json": error("timeout", "no")}, "unavailable"),
            ({"json": EMPTY | {"isPartial": True}}, "unavailable"),
            ({"status_code": 500, "text": "no"}, "unavailable"),
            ({"status_code": 200, "text": "<html>login</html>"}, "unavailable"),
            ({"status_code": 200, "json": error("bad_data", "no")}, "unavailable"),
        ],
    )
    def test_every_query_is_told_with_its_outcome(self, query, answer, outcome):
        """The outcome is that which the caller meets."""
        query.respond(**answer)
        assert self.told() == [outcome]

    def test_a_lost_connection_is_unavailable(self, query):
        """As is everything else without an answer."""
        query.side_effect = httpx.ConnectError("no")
        assert self.told() == ["unavailable"]

    def test_an_answer_that_was_cut_off_is_refused(self, query, monkeypatch):
        """The outcome agrees with the error."""
        monkeypatch.setattr(client_module, "MAX_ANSWER_BYTES", 10)
        query.respond(json=EMPTY)
        assert self.told() == ["refused"]

    def told(self) -> list[str]:
        outcomes: list[str] = []

        def on_query(name: str, outcome: str, seconds: float) -> None:
            assert name == "mimir"
            assert seconds >= 0
            outcomes.append(outcome)

        with suppress(PrometheusError):
            ask(name="mimir", on_query=on_query)
        return outcomes
