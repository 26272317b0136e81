"""A real PostgreSQL on 127.0.0.1, for the tests of a store that daemons share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from exporter.demo.ports import free_port
from exporter.demo.servers import BinaryNotFoundError, Child, ServerError

NOBODY = 65_534
"""Whom it runs as where the tests run as root, which it refuses to."""

PATIENCE = 60.0

FAST = (
    "fsync=off",
    "shared_buffers=16MB",
    "max_connections=40",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "dynamic_shared_memory_type=mmap",
)
"""Settings of a server whose data need not outlive the machine."""


FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON chunk EXECUTE FUNCTION no_room();
CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON override EXECUTE FUNCTION no_room();
"""


def find_postgres() -> Path:
    """The folder of the server's programs: `POSTGRES_BIN`, Debian's own, or `.tools`.

    Raises:
        BinaryNotFoundError: it is in none of them.
    """
    named = os.environ.get("POSTGRES_BIN")
    checkout = Path(__file__).resolve().parents[2]
    folders = [Path(named)] if named else []
    for root in (Path("/"), checkout / ".tools/postgres"):
        folders += sorted(root.glob("usr/lib/postgresql/*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).resolve().parent] if on_path else []
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise BinaryNotFoundError(
        "PostgreSQL not found: run `make postgres`, or install it, and set POSTGRES_BIN to the "
        "folder that has initdb and postgres"
    )


def beside(folder: Path) -> tuple[str, ...]:
    """What to put before a program that was unpacked, so that it finds the libraries beside it."""
    if folder.is_relative_to("/usr") or len(folder.parents) < 5:
        return ()
    root = folder.parents[4]
    libraries = [*root.glob("usr/lib/*-linux-gnu"), *root.glob("lib/*-linux-gnu")]
    return ("env", f"LD_LIBRARY_PATH={':'.join(map(str, libraries))}")


def unprivileged() -> tuple[str, ...]:
    """What to put before a command that root must not run."""
    if os.geteuid() != 0:
        return ()
    user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    # Who becomes another user is no longer ended with its parent, unless that is asked for again.
    return ("setpriv", *user, "--pdeathsig", "KILL", "--")


class PostgresServer(Child):
    """A server with one database, `slo`, whose owner is `exporter` with the password `secret`.

    Used as a context manager it is ready on entry and gone on exit, with all that it wrote.
    """

    def __init__(self) -> None:
        # Not below pytest's folder: nobody else may look into that.
        self._folder = tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        port = free_port()
        binaries = find_postgres()
        self._initdb = binaries / "initdb"
        settings = [part for each in FAST for part in ("-c", each)]
        super().__init__(
            "PostgreSQL",
            [
                *unprivileged(),
                *beside(binaries),
                *(binaries / "postgres", "-D", self.data, "-p", str(port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *settings,
            ],
            port,
            self.folder / "postgres.log",
        )

    @property
    def url(self) -> str:
        """What a daemon is given."""
        return f"postgresql://exporter:secret@127.0.0.1:{self.port}/slo"

    def __enter__(self) -> Self:
        try:
            self._create()
            self.start()
            self.wait()
            self.execute("CREATE ROLE exporter LOGIN PASSWORD 'secret'", database="postgres")
            self.create("slo")
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

    def _create(self) -> None:
        self.data.mkdir()
        if os.geteuid() == 0:
            os.chown(self.data, NOBODY, NOBODY)
        command = [self._initdb, "-D", self.data, "-U", "admin", "--auth-host=trust", "-N"]
        command += ["--auth-local=trust", "-E", "UTF8", "--no-locale"]
        made = subprocess.run(
            [*unprivileged(), *beside(self._initdb.parent), *map(str, command)],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        if made.returncode:
            raise ServerError(f"initdb failed:\n{made.stdout}{made.stderr}")
        # Passwords are asked for, but the administrator's.
        hba = "host all admin 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(hba)

    def create(self, database: str) -> str:
        """Make a database, and give its URL."""
        self.execute(f"CREATE DATABASE {database} OWNER exporter", database="postgres")
        return f"postgresql://exporter:secret@127.0.0.1:{self.port}/{database}"

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.check()
            try:
                self.execute("SELECT 1", database="postgres")
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def execute(self, sql: str, database: str = "slo") -> list[tuple]:
        """Run a statement as the administrator; its rows, if it has any."""
        url = f"postgresql://admin@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            connection.execute("SET search_path TO error_budget_exporter, public")
            found = connection.execute(sql)
            return found.fetchall() if found.description else []

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def pids(self) -> list[int]:
        """Its processes, the first of which is the parent of the others."""
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def fill_disk(self) -> None:
        """Refuse to write slots, with the error of a server whose disk is full."""
        self.execute(FULL)

    def make_room(self) -> None:
        """Write again."""
        self.execute("DROP FUNCTION no_room CASCADE")

    def cut(self) -> None:
        """End the connections of daemons."""
        daemons = "usename = 'exporter'"
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {daemons}")

    def kill(self) -> None:
        """End it at once, as a machine that loses power."""
        self.signal(signal.SIGKILL)
        process, self.process = self.process, None
        assert process is not None
        process.wait()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """End it in order, whoever is connected."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        self._folder.cleanup()


if __name__ == "__main__":
    print("Found:", find_postgres())  # noqa: T201  # what `make postgres` tells
