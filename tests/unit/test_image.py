"""What can be said of the image without building it."""

import json
import re
import shlex
import tomllib

import pytest

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


def test_the_base_is_pinned_to_a_release(instructions):
    """A tag that moves would build another image tomorrow."""
    (base,) = values(instructions, "ARG")
    assert re.fullmatch(r"PYTHON=python:3\.\d+\.\d+-slim-[a-z]+", base)
    assert all(value.split()[0] == "${PYTHON}" for value in values(instructions, "FROM"))


def test_packages_are_pinned(instructions):
    """Everything is installed under the constraints that CI tests with."""
    installs = [run for run in values(instructions, "RUN") if "pip install" in run]
    assert installs
    assert all("-c constraints.txt" in run for run in installs)


def test_nothing_of_the_build_stays(instructions):
    """Two stages; the last one only takes the finished environment and an empty folder over."""
    assert len(values(instructions, "FROM")) == 2
    assert not values(last_stage(instructions), "RUN")
    copied = values(last_stage(instructions), "COPY")
    assert [value.split()[-1] for value in copied] == ["/opt/exporter", STORAGE]
    assert all(value.startswith("--from=build ") for value in copied)


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
    """The labels of the Open Container Initiative, with what the project says of itself."""
    (labels,) = values(last_stage(instructions), "LABEL")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert dict(part.split("=", 1) for part in shlex.split(labels)) == {
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.version": project["version"],
        "org.opencontainers.image.description": project["description"],
    }


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
