"""What stands before every route: origin, rate, and the headers of every answer."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from exporter.web.server.guard import HEADERS, Bucket, Guard
from exporter.web.server.settings import Limits, RateLimit, WebSettings
from tests.helpers.web.serving import Serving, basic, get

HOST = "localhost"


@pytest.fixture(scope="module")
def serving():
    """Open to everybody."""
    with Serving() as serving:
        yield serving


class TestOrigin:
    @pytest.mark.parametrize(
        ("headers", "allowed"),
        [
            ([], True),
            ([f"Origin: http://{HOST}"], True),
            ([f"Origin: https://{HOST}"], True),
            (["Origin: http://evil.example"], False),
            ([f"Origin: http://{HOST}:81"], False),
            ([f"Origin: http://{HOST}.evil.example"], False),
            (["Origin: null"], False),
            (["Origin: "], False),
            (["Origin: http://[::1"], False),
            (["Sec-Fetch-Site: same-origin", "Origin: http://behind.proxy"], True),
            (["Sec-Fetch-Site: none"], True),
            (["Sec-Fetch-Site: cross-site"], False),
            (["Sec-Fetch-Site: same-site"], False),
            (["Sec-Fetch-Site: cross-site", f"Origin: http://{HOST}"], False),
        ],
    )
    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_pages_of_other_sites_change_nothing(self, serving, headers, allowed, method):
        """403 to them; clients that are no browsers send neither header."""
        before = serving.daemon.reloads
        code, _ = serving.ask(get("/-/reload", *headers, method=method))
        assert code == (200 if allowed else 403)
        assert serving.daemon.reloads == before + allowed

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_links_from_elsewhere_may_be_followed(self, serving, method):
        """Looking changes nothing."""
        found = serving.ask(get("/", "Sec-Fetch-Site: cross-site", method=method))
        assert found[0] == 200

    def test_a_foreign_page_is_refused_whoever_its_reader_is(self):
        """The browser adds the password by itself."""
        users = {"ada": "$2b$04$CVjoVs.jyG4Y5ZN7sWP9ZOoY7yYgQBJH1xFvnL6aJ0iEIkJ0xCx1S"}
        with Serving(lambda: WebSettings(users=users)) as serving:
            origin = "Origin: http://evil.example"
            request = get("/-/reload", basic("ada", "any"), origin, method="POST")
            assert serving.ask(request)[0] == 403


class TestRate:
    def test_a_bucket_gives_a_burst_and_then_a_token_each_interval(self):
        """Never more than it holds, however long nobody asked."""
        bucket, limit = Bucket(), RateLimit(interval=2.0, burst=3)
        assert [bucket.take(limit, 0.0) for _ in range(4)] == [True, True, True, False]
        assert [bucket.take(limit, at) for at in (1.9, 2.0, 3.9, 4.1)] == [False, True, False, True]
        assert [bucket.take(limit, 1_000.0) for _ in range(4)] == [True, True, True, False]

    def test_another_limit_begins_anew(self):
        """When the file has changed."""
        bucket = Bucket()
        assert bucket.take(RateLimit(1_000.0, 1), 0.0)
        assert not bucket.take(RateLimit(1_000.0, 1), 0.0)
        assert bucket.take(RateLimit(1_000.0, 2), 0.0)

    def test_what_comes_in_excess_is_put_off(self):
        """429, whoever asks."""
        limit = RateLimit(interval=3_600.0, burst=2)
        with Serving(lambda: WebSettings(rate_limit=limit)) as serving:
            assert [serving.ask(get())[0] for _ in range(4)] == [200, 200, 429, 429]


REQUESTS = [
    get("/"),
    get("/metrics"),
    get("/-/healthy", method="HEAD"),
    get("/-/reload", method="POST"),
    get("/api/v1/status"),
    get("/config"),
    get("/nothing"),
    get("/", method="DELETE"),
    get("/-/reload", "Origin: http://evil.example", method="POST"),
    b"rubbish\r\n\r\n",
]
"""One for each kind of answer."""


def test_an_answer_that_waits_for_the_end_of_its_connection_sees_it():
    """After the body nothing but the end comes: files are sent by such answers."""
    seen: list[str] = []
    messages = [
        {"type": "http.request", "body": b"all", "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([(await receive())["type"], (await receive())["type"]])

    async def send(_: Message) -> None:
        pass

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"content-length", b"3")],
    }
    asyncio.run(Guard(app, WebSettings, Limits())(scope, receive, send))
    assert seen == ["http.request", "http.disconnect"]


class TestHeaders:
    @pytest.mark.parametrize("request_", REQUESTS)
    def test_every_answer_has_those_of_the_exporter(self, serving, request_):
        """Each once, whatever the answer is."""
        _, answer = serving.ask(request_)
        lines = answer.partition(b"\r\n\r\n")[0].decode().lower().splitlines()
        for name, value in HEADERS.items():
            assert [line for line in lines if line.startswith(name.lower())] == [
                f"{name}: {value}".lower()
            ]
        assert not any(line.startswith("server:") for line in lines)

    def test_those_of_the_file_take_their_place(self):
        """On every answer, too; the others stay."""
        own = {
            "X-Frame-Options": "sameorigin",
            "Strict-Transport-Security": "max-age=31536000",
            "Content-Security-Policy": "default-src 'self'",
        }
        with Serving(lambda: WebSettings(headers=own)) as serving:
            for request in REQUESTS:
                _, answer = serving.ask(request)
                lines = answer.partition(b"\r\n\r\n")[0].decode().lower().splitlines()
                for name, value in (HEADERS | own).items():
                    assert [line for line in lines if line.startswith(name.lower())] == [
                        f"{name}: {value}".lower()
                    ]

    def test_those_of_a_page_stay(self):
        """One that needs a policy of its own has it, unless the file has another."""
        policy = "Content-Security-Policy"

        def told(settings: WebSettings) -> str:
            async def page(scope: Scope, receive: Receive, send: Send) -> None:
                await PlainTextResponse("", headers={policy: "page"})(scope, receive, send)

            async def ask() -> httpx.Response:
                transport = httpx.ASGITransport(Guard(page, lambda: settings, Limits()))
                async with httpx.AsyncClient(transport=transport) as client:
                    return await client.get("http://test/")

            return asyncio.run(ask()).headers[policy]

        assert told(WebSettings()) == "page"
        assert told(WebSettings(headers={policy: "file"})) == "file"
