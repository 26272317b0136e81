"""The image, built by an engine on a stand-in for its base, and run under lockdown.

`make engine` has to be called before, and root: elsewhere these tests are skipped.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from exporter.demo.ports import free_port
from exporter.demo.servers import Child, http_get
from tests.helpers.command_line import GOOD
from tests.helpers.deploy.deployed import COMPOSE, DEPLOY, KUBERNETES, read
from tests.helpers.deploy.engine import BASE, IMAGE, Container, Engine, EngineMissingError

# Packages are downloaded and layers written, on a machine that may be busy.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TOLD = {"SOURCE": "https://example.com/a", "REVISION": "b", "CREATED": "c", "VERSION": "d"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One that has built the image, and can run it."""
    try:
        engine = Engine(tmp_path_factory.mktemp("engine"))
    except EngineMissingError as error:
        pytest.skip(f"no image can be built here: {error}")
    try:
        folder = tmp_path_factory.mktemp("try")
        tried = container(engine, BASE, {"User": "65532", "Env": []}, folder)
        done = tried.run("/bin/true")
        if done.returncode != 0:
            pytest.skip(f"no container can be run here: {done.stderr}")
        engine.build(TOLD)
        yield engine
    finally:
        engine.close()


def container(engine: Engine, image: str, wanted: dict, folder: Path) -> Container:
    """A container whose configuration is a small one."""
    config = folder / "config"
    config.mkdir(parents=True)
    (config / "config.yaml").write_text(GOOD.replace("prometheus.test:9090", "127.0.0.1:1"))
    return Container(engine.mount(image), wanted, folder / "container", config)


@pytest.fixture(scope="module")
def image(engine: Engine) -> dict:
    """What the image wants to run, and as whom."""
    return engine.inspect(IMAGE)


@pytest.fixture(scope="module")
def contained(engine, image, tmp_path_factory) -> Iterator[Container]:
    """A container of the image, in which nothing runs yet."""
    contained = container(engine, IMAGE, image, tmp_path_factory.mktemp("contained"))
    yield contained
    contained.close()


@pytest.fixture
def daemon(contained, image, tmp_path) -> Iterator[Child]:
    """The daemon, by the arguments of deploy/kubernetes."""
    (pod,) = read(KUBERNETES / "statefulset.yaml")["spec"]["template"]["spec"]["containers"]
    port = free_port()
    listen = f"--web.listen-address=127.0.0.1:{port}"
    command = contained.command(*image["Entrypoint"], *pod["args"], listen)
    daemon = Child("daemon", command, port, tmp_path / "log")
    daemon.start()
    try:
        daemon.wait_ready("/-/healthy")
        yield daemon
    finally:
        daemon.stop()


def test_it_says_what_it_was_built_from(image):
    """As the build was told."""
    labels = {name.rpartition(".")[2]: value for name, value in image["Labels"].items()}
    assert {name: labels[name.lower()] for name in TOLD} == TOLD


def test_nothing_in_it_installs_packages(engine):
    """Neither of the environment nor of the base."""
    root = engine.mount(IMAGE)
    names = ("pip", "setuptools", "wheel", "pkg_resources", "ensurepip")
    folders = [*root.rglob("site-packages/*"), *root.rglob("dist-packages/*")]
    folders += root.glob("usr/lib/python3*/*")
    assert any(folder.name == "numpy" for folder in folders)
    left = [each for each in folders if each.name.partition("-")[0].lower() in names]
    programs = [each for each in root.rglob("bin/*") if each.name.startswith("pip")]
    assert left + programs == []


def test_everything_in_it_is_compiled(engine):
    """The package, what it needs, and Python's own modules, which the base leaves to the user."""
    root = engine.mount(IMAGE)
    (package,) = root.glob("opt/exporter/lib/python3*/site-packages/exporter")
    (library,) = root.glob("usr/lib/python3.*")
    for folder in (package, package.parent / "httpx", library, library / "asyncio"):
        modules = {path.stem for path in folder.glob("*.py")}
        compiled = {path.name.partition(".")[0] for path in folder.glob("__pycache__/*.pyc")}
        assert modules - compiled == set(), folder


def test_its_own_command_starts_the_daemon(contained, image, daemon):
    """With the arguments of deploy/kubernetes, which begin with the image's own; its health check
    finds the flags by itself, and SIGTERM, which it is told as the first process, ends it well."""
    (pod,) = read(KUBERNETES / "statefulset.yaml")["spec"]["template"]["spec"]["containers"]
    assert pod["args"][: len(image["Cmd"])] == image["Cmd"]
    kind, *command = image["Healthcheck"]["Test"]
    assert kind == "CMD"
    asked = contained.execute(*command)
    assert asked.returncode == 0, asked.stderr
    process = daemon.process
    process.terminate()
    assert process.wait() == 0, daemon.log_tail()


def test_the_pipelines_line_asks_the_daemon(engine, image, daemon, tmp_path):
    """As GitLab runs it: by a shell in a container of the image."""
    pipeline = read(DEPLOY / "gate/gitlab-ci.yaml")["gate"]
    assert pipeline["image"]["entrypoint"] == [""]
    another = container(engine, IMAGE, image, tmp_path / "pipeline")
    variables = {"EXPORTER": daemon.url, "REASON": "", **pipeline["variables"]}
    (line,) = pipeline["script"]
    done = another.run("/bin/sh", "-c", line, environment=variables)
    # Its Prometheus does not answer: nothing is known, which stops the pipeline.
    assert done.returncode == 3, done.stdout + done.stderr
    assert pipeline["variables"]["SERVICE"] in done.stdout


def test_the_demos_service_is_served(engine, image, tmp_path):
    """By the command of the Compose file, on a port of this machine."""
    service = read(COMPOSE / "compose.yaml")["services"]["demo"]
    port = free_port()
    another = container(engine, IMAGE, image, tmp_path / "demo")
    options = [each for each in service["command"] if not each.startswith(("--host", "--port"))]
    command = another.command(*service["entrypoint"], *options, f"--port={port}")
    demo = Child("demo", command, port, tmp_path / "log")
    demo.start()
    try:
        demo.wait_ready("/metrics")
        assert b"http_requests_total" in http_get(port, "/metrics")[1]
    finally:
        demo.stop()
        another.close()


def test_what_it_is_says_the_version(contained, image):
    """That of the package, whatever label it is built with."""
    done = contained.run(*image["Entrypoint"], "--version")
    assert done.stdout.split()[-1] == version("error-budget-exporter"), done.stderr


def test_postgresql_can_be_its_store(contained):
    """The driver is there, with its library."""
    done = contained.run(*shlex.split("python -c 'import psycopg; print(psycopg.pq.version())'"))
    assert done.returncode == 0, done.stderr


def test_it_cannot_write_but_where_it_has_to(contained):
    """The root is read-only, and it is nobody."""
    script = (
        "touch /opt/exporter/x; touch /tmp/x && touch /var/lib/error-budget-exporter/x && id -u"
    )
    done = contained.run("/bin/sh", "-c", script)
    assert done.stdout == "65532\n"
    assert "Read-only file system" in done.stderr
