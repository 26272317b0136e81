"""The HTTP interface, asked without a server in between."""

from __future__ import annotations

import asyncio
import gzip
import re

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from samples import AT, slo, snapshot, subject
from serving import ToldDaemon

from exporter.exposition.publisher import Publisher
from exporter.slo.maintenance import one_off
from exporter.slo.model import LowTraffic
from exporter.slo.period import CalendarPeriod
from exporter.slo.policy import Gate, Policy, Tier
from exporter.slo.snapshot import Snapshot
from exporter.web.guard import Guard
from exporter.web.landing import MOST_ROWS
from exporter.web.routes import create_app
from exporter.web.settings import Limits, WebSettings

SPENT = (600.0, 1_000_000.0, 1.0)
EVIL = "<script>alert('x')</script>"


class Web:
    """The application with a snapshot, and a client for it."""

    def __init__(self, shot: Snapshot | None = None, *, ready: bool = True) -> None:
        self.publisher = Publisher(CollectorRegistry())
        if shot:
            self.publisher.publish(shot)
        self.daemon = ToldDaemon(is_ready=ready)
        app = create_app(self.publisher, self.daemon, version="1.2.3")
        self._app = Guard(app, WebSettings, Limits())

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                client.headers.clear()
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, headers=named)

        return asyncio.run(run())

    def page(self) -> str:
        return self.ask("/").text


def shot(**of) -> Snapshot:
    return snapshot((subject(slo(**of)), SPENT))


class TestMetrics:
    def test_plain_text_by_default(self):
        """Uncompressed, with its version."""
        found = Web(shot()).ask("/metrics")
        assert found.status_code == 200
        assert found.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "Content-Encoding" not in found.headers
        assert 'slo_info{service="auth",slo="availability"' in found.text

    def test_openmetrics_where_it_is_asked_for(self):
        """As Prometheus does."""
        found = Web(shot()).ask("/metrics", Accept="application/openmetrics-text;version=1.0.0")
        assert found.headers["Content-Type"] == (
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        )
        assert list(text_string_to_metric_families(found.text))

    def test_gzip_where_it_is_taken(self):
        """The length that is told is that of what is sent, and caches keep the forms apart."""
        web = Web(shot())
        found = web.ask("/metrics", Accept_Encoding="gzip")
        assert found.headers["Content-Encoding"] == "gzip"
        assert found.text == web.ask("/metrics").text
        assert int(found.headers["Content-Length"]) == len(gzip.compress(found.content, 1, mtime=0))
        assert found.headers["Vary"] == "Accept, Accept-Encoding"

    def test_metrics_are_there_before_the_first_evaluation(self):
        """A scrape never fails."""
        assert Web(ready=False).ask("/metrics").status_code == 200


class TestHealth:
    def test_it_is_healthy_while_it_lives(self):
        """Ready or not."""
        found = Web(ready=False).ask("/-/healthy")
        assert (found.status_code, found.text) == (200, "The exporter is healthy.\n")

    def test_it_is_ready_after_the_first_answer(self):
        """503 says to wait, and why."""
        web = Web(ready=False)
        found = web.ask("/-/ready")
        assert found.status_code == 503
        assert found.text == "Waiting for the first answer of Prometheus.\n"
        web.daemon.is_ready = True
        found = web.ask("/-/ready")
        assert (found.status_code, found.text) == (200, "The exporter is ready.\n")


class TestLandingPage:
    def test_it_shows_every_slo(self):
        """With its objective, tier, budget, burn rate and exhaustion."""
        page = Web(shot(labels={"owner": "team"})).page()
        for text in (
            "<td>auth</td>",
            "availability<small>99.9% over 30d</small>",
            '<span class="tier caution">slow down</span>',
            "slow feature releases down, prioritise reliability",
            "40.0%",
            "0.6x",
            "in 20d",
            "error-budget-exporter 1.2.3",
            "Evaluated 2023-11-14 22:15:00 UTC",
        ):
            assert text in page, text

    def test_a_tier_leads_to_what_is_written_about_it(self):
        """The link of the policy stands beside the guidance, and nothing where there is none."""
        frozen = Tier("frozen", 0.0, Gate.BLOCK, "", "https://wiki.example.com/?a=1&b=2")
        page = Web(shot(policy=Policy("own", (frozen,)))).page()
        assert ' <a href="https://wiki.example.com/?a=1&amp;b=2">more</a>' in page
        assert ">more</a>" not in Web(shot()).page()

    @pytest.mark.parametrize(
        ("sums", "answered", "texts"),
        [
            ((0.0, 100.0, 1.0), True, ["100.0%", "0x", "not burning"]),
            ((1.0, 100.0, 1.0), True, ["-900.0%", "10x", "spent", "exhausted"]),
            ((0.0, 0.0, 1.0), True, ["no traffic", "not burning"]),
            ((0.0, 0.0, 0.0), True, ["no data", "unknown"]),
            ((0.0, 100.0, 1.0), False, ["stale", "100.0%", "unknown"]),
        ],
    )
    def test_it_says_what_is_known(self, sums, answered, texts):
        """What is unknown is called so, and budgets below 0 are shown as such."""
        page = Web(snapshot((subject(slo(), answered=answered), sums))).page()
        for text in texts:
            assert text in page, text
        assert not re.search(r"\b(None|nan|inf)\b", page.partition("<tbody>")[2])

    def test_alert_conditions_that_hold_are_named(self):
        """By severity and windows."""
        page = Web(snapshot((subject(slo()), (20.0, 1000.0, 1.0)))).page()
        assert "page 1h/5m, page 6h/30m, ticket 1d/2h, ticket 3d/6h" in page

    def test_rungs_that_are_held_back_are_named(self):
        """So that nobody wonders why there is no alert."""
        of = slo(low_traffic=LowTraffic(min_events=5000))
        page = Web(snapshot((subject(of), (20.0, 1000.0, 1.0)))).page()
        assert "page 1h/5m held back: too few events" in page
        assert "page 1h/5m, page 6h/30m" not in page

    def test_maintenance_and_little_coverage_are_noted(self):
        """With the reason, escaped, and the share that is known; silence when all is well."""
        of = slo(maintenance=(one_off(f"upgrade {EVIL}", AT - 60, AT + 60),))
        page = Web(snapshot((subject(of), (0.0, 100.0, 0.25)))).page()
        assert "maintenance: upgrade &lt;script&gt;" in page
        assert "25% of the period is known" in page
        well = Web(snapshot((subject(of), (0.0, 100.0, 1.0)), at=AT + 60)).page()
        assert "maintenance" not in well
        assert "of the period is known" not in well

    def test_a_calendar_period_is_named_with_its_zone(self):
        """As users speak of it."""
        page = Web(shot(period=CalendarPeriod("month", "Europe/Berlin"))).page()
        assert "99.9% over the calendar month (Europe/Berlin)" in page

    def test_the_worst_come_first(self):
        """Less budget left stands higher; what is unknown comes last."""
        cases = {"a-fine": SPENT, "b-unknown": (0.0, 0.0, 0.0), "c-spent": (9e3, 1e6, 1.0)}
        page = Web(snapshot(*((subject(slo(name=n)), s) for n, s in cases.items()))).page()
        places = [page.index(name) for name in ("c-spent", "a-fine", "b-unknown")]
        assert places == sorted(places)

    def test_thousands_of_slos_are_cut_to_the_worst(self):
        """And the page says how many are not listed."""
        many = [(subject(slo(name=f"slo-{i}")), (float(i), 1e6, 1.0)) for i in range(MOST_ROWS + 7)]
        page = Web(snapshot(*many)).page()
        assert page.count("<tr>") == MOST_ROWS + 1
        assert "7 healthier SLOs are not listed" in page
        assert f"slo-{MOST_ROWS + 6}<" in page
        assert "slo-6<" not in page

    def test_before_the_first_evaluation_it_says_so(self):
        """Rather than showing an empty table."""
        page = Web(ready=False).page()
        assert "Waiting for the first evaluation." in page
        assert "<table>" not in page

    def test_an_evaluation_without_slos_says_so(self):
        """With group_by there may be none yet."""
        assert "No SLO has data yet." in Web(snapshot()).page()

    def test_what_comes_from_outside_is_escaped(self):
        """Names, group values and Prometheus's messages hold whatever they like."""
        of = slo(service=EVIL, name=f'"{EVIL}', group_by=("region",))
        one = subject(of, groups={"region": EVIL}, problem=f"parse error: {EVIL}")
        page = Web(snapshot((one, SPENT))).page()
        assert "<script" not in page
        assert page.count("&lt;script&gt;") == 4

    def test_no_script_may_run_and_nobody_may_frame_it(self):
        """The headers are the second line of defence."""
        headers = Web(shot()).ask("/").headers
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "script-src" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"

    def test_its_links_lead_somewhere(self):
        """Every path that the page names is there, and none is elsewhere."""
        web = Web(shot())
        links = re.findall(r'(?:href|src)="([^"]*)"', web.page())
        assert sorted(links) == ["/-/healthy", "/-/ready", "/api/v1/status", "/config", "/metrics"]
        assert {web.ask(link).status_code for link in links} == {200}


class TestReload:
    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_it_is_told_when_it_is_done(self, method):
        """As Prometheus does it, by either method."""
        web = Web()
        found = web.ask("/-/reload", method)
        assert (found.status_code, found.text) == (200, "The configuration was read anew.\n")
        assert web.daemon.reloads == 1

    def test_every_mistake_is_in_the_answer(self):
        """500, as plain text."""
        web = Web()
        web.daemon.mistakes = f"config.yaml:1: slos: is required\nconfig.yaml:2: {EVIL}"
        found = web.ask("/-/reload", "POST")
        assert found.status_code == 500
        assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert found.text == f"The configuration was not taken over:\n{web.daemon.mistakes}\n"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH"])
    def test_looking_at_it_changes_nothing(self, method):
        """405, with the methods that are allowed."""
        web = Web()
        found = web.ask("/-/reload", method)
        assert found.status_code == 405
        assert set(found.headers["Allow"].split(", ")) == {"POST", "PUT"}
        assert web.daemon.reloads == 0


class TestConfig:
    def test_it_is_shown_as_the_daemon_has_it(self):
        """YAML, as plain text."""
        web = Web()
        web.daemon.text = "prometheus:\n  url: http://é\n"
        found = web.ask("/config")
        assert (found.status_code, found.text) == (200, web.daemon.text)
        assert found.headers["Content-Type"] == "text/plain; charset=utf-8"


class TestApi:
    @pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/slos?service=auth&limit=1"])
    def test_it_is_json(self, path):
        """In the envelope that Prometheus's API has."""
        found = Web(shot()).ask(path)
        assert found.status_code == 200
        assert found.headers["Content-Type"] == "application/json"
        assert found.json()["status"] == "success"
        assert found.json()["data"]["slos"]

    def test_what_cannot_be_understood_is_told(self):
        """400, in the same envelope."""
        found = Web(shot()).ask("/api/v1/slos?limit=many")
        assert found.status_code == 400
        assert found.json() == {
            "status": "error",
            "errorType": "bad_data",
            "error": "limit must be a whole number, at least 1 and at most 1000",
        }


PATHS = ["/", "/metrics", "/-/healthy", "/-/ready", "/config", "/api/v1/status", "/api/v1/slos"]


class TestOtherRequests:
    @pytest.mark.parametrize(
        "path", ["/nothing", "/-/", "/metrics/../../etc/passwd", "/%00", "/" + "x" * 9000]
    )
    def test_unknown_paths_are_not_found(self, path):
        """404, and no word of what was asked in the answer."""
        found = Web().ask(path)
        assert found.status_code == 404
        assert "passwd" not in found.text

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_other_methods_are_not_allowed(self, path, method):
        """405, with those that are."""
        found = Web().ask(path, method)
        assert found.status_code == 405
        assert set(found.headers["Allow"].split(", ")) == {"GET", "HEAD"}

    @pytest.mark.parametrize("path", PATHS)
    def test_head_is_answered(self, path):
        """Load balancers ask so."""
        assert Web().ask(path, "HEAD").status_code == 200
