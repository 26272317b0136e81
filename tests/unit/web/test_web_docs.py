"""What docs/web.md and docs/api.md tell users is true."""

from __future__ import annotations

import json
import re
import ssl
import sys
from http.client import HTTPSConnection
from pathlib import Path

import bcrypt
import pytest

from exporter.config.reading.web_loading import load_web, load_web_file
from exporter.demo.ports import free_port
from exporter.demo.servers import Child, PrometheusServer, http_get
from exporter.slo.overrides import with_overrides
from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Acknowledgement, Firing, Incident, Override, TierChange
from exporter.web.api import answers
from exporter.web.server.guard import CHUNK
from exporter.web.server.passwords import MAX_KNOWN, MAX_WAITING
from exporter.web.server.settings import Limits
from tests.helpers.paths import ROOT
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.serving import PATIENCE, ToldDaemon, basic, until

DOCS = ROOT / "docs"
WEB = (DOCS / "web.md").read_text()
API = (DOCS / "api.md").read_text()
WEB_CONFIG, SCRAPE_CONFIG = re.findall(r"```yaml\n(.*?)```", WEB, re.DOTALL)
STATUS, SLOS, *_ = map(json.loads, re.findall(r"```json\n(.*?)```", API, re.DOTALL))

CONFIG = """\
prometheus: {{url: "http://127.0.0.1:{port}"}}
slos:
  - service: auth
    name: availability
    objective: 99.9
    sli: {{events: {{bad: errors_total, total: requests_total}}}}
"""


@pytest.fixture
def folder(authority, tmp_path) -> Path:
    """The example's file and all that it and the scrape configuration name."""
    tls = tmp_path / "tls"
    tls.mkdir()
    authority.write(tls, "exporter.example.com", "127.0.0.1")
    authority.write(tls, "prometheus.example.com", stem="prometheus")
    authority.write_ca(tls, "clients.pem")
    authority.write_ca(tls)
    (tmp_path / "password").write_text("hunter2")
    hashed = bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yaml").write_text(re.sub(r"\$2y\S+", hashed, WEB_CONFIG))
    return tmp_path


def test_the_example_is_right(folder):
    """As it is written there, and it sets up every section."""
    assert load_web(WEB_CONFIG, folder / "web.yaml").users
    found = load_web_file(folder / "web.yaml")
    assert found.tls
    assert found.headers
    assert found.rate_limit


def test_a_prometheus_scrapes_a_daemon_that_it_protects(folder, prometheus_binary):
    """With the scrape configuration beside it; nobody else gets in."""
    port = free_port()
    scrape = SCRAPE_CONFIG.replace("exporter.example.com:9098", f"127.0.0.1:{port}")
    scrape = re.sub(r"(?<=file: )(?=\S)", f"{folder}/", scrape)
    prometheus = PrometheusServer(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n" + scrape, binary=prometheus_binary
    )
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(port=prometheus.port))
    command = [sys.executable, "-m", "exporter", "run", f"--config.file={config}"]
    command += [f"--web.config.file={folder}/web.yaml", f"--web.listen-address=127.0.0.1:{port}"]
    daemon = Child("daemon", command, port, folder / "daemon.log")
    try:
        daemon.start()
        prometheus.start()
        query = "/api/v1/query?query=error_budget_exporter_build_info*on(instance)up"

        def scraped() -> bool:
            daemon.check()
            return b'"1"]' in http_get(prometheus.port, query)[1]

        until(scraped)
        stranger = ssl.create_default_context(cafile=str(folder / "tls/ca.pem"))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(port, stranger, basic("prometheus", "hunter2"))
        known = ssl.create_default_context(cafile=str(folder / "tls/ca.pem"))
        known.load_cert_chain(folder / "tls/prometheus.pem", folder / "tls/prometheus.key")
        assert ask(port, known, basic("prometheus", "hunter1")) == 401
        assert ask(port, known, basic("prometheus", "hunter2")) == 200
    finally:
        daemon.stop()
        prometheus.close()
    assert "hunter2" not in daemon.log.read_text()


def ask(port: int, context: ssl.SSLContext, header: str) -> int:
    connection = HTTPSConnection("127.0.0.1", port, context=context, timeout=PATIENCE)
    try:
        name, _, value = header.partition(": ")
        connection.request("GET", "/metrics", headers={name: value})
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_bounds_are_those_of_the_server():
    """Whoever changes one changes the other."""
    limits = Limits()
    for bound, unit in (
        (limits.head_bytes // 1024, "KiB | 431"),
        (limits.body_bytes // 1024, "KiB | 413"),
        (int(limits.handshake), "s | closed"),
        (int(limits.head), "s | closed"),
        (int(limits.body), "s | 408"),
        (int(limits.answer), "s | closed"),
        (limits.idle, "s | closed"),
        (limits.connections, "| the client"),
        (CHUNK // 1024, "KiB of an answer"),
        (MAX_KNOWN, "), so that"),
    ):
        assert re.search(rf"{bound} ?{re.escape(unit)}", WEB), (bound, unit)
    assert f"when {MAX_WAITING} wait" in WEB


def keys(value: object) -> object:
    """The keys of a JSON value, however deep."""
    if isinstance(value, dict):
        return {name: keys(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [keys(inner) for inner in value[:1]]
    return None


def test_the_states_shape_is_that_of_its_example():
    """Key by key; the store may be absent."""
    answer = json.loads(answers.status(ToldDaemon().status(), snapshot()))
    assert keys(answer["data"] | {"store": STATUS["store"]}) == keys(STATUS)


_INCIDENT = Incident(
    start=AT - 900,
    end=AT - 600,
    bad=240.0,
    share=0.24,
    open=False,
    postmortem=True,
    acknowledged=Acknowledgement(AT, "jane", "there"),
)


def test_the_shape_of_slos_is_that_of_its_example():
    """Key by key, the windows' names aside."""
    of = slo(labels={"owner": "team-a"}, group_by=("region",))
    policy_state = PolicyState(
        (TierChange(AT - 600, "normal", "slow_down", "default", 0.49),),
        (_INCIDENT,),
        (Firing("page", 3600, 300, AT - 600, AT - 300, open=False),),
    )
    known = subject(of, groups={"region": "eu"}, policy_state=policy_state)
    shot = snapshot((known, (600.0, 1e6, 1.0)))
    override = Override(of.service, None, "ada", "a hotfix", AT - 60, AT + 60, id=1)
    answer = json.loads(answers.slos(with_overrides(shot, [override], AT), {}))["data"]
    [found], [told] = answer["slos"], SLOS["slos"]
    assert keys(found["windows"]["1h"]) == keys(told["windows"]["1h"])
    found["windows"] = told["windows"]
    assert keys(answer) == keys(SLOS)
