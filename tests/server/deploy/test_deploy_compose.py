"""The Docker Compose project, as far as it can be told without Docker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from exporter.config.reading.loading import load_file
from exporter.demo import history as demo_history
from exporter.demo import service as demo_service
from exporter.demo.servers import find_amtool
from exporter.demo.traffic import DAY, HISTORY
from tests.helpers.deploy.deployed import COMPOSE, JOB, RULES, STORAGE, read

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


@pytest.fixture(scope="module")
def copied(services) -> dict[str, Path]:
    """Where files lie in the containers, and from which folder they are copied to there."""
    copying = services["settings"]
    script = copying["command"][0]
    assert "cp -R /from/settings/. /settings" in script
    assert "cp -R /from/dashboards/. /dashboards" in script
    return {
        target.removeprefix("/from"): COMPOSE / source
        for target, source in mounts(copying).items()
        if target.startswith("/from")
    }


def lies(copied: dict[str, Path], path: str) -> Path:
    """The file of deploy/ that a path in the containers stands for."""
    (folder,) = [each for each in copied if path == each or path.startswith(f"{each}/")]
    return copied[folder] / path.removeprefix(folder).lstrip("/")


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
    named = [each for service in services.values() for each in mounts(service).values()]
    folders = [each for each in named if each not in volumes]
    assert len(folders) > 5
    assert not [folder for folder in folders if not (COMPOSE / folder).is_dir()]
    assert volumes <= set(named)


def test_folders_are_mounted_for_copying_alone(services):
    """Containers run as users of their own, whom a strict umask keeps out; `z` is for SELinux."""
    for name, service in services.items():
        bound = [each for each in service.get("volumes", []) if each.startswith(".")]
        assert bool(bound) == (name == "settings")
        assert all(each.endswith(":ro,z") for each in bound)
    assert services["settings"]["user"] == "root"


def test_what_is_copied_can_be_read_by_everybody(services, tmp_path):
    """By the service's own lines, from folders that only their owner may read; old ones go."""
    (script,) = services["settings"]["command"]
    old = os.umask(0o077)
    try:
        for target in mounts(services["settings"]):
            folder = tmp_path / target.lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
            if target.startswith("/from"):
                (folder / "file").write_text("x")
        (tmp_path / "settings/gone").write_text("x")
    finally:
        os.umask(old)
    for place in ("/from/", "/settings", "/dashboards"):
        script = re.sub(rf"(?<![\w/]){place}", f"{tmp_path}{place}", script)
    subprocess.run([*services["settings"]["entrypoint"], script], check=True)
    copied = [*(tmp_path / "settings").rglob("*"), *(tmp_path / "dashboards").rglob("*")]
    assert {path.name for path in copied if path.is_file()} == {"file"}
    assert len([path for path in copied if path.is_file()]) == 7
    for path in copied:
        assert path.stat().st_mode & 0o077 == (0o055 if path.is_dir() else 0o044), path


def test_everything_that_stays_says_how_it_is(services):
    """The exporter by its image's own check."""
    jobs = {"settings", "past", "blocks"}
    for name, service in services.items():
        checked = "test" in service.get("healthcheck", {})
        assert checked == (name not in jobs | {"error-budget-exporter"}), name
        assert ("restart" in service) == (name not in jobs), name


def test_nothing_starts_before_what_it_needs(services):
    """Jobs have ended, with success; Prometheus has its past before anybody asks it."""
    jobs = {"settings", "past", "blocks"}
    needed = {
        name: {other: each["condition"] for other, each in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    for needs in needed.values():
        for other, condition in needs.items():
            ended = "service_completed_successfully" if other in jobs else "service_healthy"
            assert condition == ended
    for name, service in services.items():
        if "settings:/settings:ro" in service.get("volumes", []):
            assert "settings" in needed[name]
    assert {"blocks", "settings"} <= needed["prometheus"].keys()
    assert "prometheus" in needed["error-budget-exporter"]


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


def test_the_exporter_finds_its_files(services, copied):
    """Its flags name what is mounted."""
    service = services["error-budget-exporter"]
    command, config, storage = service["command"]
    assert command == "run"
    there = config.removeprefix("--config.file=")
    assert lies(copied, there) == COMPOSE / "exporter/config.yaml"
    assert mounts(service) == {"/settings": "settings", STORAGE: "ledger"}
    assert storage == f"--storage.path={STORAGE}"


@pytest.mark.parametrize("name", ["error-budget-exporter", "demo", "past"])
def test_our_containers_are_closed(services, name):
    """Nothing is writable but what is mounted for it, and no capability is left."""
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize(
    ("name", "module", "needed"),
    [
        ("demo", demo_service, {"--host", "--port"}),
        ("past", demo_history, {"--output", "--instance"}),
    ],
)
def test_the_demos_parts_are_started_as_modules(services, name, module, needed):
    """By the image's Python, with options that they have."""
    python, *started = services[name]["entrypoint"]
    assert python == "/opt/exporter/bin/python"
    assert started == ["-m", module.__name__]
    known = {option for parameter in module.main.params for option in parameter.opts}
    given = {option.partition("=")[0] for option in services[name]["command"]}
    assert needed <= given <= known


def test_the_past_is_that_of_what_is_scraped(services):
    """The same job and target, or Prometheus would have two shops; kept for as long as it is."""
    jobs = read(COMPOSE / "prometheus/prometheus.yml")["scrape_configs"]
    (shop,) = [job for job in jobs if job["job_name"] == "shop"]
    (target,) = shop["static_configs"][0]["targets"]
    assert f"--instance={target}" in services["past"]["command"]
    (kept,) = [each for each in services["prometheus"]["command"] if "retention" in each]
    days = int(re.fullmatch(r".*=(\d+)d", kept)[1])
    assert days * DAY > HISTORY


def test_every_address_is_of_a_service(services):
    """A name that no service has would be found out at run time only."""
    named = {"demo": 8000, **PORTS}
    files = ["prometheus/prometheus.yml", "exporter/config.yaml", "grafana/datasources/*.yaml"]
    found = set()
    for file in (path for pattern in files for path in COMPOSE.glob(pattern)):
        found |= set(re.findall(r"(?:http://|\")([a-z-]+):(\d+)\b", file.read_text()))
    jobs = {"settings", "past", "blocks"}
    assert {name for name, _ in found} == services.keys() - jobs - {"grafana"}
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


def test_prometheus_takes_its_configuration(services, copied, promtool, tmp_path):
    """With the rules at the place where they are copied to."""
    config = services["prometheus"]["command"][0].removeprefix("--config.file=")
    text = lies(copied, config).read_text()
    (rules,) = yaml.safe_load(text)["rule_files"]
    assert lies(copied, rules).resolve() == RULES
    file = tmp_path / "prometheus.yml"
    file.write_text(text.replace(rules, str(RULES)))
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


def test_alertmanager_takes_its_configuration(services, copied):
    """By its own checker."""
    config = services["alertmanager"]["command"][0].removeprefix("--config.file=")
    assert lies(copied, config) == ALERTMANAGER
    assert "SUCCESS" in amtool("check-config", str(ALERTMANAGER))


@pytest.mark.parametrize("severity", ["page", "ticket"])
@pytest.mark.parametrize(("owner", "prefix"), [("", ""), ("search", ""), ("payments", "payments-")])
def test_alerts_are_routed_by_severity_and_owner(severity, owner, prefix):
    """The two severities that the rules give have a receiver each; a team may have its own."""
    labels = (f"severity={severity}", f"owner={owner}")
    routed = amtool("config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert routed == prefix + severity


def test_grafana_has_its_datasource(services, copied):
    """One, of the kind prometheus, known by a name that dashboards can rely on."""
    provisioning = services["grafana"]["environment"]["GF_PATHS_PROVISIONING"]
    (file,) = lies(copied, f"{provisioning}/datasources").iterdir()
    provisioned = read(file)
    assert provisioned["apiVersion"] == 1
    (source,) = provisioned["datasources"]
    assert (source["type"], source["uid"], source["isDefault"]) == (
        "prometheus",
        "prometheus",
        True,
    )
    assert source["url"] == "http://prometheus:9090"


def test_grafana_has_its_dashboards(services, copied):
    """The provider reads the folder into which they are mounted."""
    provisioning = services["grafana"]["environment"]["GF_PATHS_PROVISIONING"]
    (file,) = lies(copied, f"{provisioning}/dashboards").iterdir()
    provisioned = read(file)
    assert provisioned["apiVersion"] == 1
    (provider,) = provisioned["providers"]
    assert provider["type"] == "file"
    volume = mounts(services["grafana"])[provider["options"]["path"]]
    dashboards = copied[f"/{volume}"]
    assert len([json.loads(file.read_text())["uid"] for file in dashboards.iterdir()]) == 3
