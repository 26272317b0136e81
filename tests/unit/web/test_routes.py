"""The HTTP interface, asked without a server in between."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.slo.snapshot import Snapshot
from tests.helpers.samples import slo, snapshot, subject
from tests.helpers.web.asked import Web

SPENT = (600.0, 1_000_000.0, 1.0)
EVIL = "<script>alert('x')</script>"


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
        assert int(found.headers["Content-Length"]) == found.num_bytes_downloaded
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
        assert found.text == "Waiting for the first answer from Prometheus.\n"
        web.daemon.is_ready = True
        found = web.ask("/-/ready")
        assert (found.status_code, found.text) == (200, "The exporter is ready.\n")


class TestReload:
    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_it_is_told_when_it_is_done(self, method):
        """As Prometheus does it, by either method."""
        web = Web()
        found = web.ask("/-/reload", method)
        assert (found.status_code, found.text) == (200, "The configuration was reloaded.\n")
        assert web.daemon.reloads == 1

    def test_every_mistake_is_in_the_answer(self):
        """500, as plain text."""
        web = Web()
        web.daemon.mistakes = f"config.yaml:1: slos: is required\nconfig.yaml:2: {EVIL}"
        found = web.ask("/-/reload", "POST")
        assert found.status_code == 500
        assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert found.text == f"The configuration was not reloaded:\n{web.daemon.mistakes}\n"

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
        web.daemon.text = "prometheus:\n  url: http://é\n".encode()
        found = web.ask("/config")
        assert (found.status_code, found.content) == (200, web.daemon.text)
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


PATHS = [
    "/",
    "/static/style.css",
    "/metrics",
    "/-/healthy",
    "/-/ready",
    "/config",
    "/api/v1/status",
    "/api/v1/slos",
]


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
