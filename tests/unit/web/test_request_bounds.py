"""What clients may have made at once: too much is turned away, scrapes and the gate are not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.routing import Mount, Route

from exporter.web.routes import create_app
from exporter.web.server.bounds import AGAIN_AFTER, Bounds
from tests.helpers.web.asked import Web

LIGHT = ["/metrics", "/-/healthy", "/-/ready", "/runbooks", "/static/style.css"]
LIGHT += ["/api/v1/gate", "/api/v1/status", "/api/v1/overrides"]


class Slow:
    """An application whose answers wait until they are let go (ASGI)."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.go = asyncio.Event()
        self.taken = asyncio.Event()
        self.taken.set()

    async def __call__(self, scope, receive, send) -> None:
        if scope["path"] not in LIGHT:
            self.begun.put_nowait(scope["path"])
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.taken.wait()
        await send({"type": "http.response.body", "body": b"made"})


class Asked:
    """The bounds around it, and a client."""

    def __init__(self, **bounds: float) -> None:
        self.slow = Slow()
        self.bounds = Bounds(self.slow, costly="objective", **bounds)
        transport = httpx.ASGITransport(app=self.bounds)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://test")

    def begin(self, path: str, method: str = "GET") -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(self.client.request(method, path))

    async def begun(self, number: int) -> None:
        for _ in range(number):
            await self.slow.begun.get()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(bounded())


class TestTooMuchAtOnce:
    @pytest.mark.parametrize(
        ("path", "other"),
        [
            ("/", "/config"),
            ("/slo/auth/availability", "/api/v1/backtest"),
            ("/config", "/"),
            ("/api/v1/slos", "/slo/auth/availability"),
            ("/api/v1/reports/budget", "/"),
            ("/slo/auth/availability?objective=99.95", "/slo/auth/availability"),
            ("/what-is-added-one-day", "/"),
        ],
    )
    def test_is_turned_away_and_all_else_is_answered(self, path, other):
        """503, with when to come again; pages and documents do not count for each other."""

        async def ask() -> None:
            asked = Asked(pages=2, documents=2)
            under_way = [asked.begin(path) for _ in range(2)]
            await asked.begun(2)
            refused = await asked.client.get(path)
            assert refused.status_code == 503
            assert refused.headers["Retry-After"] == str(AGAIN_AFTER)
            assert "try again in 5 seconds" in refused.text
            assert [(await asked.client.get(each)).status_code for each in LIGHT] == [200] * 8
            under_way.append(asked.begin(other))
            asked.slow.go.set()
            assert [(await each).status_code for each in under_way] == [200] * 3
            assert (await asked.client.get(path)).status_code == 200

        run(ask)

    def test_what_takes_too_long_is_given_up(self):
        """And counts no longer."""

        async def ask() -> None:
            asked = Asked(documents=1, seconds=0.01)
            for _ in range(2):
                late = await asked.client.get("/config")
                assert late.status_code == 503
                assert "longer than 0.01 s to make" in late.text
            assert asked.bounds.documents.under_way == 0

        run(ask)

    def test_a_slow_reader_of_a_page_keeps_nobody_out(self):
        """A document counts until it is taken, since each reader has one in memory."""

        async def ask() -> None:
            asked = Asked(pages=1, documents=1, seconds=0.01)
            asked.slow.go.set()
            asked.slow.taken.clear()
            page = asked.begin("/")
            document = asked.begin("/config")
            await asked.begun(2)
            assert (await asked.client.get("/config")).status_code == 503
            other = asked.begin("/")
            await asked.begun(1)
            asked.slow.taken.set()
            assert [(await each).status_code for each in (page, document, other)] == [200] * 3

        run(ask)

    def test_the_api_says_so_in_its_own_format(self):
        """As it says everything."""

        async def ask() -> None:
            asked = Asked(documents=0)
            refused = (await asked.client.get("/api/v1/slos")).json()
            assert (refused["status"], refused["errorType"]) == ("error", "service_unavailable")

        run(ask)

    def test_changes_of_state_are_not_turned_away(self):
        """A pipeline notes what it has deployed, however many look at charts."""

        async def ask() -> None:
            asked = Asked(documents=0)
            asked.slow.go.set()
            assert (await asked.client.post("/api/v1/changes")).status_code == 200

        run(ask)


class TestRoutes:
    def test_a_slash_too_many_leads_nowhere(self):
        """A redirect would go to whichever host the request names."""
        for path in ("/metrics/", "/config/", "/api/v1/slos/"):
            found = Web().ask(path, Host="evil.example")
            assert found.status_code == 404
            assert "location" not in found.headers

    def test_no_answer_is_made_in_threads_that_evaluations_need(self):
        """A function that is no coroutine would run in those of all."""
        web = Web()
        app = create_app(web.publisher, web.daemon, version="1.2.3")
        for route in app.routes:
            if isinstance(route, Route):
                assert asyncio.iscoroutinefunction(route.endpoint), route.path
            else:
                assert isinstance(route, Mount)
