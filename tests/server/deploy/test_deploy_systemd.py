"""The systemd unit: well-formed, closed, and starting what the program has."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from exporter.cli import main
from tests.helpers.deploy.deployed import CONFIG, DEPLOY, STORAGE

UNIT = DEPLOY / "systemd/error-budget-exporter.service"
PROGRAM = "/opt/error-budget-exporter/bin/error-budget-exporter"

CLOSED = {
    "AmbientCapabilities": "",
    "CapabilityBoundingSet": "",
    "DevicePolicy": "closed",
    "DynamicUser": "yes",
    "KeyringMode": "private",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateMounts": "yes",
    "PrivateTmp": "yes",
    "PrivateUsers": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RemoveIPC": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
    "SystemCallFilter": "@system-service ~@privileged @resources",
    "UMask": "0077",
}
"""Every directive that takes something away from the service, as systemd.exec(5) spells it."""

LIFE = {
    "ConfigurationDirectory",
    "ExecReload",
    "ExecStart",
    "Restart",
    "RestartPreventExitStatus",
    "RestartSec",
    "StateDirectory",
    "StateDirectoryMode",
    "TimeoutStopSec",
    "Type",
    "WatchdogSec",
}
"""The other directives of the service, as systemd.service(5) and systemd.exec(5) spell them."""


def sections(text: str) -> dict[str, dict[str, str]]:
    """A unit file's directives by section; those given twice are joined."""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section[key] = f"{section[key]} {value}" if section.get(key) else value
    return found


@pytest.fixture(scope="module")
def service() -> dict[str, str]:
    """The directives of the service."""
    return sections(UNIT.read_text())["Service"]


def test_every_directive_is_known(service):
    """systemd ignores what it does not know: a slip of the pen would open the service."""
    assert service.keys() == CLOSED.keys() | LIFE


@pytest.mark.parametrize("directive", CLOSED)
def test_the_service_is_closed(service, directive):
    """Each restriction has the value that it was written for."""
    assert service[directive] == CLOSED[directive]


def test_it_starts_what_the_program_has(service):
    """The command and its flags are ones that the command line lists."""
    program, command, *flags = shlex.split(service["ExecStart"])
    assert (program, command) == (PROGRAM, "run")
    assert set(flags) == {f"--config.file={CONFIG}/config.yaml", f"--storage.path={STORAGE}"}
    described = CliRunner().invoke(main, ["run", "--help"]).output
    assert all(flag.partition("=")[0] in described for flag in flags)


def test_its_folders_are_those_of_its_flags(service):
    """systemd makes them, and they are all that it may write to."""
    assert f"/var/lib/{service['StateDirectory']}" == STORAGE
    assert f"/etc/{service['ConfigurationDirectory']}" == CONFIG


def test_it_is_reloaded_by_its_own_command(service):
    """Which names the mistakes, and needs no other program."""
    program, command, *flags = shlex.split(service["ExecReload"])
    assert (program, command) == (PROGRAM, "reload")
    assert flags == [f"--config.file={CONFIG}/config.yaml", "--pid=${MAINPID}"]
    assert flags[0] in shlex.split(service["ExecStart"])


@pytest.mark.parametrize("directive", ["ExecStart", "ExecReload"])
def test_variables_are_ones_that_systemd_fills_in(service, directive):
    """Within a word only with braces, by systemd.service(5): the program would get the name."""
    words = service[directive].split()
    assert not [word for word in words if re.search(r"[^ ]\$\w", word)]


def test_it_comes_back_whatever_ends_it(service):
    """But for a wrong flag (exit code 2), which stays wrong; one that stands still is ended."""
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"] == "2"
    assert (service["Type"], service["WatchdogSec"]) == ("notify", "60s")


def test_it_is_started_with_the_machine():
    """`systemctl enable` has something to do, and the network is there first."""
    unit = sections(UNIT.read_text())
    assert unit["Install"] == {"WantedBy": "multi-user.target"}
    assert unit["Unit"]["After"] == unit["Unit"]["Wants"] == "network-online.target"


def analyze(*arguments: object) -> subprocess.CompletedProcess[str] | None:
    """What systemd-analyze says; None on a machine without systemd, other than CI's."""
    if shutil.which("systemd-analyze") is None and "CI" not in os.environ:
        return None
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_systemd_accepts_the_unit(tmp_path):
    """It has nothing to remark; the tests above go as far where there is no systemd."""
    program = Path(sys.executable).with_name("error-budget-exporter")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, str(program)))
    done = analyze("verify", "--man=no", unit)
    assert done is None or (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_finds_the_service_closed():
    """An exposure of 1.5 of 10 at the most; a service without any restriction has 9.6."""
    done = analyze("security", "--offline=true", "--no-pager", "--threshold=15", UNIT)
    assert done is None or done.returncode == 0, done.stdout
