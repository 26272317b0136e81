"""A fault of the exporter's own, while it answers: a 500, and a traceback in the log."""

from __future__ import annotations

import logging

import httpx
import pytest
from prometheus_client import CollectorRegistry

from exporter.exposition.publisher import Publisher
from exporter.web.api.error_answers import INTERNAL
from exporter.web.routes import create_app
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.serving import Serving, ToldDaemon

FAULT = "operands could not be broadcast together"
SHOT = snapshot((subject(slo()), (100.0, 1_000_000.0, 1.0)))
OVERRIDE = {"service": "auth", "by": "ada", "why": "a hotfix", "duration": "4h"}
DONE = {"service": "auth", "slo": "availability", "start": AT, "by": "ada", "note": "pm-7"}

ASKING = [
    ("GET", "/-/ready", None),
    ("POST", "/-/reload", None),
    ("GET", "/config", None),
    ("GET", "/api/v1/status", None),
    ("GET", "/api/v1/gate?service=auth", None),
    ("GET", "/api/v1/overrides", None),
    ("POST", "/api/v1/overrides", OVERRIDE),
    ("DELETE", "/api/v1/overrides/1", None),
    ("POST", "/api/v1/postmortems/acknowledge", DONE),
    ("GET", "/api/v1/history?service=auth&slo=availability", None),
    *(
        ("GET", f"/api/v1/reports/{name}?service=auth&slo=availability", None)
        for name in ("budget", "postmortem", "incident", "slo")
    ),
    ("GET", "/api/v1/reports/handoff", None),
    ("GET", "/api/v1/backtest?service=auth&slo=availability", None),
    ("GET", "/api/v1/changes", None),
    ("GET", "/api/v1/rebuilds", None),
    ("POST", "/api/v1/rebuilds", {"service": "auth"}),
    ("DELETE", "/api/v1/rebuilds?service=auth", None),
    ("GET", "/", None),
    ("GET", "/rollups", None),
    ("GET", "/slo/auth/availability", None),
]
"""Every route that asks the daemon."""

ALONE = {"/metrics", "/-/healthy", "/api/v1/slos", "/api/v1/openapi.json", "/static"}
ALONE |= {"/runbooks", "/runbooks/{name}"}
"""Routes that ask nothing of it."""


class FaultyDaemon(ToldDaemon):
    """Whatever it is asked, a fault of its own comes of it."""

    def ready(self):
        raise ValueError(FAULT)

    status = overrides = event_histories = source = with_past = changes = lambda self, *_: (
        self.ready()
    )

    async def config_text(self):
        self.ready()

    async def override(self, new):
        self.ready()

    async def backtest(self, status, objectives):
        self.ready()

    async def acknowledge(self, key, word):
        self.ready()

    @property
    def rebuilds(self):
        self.ready()

    @rebuilds.setter
    def rebuilds(self, _):
        """What it is made with is never asked."""

    reload = config_text
    end_override = override


@pytest.mark.parametrize(("method", "path", "body"), ASKING, ids=lambda of: str(of)[:40])
def test_is_a_500_of_the_api_and_a_traceback(caplog, method, path, body):
    """The client is not blamed, and learns nothing of the inside."""
    with caplog.at_level(logging.ERROR), Serving(shot=SHOT, daemon=FaultyDaemon()) as serving:
        url = f"http://127.0.0.1:{serving.port}{path}"
        answer = httpx.request(method, url, json=body, trust_env=False)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"status": "error", "errorType": "internal", "error": INTERNAL}
    [record] = caplog.records
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == FAULT


def test_every_route_is_tried():
    """A new route is asked with a daemon at fault, too."""
    app = create_app(Publisher(CollectorRegistry()), ToldDaemon(), version="1.2.3")
    tried = {path.partition("?")[0] for _, path, _ in ASKING}
    tried = {path.replace("/overrides/1", "/overrides/{id:path}") for path in tried}
    tried = {path.replace("/slo/auth/availability", "/slo/{name:path}") for path in tried}
    assert {route.path for route in app.routes} == tried | ALONE
