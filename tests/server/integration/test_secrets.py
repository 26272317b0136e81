"""Secrets in every place that can hold one, and everything going wrong: none is seen anywhere."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest

from exporter.config.reading.loading import load_file
from exporter.config.settings import Settings
from exporter.demo.ports import free_port
from exporter.demo.servers import Child, http_get
from exporter.prometheus.client import PrometheusClient
from exporter.prometheus.errors import PrometheusError
from tests.helpers.secret_config import Planted
from tests.helpers.secured import WEB_CONFIG, Pki, SecuredPrometheus, tls_server_config
from tests.helpers.tcp_servers import Answer, Headers, HttpServer, Proxy

EXPECTED = {
    "password": "HTTP 401: the credentials were refused",
    "password_file": "no query but with <secret>",
    "token": "/127.0.0.1:1 cannot be reached: 407 Proxy Authentication Required",
    "token_file": "Authorization: Bearer <secret>",
    "oauth2": "407 Proxy Authentication Required, by the proxy http://127.0.0.1:",
    "oauth2_file": "HTTP 401: invalid_client: <secret>",
    "mutual": "certificate verify failed",
}
"""What is told of each datasource."""


def showing(_path: str, headers: Headers, _form: dict[str, str]) -> Answer:
    """Answers with what it was asked with, as some proxies do that are being set up."""
    lines = [f"{name}: {value}" for name, value in headers.items() if name == "Authorization"]
    return 500, {}, "\n".join(lines).encode()


def refusing(_path: str, headers: Headers, _form: dict[str, str]) -> Answer:
    """Refuses queries, with the credentials in the message."""
    message = f"no query but with {headers['Authorization'].removeprefix('Basic ')}"
    return 400, {}, orjson.dumps({"errorType": "bad_data", "error": message})


class Scene:
    """All that goes wrong, and the configuration that names it."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        pki = Pki(folder)
        certificate = pki.issue("server", "127.0.0.1")
        tls = tls_server_config(*certificate, pki.ca_file)
        probe = pki.issue("probe", "probe@example.com")
        with_password = stack.enter_context(SecuredPrometheus(WEB_CONFIG))
        with_tls = stack.enter_context(SecuredPrometheus(tls, probe))
        self.planted: Planted

        def giver(_path: str, _headers: Headers, _form: dict[str, str]) -> Answer:
            [secret] = [each for each in self.planted.secrets if each.endswith("client-file")]
            body = {"error": "invalid_client", "error_description": f"{secret} is wrong"}
            return 401, {}, orjson.dumps(body)

        servers = {
            "giver": HttpServer(giver),
            "password_file": HttpServer(refusing),
            "token_file": HttpServer(showing),
            "proxy": Proxy(user="me:right"),
        }
        urls = {name: stack.enter_context(server).url for name, server in servers.items()}
        urls |= {"password": with_password.url, "mutual": with_tls.url}
        self.planted = Planted(folder, **urls)
        self.config = folder / "config.yaml"
        self.config.write_text(self.planted.text)

    def seen(self, *texts: str) -> list[str]:
        """The secrets that are in some texts."""
        return [secret for secret in self.planted.secrets for text in texts if secret in text]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(stack, tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def settings(scene: Scene) -> Settings:
    return load_file(scene.config)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_query_that_fails_shows_none(scene, settings, name):
    """Neither in its error nor in those behind it."""

    async def fails() -> PrometheusError:
        async with PrometheusClient(settings.datasources[name], name=name) as client:
            with pytest.raises(PrometheusError) as caught:
                await client.instant_query("up", 1)
            return caught.value

    error = asyncio.run(fails())
    assert EXPECTED[name] in str(error)
    told = "".join(traceback.format_exception(error))
    assert scene.seen(repr(error), told) == []


def test_the_live_check_shows_none(scene):
    """It tells of every datasource all the same."""
    command = [sys.executable, "-m", "exporter", "check", f"--config.file={scene.config}", "--live"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert scene.seen(done.stdout, done.stderr) == []
    assert [name for name, told in EXPECTED.items() if told not in done.stdout] == []


@pytest.mark.parametrize("form", [pytest.param("logfmt", marks=pytest.mark.slow), "json"])
def test_the_daemon_shows_none(scene, tmp_path, form):
    """Neither in its log, which has a line for each of them, nor on its pages."""
    port = free_port()
    command = [sys.executable, "-m", "exporter", "run", f"--config.file={scene.config}"]
    command += [
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=debug",
        f"--log.format={form}",
    ]
    daemon = Child("daemon", command, port, tmp_path / "daemon.log")
    daemon.start()
    try:
        deadline = time.monotonic() + 30
        told: set[str] = set()
        while told != EXPECTED.keys():
            daemon.check()
            assert time.monotonic() < deadline, daemon.log_tail()
            time.sleep(0.2)
            log = daemon.log.read_text()
            told = {name for name, text in EXPECTED.items() if text in log}
        pages = [http_get(port, path)[1].decode() for path in ("/", "/metrics")]
    finally:
        daemon.stop()
    assert scene.seen(daemon.log.read_text(), *pages) == []
