"""Requests for what another shard has, where it cannot be asked, and what is kept here."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace

import httpx
import pytest
from prometheus_client import CollectorRegistry

from exporter.exposition.publisher import Publisher
from exporter.slo.sharding import Shard
from exporter.web.daemon import ShardStatus
from exporter.web.routes import create_app
from exporter.web.server.admin import AdminAccess
from exporter.web.server.guard import Guard
from exporter.web.server.leading import Leading
from exporter.web.server.settings import Limits, WebSettings, WebSettingsError
from exporter.web.server.sharding import Sharding, is_template
from tests.helpers.samples import slo, snapshot, subject
from tests.helpers.tcp_servers import EndlessServer
from tests.helpers.web.serving import ToldDaemon

SHARD = Shard(0, 3)
OVERRIDE = {"by": "ada", "why": "a hotfix", "duration": "1h"}
HERE = "'auth'"
ELSEWHERE = "the service 'shop' is on shard 2, and this is shard 0 of 3: ask that one, or start"


class Sharded:
    """Shard 0 of 3, which has `auth`; `shop` is on shard 2."""

    def __init__(self, template: str | None = None) -> None:
        publisher = Publisher(CollectorRegistry())
        publisher.publish(snapshot((subject(slo()), (600.0, 1_000_000.0, 1.0))))
        self.daemon = ToldDaemon(elsewhere={"shop": 2})
        status = ShardStatus(0, 3, leads=template is not None)
        self.daemon.shown = replace(self.daemon.shown, shard=status)
        app = create_app(publisher, self.daemon, version="1.2.3")
        leading = Leading(app, self.daemon, Sharding(SHARD, template))
        access = AdminAccess(enabled=True, hosts=("test",))
        self._app = Guard(leading, WebSettings, Limits(), access)

    def ask(
        self, path: str, method: str = "GET", body: object = None, **headers: str
    ) -> httpx.Response:
        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, json=body, headers=named)

        return asyncio.run(run())


class TestWithoutTemplate:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/slo/shop/availability", None),
            ("GET", "/slo/shop/a%2Fb?region=eu", None),
            ("GET", "/?service=shop", None),
            ("GET", "/api/v1/slos?service=shop", None),
            ("GET", "/api/v1/history?service=shop&slo=availability", None),
            ("GET", "/api/v1/overrides?service=shop", None),
            ("POST", "/api/v1/overrides", {"service": "shop", **OVERRIDE}),
            ("POST", "/api/v1/postmortems/acknowledge", {"service": "shop", "slo": "x"}),
            ("DELETE", "/api/v1/overrides/1?service=shop", None),
            ("POST", "/api/v1/something/to/come", {"service": "shop"}),
        ],
    )
    def test_it_is_said_which_shard_has_it(self, method, path, body):
        """Whatever is asked of it, and nothing is done here."""
        web = Sharded()
        found = web.ask(path, method, body)
        assert found.status_code == 421
        text = found.json()["error"] if path.startswith("/api") else found.text
        assert text.startswith(ELSEWHERE)
        assert web.daemon.kept.all == ()

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("enforce", ["", "&enforce=true"])
    def test_the_gate_says_unknown_in_its_own_form(self, method, enforce):
        """A pipeline that looks at the status alone does not deploy."""
        found = Sharded().ask(f"/api/v1/gate?service=shop{enforce}", method)
        assert found.status_code == (503 if enforce else 200)
        decision = found.json()["data"]
        assert (decision["service"], decision["decision"]) == ("shop", "unknown")
        assert decision["why"].startswith(ELSEWHERE)
        assert decision["slos"] == []

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/slo/auth/availability", 200),
            ("GET", "/?service=auth", 200),
            ("GET", "/?service=nobody", 200),
            ("GET", "/api/v1/slos?service=auth&shard=0", 200),
            ("GET", "/api/v1/history?service=auth&slo=availability&shard=0", 200),
            ("GET", "/api/v1/gate?service=nobody", 200),
            ("GET", "/api/v1/gate?service=shop&service=auth", 400),
            ("GET", "/metrics", 200),
            ("GET", "/runbooks/ErrorBudgetNoData", 200),
        ],
    )
    def test_what_is_here_or_nowhere_is_answered(self, method, path, status):
        """Several services are of no shard: the gate refuses them, as ever."""
        assert Sharded().ask(path, method).status_code == status

    def test_a_webhook_may_send_what_it_likes(self):
        """The gate is asked by its query alone."""
        found = Sharded().ask("/api/v1/gate?service=auth", "POST", {"service": "shop"})
        assert found.json()["data"]["service"] == "auth"

    def test_an_override_of_a_service_here_is_recorded(self):
        """Its body reaches the route."""
        web = Sharded()
        found = web.ask("/api/v1/overrides", "POST", {"service": "auth", **OVERRIDE})
        assert found.status_code == 201
        assert web.daemon.kept.all[0].service == "auth"

    @pytest.mark.parametrize("number", ["3", "-1", "x", "", "٣", "1&shard=1", "99999999999"])
    def test_a_shard_that_is_none_is_refused(self, number):
        """With those that there are."""
        found = Sharded().ask(f"/api/v1/slos?shard={number}")
        assert found.status_code == 404
        assert found.json()["error"].endswith(": they are 0 to 2")

    def test_a_report_on_all_services_is_refused(self):
        """It would have those of this shard alone, and not look like it."""
        found = Sharded().ask("/api/v1/reports/budget?owner=identity")
        assert found.status_code == 400
        assert "those of shard 0 of 3 alone: name a service, or one of the" in found.json()["error"]
        assert Sharded().ask("/api/v1/reports/budget?shard=0").status_code == 200
        assert Sharded().ask("/api/v1/reports/budget?service=auth").status_code == 200
        assert Sharded().ask("/api/v1/reports/budget?service=shop").status_code == 421

    def test_the_overview_says_what_it_shows(self):
        """Of the others there are no addresses."""
        page = Sharded().ask("/").text
        assert "These are the services of shard 0 of 3; the others are on shard 1, shard 2" in page
        assert "?shard=1" not in page


class TestLeading:
    @pytest.fixture
    def unreachable(self):
        """A template whose shards do not answer."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/{{shard}}"

    def test_a_shard_that_does_not_answer_is_named(self, unreachable):
        """With its address; the gate says unknown."""
        web = Sharded(unreachable)
        found = web.ask("/api/v1/slos?service=shop")
        assert found.status_code == 502
        text = "the service 'shop' is on shard 2 of 3, which does not answer at http://127.0.0.1:"
        assert found.json()["error"].startswith(text)
        gate = web.ask("/api/v1/gate?service=shop&enforce=true")
        assert (gate.status_code, gate.json()["data"]["decision"]) == (503, "unknown")
        assert gate.json()["data"]["why"].startswith(text)
        assert web.ask("/?shard=1").status_code == 502

    def test_an_answer_that_does_not_end_is_not_waited_for(self):
        """Nor held in memory; the gate says unknown."""
        with EndlessServer() as server:
            web = Sharded(f"{server.url}/{{shard}}")
            found = web.ask("/api/v1/slos?service=shop")
            assert server.sent < 100_000_000
            gate = web.ask("/api/v1/gate?service=shop").json()["data"]
        assert found.status_code == 502
        assert f"answers at {server.url}/2 with more than 64 MB" in found.json()["error"]
        assert (gate["decision"], gate["why"]) == ("unknown", found.json()["error"])

    def test_a_service_of_ten_thousand_characters_is_not_told_in_full(self):
        """A few of its characters say which."""
        web = Sharded()
        web.daemon.elsewhere["x" * 10_000] = 2
        found = web.ask("/api/v1/overrides", "POST", {"service": "x" * 10_000, **OVERRIDE})
        assert found.status_code == 421
        assert len(found.json()["error"]) < 400

    def test_what_was_led_here_by_mistake_is_led_no_further(self, unreachable):
        """Shards that disagree do not lead each other round in circles."""
        by = {"X_Error_Budget_Exporter_Shard": "shard 1 of 4"}
        found = Sharded(unreachable).ask("/api/v1/slos?service=shop", **by)
        assert found.status_code == 421
        assert found.json()["error"].startswith(
            "shard 1 of 4 takes this one, shard 0 of 3, for the one that has the service 'shop'"
        )
        gate = Sharded(unreachable).ask("/api/v1/gate?service=shop&enforce=true", **by)
        assert (gate.status_code, gate.json()["data"]["decision"]) == (503, "unknown")

    def test_the_overview_links_the_others_and_stays_with_its_own(self, unreachable):
        """Whichever shard answers the next request."""
        page = Sharded(unreachable).ask("/").text
        assert '<a href="/?shard=1">shard 1</a>, <a href="/?shard=2">shard 2</a>.' in page
        assert '<input type="hidden" name="shard" value="0">' in page
        assert 'href="/?view=services&amp;shard=0"' in page

    def test_authorities_that_cannot_be_read_are_refused(self, tmp_path):
        """At the start."""
        sharding = Sharding(SHARD, "https://{shard}.test", tmp_path / "none.pem")
        with pytest.raises(WebSettingsError, match=r"^--web\.shard-ca-file: .*none\.pem cannot be"):
            Leading(create_app, ToldDaemon(), sharding)


class TestTemplates:
    @pytest.mark.parametrize(
        "text", ["http://exporter-{shard}.exporter:9098", "https://slo.example.com/{shard}/"]
    )
    def test_these_are(self, text):
        """Where the number stands is the user's business."""
        assert is_template(text)
        assert Sharding(SHARD, text).url(2) == text.replace("{shard}", "2").rstrip("/")

    @pytest.mark.parametrize(
        "text",
        [
            "http://exporter:9098",
            "exporter-{shard}:9098",
            "ftp://{shard}",
            "http://ada:secret@{shard}",
            "http://{shard}?a=b",
            "http://{shard}.test:99999",
            "http://{shard}.{namespace}",
            "http://{shard} .test",
            "http:///{shard}",
            "http://[{shard}",
        ],
    )
    def test_these_are_none(self, text):
        """Each has one mistake."""
        assert not is_template(text)


def test_a_body_that_is_no_json_is_refused_by_its_route():
    """As without shards."""
    web = Sharded()
    for body in ("{", "[1]", json.dumps({"service": ["shop"]})):
        found = web.ask("/api/v1/overrides", "POST", body)
        assert found.status_code == 400
