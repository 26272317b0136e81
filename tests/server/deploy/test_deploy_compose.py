"""The Docker Compose project, as far as it can be told without Docker."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.config.reading.loading import load_file
from exporter.demo import service as demo_service
from exporter.demo.servers import find_amtool
from tests.helpers.deploy.deployed import COMPOSE, CONFIG, JOB, ROOT, RULES, STORAGE, read

ALERTMANAGER = COMPOSE / "alertmanager/alertmanager.yml"
PORTS = {"error-budget-exporter": 9098, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}


@pytest.fixture(scope="module")
def services() -> dict:
    """The services of compose.yaml."""
    return read(COMPOSE / "compose.yaml")["services"]


def mounts(service: dict) -> dict[str, str]:
    """What is mounted where: target and source."""
    parted = [volume.split(":") for volume in service.get("volumes", [])]
    return {target: source for source, target, *_ in parted}


def test_it_follows_the_compose_specification():
    """The specification's own JSON schema, which refuses unknown keys."""
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*checker, COMPOSE / "compose.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_mounted_exists(services):
    """Docker makes an empty folder of a source that is missing, silently."""
    volumes = read(COMPOSE / "compose.yaml")["volumes"].keys()
    sources = [source for service in services.values() for source in mounts(service).values()]
    assert len(sources) > 5
    assert not [
        source for source in sources if source not in volumes and not (COMPOSE / source).is_dir()
    ]


def test_images_are_pinned_to_releases(services):
    """A tag that moves would be another system tomorrow; ours is built here."""
    for service in services.values():
        image = service["image"]
        assert image == "error-budget-exporter" or re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", image)
    assert (COMPOSE / services["error-budget-exporter"]["build"] / "Dockerfile").is_file()


def test_only_this_machine_is_let_in(services):
    """None of them asks for a password that has been changed."""
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {name: [f"127.0.0.1:{port}:{port}"] for name, port in PORTS.items()}


def test_the_exporter_finds_its_files(services):
    """The image's command names the folders that are mounted."""
    assert mounts(services["error-budget-exporter"]) == {CONFIG: "./exporter", STORAGE: "ledger"}
    (command,) = re.findall(r"^CMD (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    flags = json.loads(command)
    assert flags == ["run", f"--config.file={CONFIG}/config.yaml", f"--storage.path={STORAGE}"]


@pytest.mark.parametrize("name", ["error-budget-exporter", "demo"])
def test_our_containers_are_closed(services, name):
    """Nothing is writable but what is mounted for it, and no capability is left."""
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_demo_service_is_started_as_a_module(services):
    """By the image's Python, with options that it has."""
    python, *module = services["demo"]["entrypoint"]
    assert python == "/opt/exporter/bin/python"
    assert module == ["-m", demo_service.__name__]
    known = {option for parameter in demo_service.main.params for option in parameter.opts}
    given = {option.partition("=")[0] for option in services["demo"]["command"]}
    assert {"--host", "--port"} < given <= known


def test_every_address_is_of_a_service(services):
    """A name that no service has would be found out at run time only."""
    named = {"demo": 8000, **PORTS}
    files = ["prometheus/prometheus.yml", "exporter/config.yaml", "grafana/datasources/*.yaml"]
    found = set()
    for file in (path for pattern in files for path in COMPOSE.glob(pattern)):
        found |= set(re.findall(r"(?:http://|\")([a-z-]+):(\d+)\b", file.read_text()))
    assert {name for name, _ in found} == services.keys() - {"grafana"}
    assert all(named[name] == int(port) for name, port in found)


def test_the_exporters_configuration_is_valid():
    """With an SLO of each part of the demo's shop."""
    settings = load_file(COMPOSE / "exporter/config.yaml")
    assert {slo.service for slo in settings.slos} == {"checkout", "search", "auth"}


def test_prometheus_scrapes_the_exporter_as_the_rules_expect():
    """By the job that they look for, with the exporter's own labels."""
    jobs = read(COMPOSE / "prometheus/prometheus.yml")["scrape_configs"]
    (exporter,) = [job for job in jobs if job["job_name"] == JOB]
    assert exporter["honor_labels"] is True


def test_prometheus_takes_its_configuration(services, promtool, tmp_path):
    """With the rules at the place where they are mounted."""
    source = mounts(services["prometheus"])["/etc/error-budget-rules"]
    folder = (COMPOSE / source).resolve()
    assert folder == RULES.parent
    file = tmp_path / "prometheus.yml"
    text = (COMPOSE / "prometheus/prometheus.yml").read_text()
    file.write_text(text.replace("/etc/error-budget-rules", str(folder)))
    done = subprocess.run(
        [promtool, "check", "config", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules found" in done.stdout


def amtool(*arguments: str) -> str:
    """What amtool answers."""
    done = subprocess.run([find_amtool(), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_alertmanager_takes_its_configuration():
    """By its own checker."""
    assert "SUCCESS" in amtool("check-config", str(ALERTMANAGER))


@pytest.mark.parametrize("severity", ["page", "ticket"])
@pytest.mark.parametrize(("owner", "prefix"), [("", ""), ("search", ""), ("payments", "payments-")])
def test_alerts_are_routed_by_severity_and_owner(severity, owner, prefix):
    """The two severities that the rules give have a receiver each; a team may have its own."""
    labels = (f"severity={severity}", f"owner={owner}")
    routed = amtool("config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert routed == prefix + severity


def test_grafana_has_its_datasource(services):
    """One, of the kind prometheus, known by a name that dashboards can rely on."""
    target = "/etc/grafana/provisioning/datasources"
    folder = Path(COMPOSE / mounts(services["grafana"])[target])
    (file,) = folder.iterdir()
    provisioned = read(file)
    assert provisioned["apiVersion"] == 1
    (source,) = provisioned["datasources"]
    assert (source["type"], source["uid"], source["isDefault"]) == (
        "prometheus",
        "prometheus",
        True,
    )
    assert source["url"] == "http://prometheus:9090"


def test_grafana_has_its_dashboards(services):
    """The provider reads the folder into which they are mounted."""
    mounted = mounts(services["grafana"])
    provisioning = COMPOSE / mounted["/etc/grafana/provisioning/dashboards"]
    (file,) = provisioning.iterdir()
    provisioned = read(file)
    assert provisioned["apiVersion"] == 1
    (provider,) = provisioned["providers"]
    assert provider["type"] == "file"
    dashboards = COMPOSE / mounted[provider["options"]["path"]]
    assert len([json.loads(file.read_text())["uid"] for file in dashboards.iterdir()]) == 3
