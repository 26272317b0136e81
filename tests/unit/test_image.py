"""What can be said of the image without building it."""

import json
import re
import shlex
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.helpers.paths import ROOT

STORAGE = "/var/lib/error-budget-exporter"


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]


def values(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [value for each, value in instructions if each == name]


def last_stage(instructions: list[tuple[str, str]]) -> list[tuple[str, str]]:
    last = max(i for i, (name, _) in enumerate(instructions) if name == "FROM")
    return instructions[last:]


def test_the_base_is_pinned_to_a_release_and_its_digest(instructions):
    """A tag that moves would build another image tomorrow; the bot's configuration renews both."""
    base = values(instructions, "ARG")[0]
    official = r"PYTHON=docker\.io/library/python"
    assert re.fullmatch(rf"{official}:3\.\d+\.\d+-slim-[a-z]+@sha256:[0-9a-f]{{64}}", base)
    assert all(value.split()[0] == "${PYTHON}" for value in values(instructions, "FROM"))
    renewed = json.loads((ROOT / "renovate.json").read_text())
    assert "docker:pinDigests" in renewed["extends"]


def locked(name: str) -> dict[str, tuple[str, list[str]]]:
    """The packages of a file of constraints: version and hashes."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            package, version = re.match(r"(\S+)==(\S+)", line).groups()
            found[package] = (version, sorted(re.findall(r"--hash=(\S+)", line)))
    return found


def closure(*requirements: str) -> set[str]:
    """The names of all that these need on this machine, by what is installed."""
    names, todo = set(), [Requirement(each) for each in requirements]
    while todo:
        requirement = todo.pop()
        extras = {"", *requirement.extras}
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(requirement.name)
        fresh = name not in names or requirement.extras
        names.add(name)
        if fresh:
            for text in metadata.distribution(name).requires or ():
                needed = Requirement(text)
                if not needed.marker or any(needed.marker.evaluate({"extra": e}) for e in extras):
                    needed.marker = None
                    todo.append(needed)
    return names


def test_every_package_is_known_by_its_hash(instructions):
    """What has another content than CI has tested is not installed."""
    installs = [run for run in values(instructions, "RUN") if "pip install" in run]
    assert installs
    assert all("--no-deps" in run for run in installs)
    assert any("--require-hashes -r constraints-image.txt" in run for run in installs)
    assert all(hashes for _, hashes in locked("constraints-image.txt").values())


def test_the_image_has_what_is_tested_and_nothing_else():
    """Of what development is pinned to: what the package, PostgreSQL and the build need."""
    image, tested = locked("constraints-image.txt"), locked("constraints.txt")
    assert image.items() <= tested.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = closure(
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["postgres"],
        *project["build-system"]["requires"],
    )
    assert image.keys() == wanted


def test_nothing_of_the_build_stays(instructions):
    """The last of two stages only removes: whatever could install packages, the base's included."""
    assert len(values(instructions, "FROM")) == 2
    copied = values(last_stage(instructions), "COPY")
    assert [value.split()[-1] for value in copied] == ["/opt/exporter", STORAGE]
    assert all(value.startswith("--from=build ") for value in copied)
    (run,) = values(last_stage(instructions), "RUN")
    for name in ("pip", "setuptools", "wheel", "ensurepip"):
        assert f"{name}*" in run
    assert "install" not in run


def test_it_does_not_run_as_root(instructions):
    """A number, since Kubernetes's runAsNonRoot cannot judge a name."""
    (user,) = values(last_stage(instructions), "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_the_ledger_lies_in_a_volume_of_the_users(instructions):
    """A new volume takes content and owner over from the image; root's would be read-only."""
    last = last_stage(instructions)
    (user,) = values(last, "USER")
    (folder,) = [value for value in values(last, "COPY") if STORAGE in value]
    assert folder.split() == ["--from=build", f"--chown={user}", STORAGE, STORAGE]
    assert any(f"mkdir {STORAGE}" in run for run in values(instructions, "RUN"))
    assert json.loads(values(last, "VOLUME")[0]) == [STORAGE]
    (command,) = values(last, "CMD")
    assert f"--storage.path={STORAGE}" in json.loads(command)


def test_it_says_what_it_is(instructions):
    """The labels of the Open Container Initiative, of the project and of the build."""
    (labels,) = values(last_stage(instructions), "LABEL")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    told = {"source", "revision", "created", "version"}
    assert dict(part.split("=", 1) for part in shlex.split(labels)) == {
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.description": project["description"],
        **{f"org.opencontainers.image.{name}": f"${{{name.upper()}}}" for name in told},
    }
    # An engine of 2022 knows the first name of an instruction only.
    arguments = values(last_stage(instructions), "ARG")
    assert sorted(arguments) == sorted(f'{name.upper()}=""' for name in told)
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"--build-arg {name.upper()}=" in makefile for name in told)


@pytest.mark.parametrize("name", ["ENTRYPOINT", "CMD"])
def test_no_shell_is_needed(instructions, name):
    """The exec form, and the command is one that the command line has."""
    (value,) = values(last_stage(instructions), name)
    command = json.loads(value)
    assert command[0] in {"/opt/exporter/bin/error-budget-exporter", "run"}


def test_health_is_asked_for_without_a_shell(instructions):
    """Exec form again; the flags are those of the daemon that runs."""
    (value,) = values(last_stage(instructions), "HEALTHCHECK")
    command = json.loads(value[value.index("[") :])
    assert command == ["/opt/exporter/bin/error-budget-exporter", "healthcheck", "--find"]


def test_its_commands_are_on_the_path(instructions):
    """A pipeline's script calls them by their names."""
    environment = " ".join(values(last_stage(instructions), "ENV"))
    assert "PATH=/opt/exporter/bin:$PATH" in environment.split()


def test_it_comes_compiled(instructions):
    """Whoever runs it writes nothing, so that it would compile itself again at every command."""
    assert not any("--no-compile" in run for run in values(instructions, "RUN"))


def test_what_is_copied_exists_and_is_not_ignored(instructions):
    """The build's context holds every file that a COPY names."""
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    for value in values(instructions, "COPY"):
        if value.startswith("--from"):
            continue
        *sources, _ = shlex.split(value)
        for source in sources:
            assert (ROOT / source).exists()
            assert source in kept
