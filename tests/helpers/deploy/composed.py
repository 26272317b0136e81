"""What compose.yaml describes, run without Docker: its files and programs, on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import yaml

from exporter.demo.ports import free_port
from exporter.demo.servers import (
    Child,
    PrometheusServer,
    find_alertmanager,
    http_get,
)
from tests.helpers.deploy.deployed import COMPOSE, RULES, STORAGE, read

PATIENCE = 60.0
"""Seconds until something that takes a few is given up."""

FASTER = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
SOON = "2s"
"""What every `for` becomes."""


class Composed:
    """The exporter, the demo service, Prometheus and Alertmanager.

    The files are those of deploy/, with hosts and folders of this machine in place of the
    containers', and intervals of seconds. With a `promtool` the shop has its past, and no incident.
    """

    def __init__(self, prometheus_binary: Path, folder: Path, promtool: Path | None = None) -> None:
        self._folder = folder
        self.storage = folder / "storage"
        self._stack = ExitStack()
        hosts = ("error-budget-exporter:9098", "demo:8000", "prometheus:9090", "alertmanager:9093")
        self._ports = {host: free_port() for host in hosts}
        services = read(COMPOSE / "compose.yaml")["services"]
        data = folder / "prometheus"
        if promtool is not None:
            self._write_past(services, promtool, data)
        self.prometheus = PrometheusServer(
            self._prometheus_config(),
            binary=prometheus_binary,
            port=self._ports["prometheus:9090"],
            data_dir=data,
        )
        self.exporter = self._child(
            "error-budget-exporter:9098",
            [
                sys.executable,
                "-m",
                "exporter",
                *self._exporters(services, real=promtool is not None),
            ],
            "--web.listen-address=127.0.0.1:{}",
        )
        python_module = services["demo"]["entrypoint"][1:]
        options = [option for option in services["demo"]["command"] if "--incident" not in option]
        incident = ["--incident-after=5"] if promtool is None else []
        self.demo = self._child(
            "demo:8000",
            [sys.executable, *python_module, *options, "--host=127.0.0.1", *incident],
            "--port={}",
        )
        config = self._write("alertmanager.yml", COMPOSE / "alertmanager/alertmanager.yml")
        self.alertmanager = self._child(
            "alertmanager:9093",
            [
                *(find_alertmanager(), f"--config.file={config}", "--cluster.listen-address="),
                f"--storage.path={folder / 'alertmanager'}",
            ],
            "--web.listen-address=127.0.0.1:{}",
        )

    def __enter__(self) -> Self:
        self._stack.callback(self.prometheus.close)
        try:
            for child, path in (
                (self.demo, "/metrics"),
                (self.alertmanager, "/-/ready"),
                (self.exporter, "/-/healthy"),
            ):
                self._stack.callback(child.stop)
                child.start()
                child.wait_ready(path)
            self.prometheus.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def ask(self, query: str) -> list[dict]:
        """Prometheus's answer to an instant query."""
        return self._get(self.prometheus, f"/api/v1/query?query={quote(query)}")["data"]["result"]

    def rules(self) -> list[dict]:
        """How Prometheus fares with the rules."""
        groups = self._get(self.prometheus, "/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def alerts(self, name: str) -> list[dict]:
        """The alerts of a name that Alertmanager has."""
        alerts = self._get(self.alertmanager, "/api/v2/alerts")
        return [alert for alert in alerts if alert["labels"]["alertname"] == name]

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds; with what the exporter logged where it does not."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            for child in (self.exporter, self.demo, self.alertmanager, self.prometheus):
                child.check()
            assert time.monotonic() < deadline, f"waited in vain:\n{self.exporter.log_tail()}"
            time.sleep(0.2)

    def _child(self, host: str, command: list[str | Path], listen: str) -> Child:
        port, name = self._ports[host], host.partition(":")[0]
        return Child(name, [*command, listen.format(port)], port, self._folder / f"{name}.log")

    def _get(self, child: Child, path: str) -> Any:
        status, body = http_get(child.port, path)
        assert status == 200, body
        return json.loads(body)

    def _write(self, name: str, source: Path, change: Callable[[Any], None] | None = None) -> Path:
        """A file of deploy/ with this machine's addresses, and further changes."""
        text = source.read_text()
        for host, port in self._ports.items():
            text = text.replace(host, f"127.0.0.1:{port}")
        content = yaml.safe_load(text)
        if change:
            change(content)
        file = self._folder / name
        file.write_text(yaml.safe_dump(content))
        return file

    def _prometheus_config(self) -> str:
        def sooner(rules: dict) -> None:
            for group in rules["groups"]:
                for rule in group["rules"]:
                    rule["for"] = SOON

        def faster(config: dict) -> None:
            config["global"] |= FASTER
            config["rule_files"] = [str(self._write("rules.yaml", RULES, sooner))]

        return self._write(
            "prometheus.yml", COMPOSE / "prometheus/prometheus.yml", faster
        ).read_text()

    def _exporters(self, services: dict, real: bool) -> list[str]:
        """The exporter's command, with folders of this machine."""

        def faster(config: dict) -> None:
            if not real:
                config["prometheus"]["scrape_interval"] = "1s"
                config["evaluation"] = {"interval": "1s", "delay": "500ms"}

        config = self._write("config.yaml", COMPOSE / "exporter/config.yaml", faster)
        folders = {"/settings/exporter/config.yaml": str(config), STORAGE: str(self.storage)}
        return [_replaced(part, folders) for part in services["error-budget-exporter"]["command"]]

    def _write_past(self, services: dict, promtool: Path, data: Path) -> None:
        """What the services `past` and `blocks` do."""
        data.mkdir()
        target = {"demo:8000": f"127.0.0.1:{self._ports['demo:8000']}", STORAGE: str(self._folder)}
        past = [_replaced(part, target) for part in services["past"]["command"]]
        subprocess.run([sys.executable, *services["past"]["entrypoint"][1:], *past], check=True)
        (script,) = services["blocks"]["command"]
        script = _replaced(script, {"/past/": f"{self._folder}/", "/prometheus": str(data)})
        script = script.replace("promtool ", f"{promtool} ")
        subprocess.run([*services["blocks"]["entrypoint"], script], check=True, capture_output=True)


def _replaced(text: str, there_here: dict[str, str]) -> str:
    for there, here in there_here.items():
        text = text.replace(there, here)
    return text
