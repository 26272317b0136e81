"""Daemons that share a PostgreSQL, and what one asks them."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from exporter.demo.servers import http_get
from tests.helpers.integration.exporters import Exporter
from tests.helpers.integration.gated import BAD_OF_1000, SLO
from tests.helpers.postgres import PostgresServer

CONFIG = """
prometheus: {{url: "{url}", scrape_interval: 30s, timeout: 5s}}
evaluation: {{interval: 2s, delay: 1s, settle: 4s}}
policy: {{min_coverage: 0, while_paging: allow, overrides: {{per_quarter: 2}}}}
storage: {{url_file: {secret}}}
slos:
"""


class Pair:
    """The daemons, and the database that they share, which has a server of its own."""

    def __init__(self, folder: Path, url: str, server: PostgresServer) -> None:
        self.server = server
        self.secret = folder / "postgres"
        self.secret.write_text(f"{server.url}\n")
        self.folder = folder
        self.one, self.other = (self.daemon(name, url) for name in ("one", "other"))

    def daemon(self, name: str, url: str) -> Exporter:
        """A daemon on the database, which asks the Prometheus at a URL."""
        text = CONFIG.format(url=url, secret=self.secret)
        slos = "".join(SLO.format(service=service) for service in BAD_OF_1000)
        return Exporter(self.folder / name, text + slos)


def ask(daemon: Exporter, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask a daemon's API: status and data."""
    connection = HTTPConnection("127.0.0.1", daemon.child.port, timeout=30)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        return response.status, answer.get("data", answer)
    finally:
        connection.close()


def override(daemon: Exporter, service: str, why: str = "a hotfix") -> tuple[int, Any]:
    body = {"service": service, "by": "ada", "why": why, "duration": "4h"}
    return ask(daemon, "POST", "/api/v1/overrides", body)


def overrides(daemon: Exporter) -> set[tuple[int, str, bool]]:
    """Which there are (id and why), and which are in force."""
    found = ask(daemon, "GET", "/api/v1/overrides")[1]["overrides"]
    return {(each["id"], each["why"], each["in_force"]) for each in found}


def postmortems(daemon: Exporter) -> dict[int, bool]:
    """The incidents of the service that overspends which require one: which are taken care of."""
    slos = ask(daemon, "GET", "/api/v1/slos?service=spent")[1]["slos"]
    return {
        each["start"]: each["acknowledged"] is not None
        for slo in slos
        for each in slo["incidents"]
        if each["postmortem"]
    }


def ready(daemon: Exporter) -> str:
    return http_get(daemon.child.port, "/-/ready")[1].decode()
