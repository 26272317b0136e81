"""Real servers on this machine: finding their programs, starting them, ending them.

The demo, the tests and the benches share it:

    from exporter.demo.blocks import write_blocks, write_openmetrics
    from exporter.demo.servers import PrometheusServer, find_binary, find_promtool

    files = write_openmetrics({'a_total{job="x"}': [(1700000000, 1), (1700000060, 2)]}, folder)
    write_blocks(find_promtool(), files, data_dir)
    with PrometheusServer(CONFIG, data_dir=data_dir) as prometheus:
        httpx.get(f"{prometheus.url}/api/v1/query", params={"query": "a_total"})
        prometheus.stop()
        prometheus.start()  # same port, same data

Everything here blocks: asynchronous callers use `asyncio.to_thread` for requests, but start
the servers from their main thread (the kernel ties a child to the thread that started it).
"""

from __future__ import annotations

import functools
import http.client
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from exporter.demo.ports import free_port
from exporter.errors import ExporterError

READY_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0
LOG_TAIL_LINES = 15


class ServerError(ExporterError):
    """A program that the demo or a test needs did not do what it should."""


class BinaryNotFoundError(ServerError):
    """A program is in none of the places where it is looked for."""


def find_binary(name: str, env: str) -> Path:
    """Where a program is: named by the variable `env`, in `.tools/usr/bin`, or on the PATH.

    Raises:
        BinaryNotFoundError: it is in none of the three, or `env` names no executable file.
    """
    named = os.environ.get(env)
    if named:
        if os.access(named, os.X_OK) and Path(named).is_file():
            return Path(named).absolute()
        raise BinaryNotFoundError(f"{env}={named} is not an executable file")
    checkout = Path(__file__).resolve().parents[2]
    tools = [folder / ".tools/usr/bin" for folder in (Path.cwd(), checkout)]
    search_path = os.pathsep.join([*map(str, tools), os.environ.get("PATH", os.defpath)])
    found = shutil.which(name, path=search_path)
    if found is None:
        raise BinaryNotFoundError(
            f"{name} not found: the variable {env} is not set, {tools[0]} has none, and it is "
            f"not on the PATH. Install it, or in a checkout run `make tools`, or set {env}."
        )
    return Path(found).absolute()


def find_prometheus() -> Path:
    """The Prometheus to run: `PROMETHEUS`, `.tools` or the PATH."""
    return find_binary("prometheus", "PROMETHEUS")


def find_promtool() -> Path:
    """The promtool to use: `PROMTOOL`, else the one beside Prometheus, else `.tools` or the PATH.

    Raises:
        BinaryNotFoundError: there is none.
    """
    if not os.environ.get("PROMTOOL"):
        beside = find_prometheus().with_name("promtool")
        if os.access(beside, os.X_OK):
            return beside
    return find_binary("promtool", "PROMTOOL")


def find_alertmanager() -> Path:
    """The Alertmanager to run: `ALERTMANAGER`, `.tools` or the PATH.

    Raises:
        BinaryNotFoundError: there is none.
    """
    try:
        return find_binary("alertmanager", "ALERTMANAGER")
    except BinaryNotFoundError:  # where Debian's package is installed, it has another name
        return find_binary("prometheus-alertmanager", "ALERTMANAGER")


def find_amtool() -> Path:
    """The amtool to use: `AMTOOL`, `.tools` or the PATH.

    Raises:
        BinaryNotFoundError: there is none.
    """
    return find_binary("amtool", "AMTOOL")


def http_get(port: int, path: str, timeout: float = 10.0) -> tuple[int, bytes]:
    """Ask a server on 127.0.0.1: status and body.

    Raises:
        OSError, http.client.HTTPException: nothing, or not HTTP, answers.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@functools.cache
def _die_with_parent() -> tuple[str, ...]:
    """What to put before a command so that the kernel ends it when this process is killed.

    Empty where util-linux's setpriv is missing: then only an orderly end stops the children.
    """
    prefix = ("setpriv", "--pdeathsig", "KILL", "--")
    if shutil.which("setpriv") is None:
        return ()
    works = subprocess.run([*prefix, "true"], capture_output=True, check=False)  # noqa: S603 - fixed
    return prefix if works.returncode == 0 else ()


class Child:
    """A server process of ours that writes its log to a file, ended by its own pid.

    `start` and `stop` may be repeated; the log goes on in the same file.
    """

    def __init__(self, name: str, command: Sequence[str | Path], port: int, log: Path) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self.port = port
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process; it need not answer yet (see `wait_ready`)."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the program is the user's own choice
                [*_die_with_parent(), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C at the terminal is ours to pass on, in order
            )

    def check(self) -> None:
        """Do nothing while the process lives.

        Raises:
            ServerError: it has ended by itself; with the end of its log.
        """
        if self.process is not None and self.process.poll() is not None:
            raise ServerError(
                f"{self.name} ended with exit code {self.process.returncode}:\n{self.log_tail()}"
            )

    def wait_ready(self, path: str = "/-/ready", timeout: float = READY_TIMEOUT) -> None:
        """Wait until `path` answers 200.

        Raises:
            ServerError: the process ended, or `timeout` seconds have passed.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.check()
            try:
                status, _ = http_get(self.port, path, timeout=2)
            except (OSError, http.client.HTTPException):
                status = 0
            if status == http.client.OK:
                return
            time.sleep(0.05)
        raise ServerError(f"{self.name} not ready after {timeout:g} s:\n{self.log_tail()}")

    def stop(self) -> None:
        """End the process, politely first; nothing happens when it has ended already."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> str:
        """The last lines of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class PrometheusServer(Child):
    """A real Prometheus on 127.0.0.1 with the given configuration (YAML text).

    Used as a context manager it is ready on entry and gone on exit. Everything it writes,
    except a `data_dir` that was given, lies in a folder of its own that `close` removes.
    `flags` are passed on, e.g. `["--web.enable-remote-write-receiver"]`.
    """

    def __init__(
        self,
        config: str = "",
        *,
        binary: Path | None = None,
        data_dir: Path | None = None,
        port: int | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        binary = binary or find_prometheus()
        port = port or free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="prometheus-")
        folder = Path(self._folder.name)
        self.data_dir = data_dir or folder / "data"
        self.config_file = folder / "prometheus.yml"
        self.config_file.write_text(config)
        command = [
            str(binary),
            f"--config.file={self.config_file}",
            f"--storage.tsdb.path={self.data_dir}",
            "--storage.tsdb.retention.time=10y",
            f"--web.listen-address=127.0.0.1:{port}",
            *flags,
        ]
        super().__init__("Prometheus", command, port, folder / "prometheus.log")

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            ServerError: it ended or did not become ready; with the end of its log.
        """
        super().start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
