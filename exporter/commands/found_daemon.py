"""The daemon that runs on this machine, and where it listens: from the processes' command lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.errors import ApiError

PROC = Path("/proc")
PROGRAM = "error-budget-exporter"


class NoDaemonError(ApiError):
    """No daemon runs here, or not one alone."""


def running_daemon(proc: Path) -> tuple[str, Path | None]:
    """Its listen address and its web configuration, as `run` reads its flags.

    Args:
        proc: the kernel's folder of processes.

    Raises:
        NoDaemonError: there is not exactly one whose command line we may read.
    """
    # It says what `run` understands, which nothing else may do a second time.
    from exporter.commands.run import run  # noqa: PLC0415 - loaded only if it is asked for

    found = list(_daemons(proc))
    if len(found) != 1:
        many = ", ".join(process.name for process, _ in found) or "none"
        raise NoDaemonError(
            f"one {PROGRAM} run is looked for among this machine's processes; found: {many}"
        )
    process, flags = found[0]
    values = run.make_context("run", list(flags), resilient_parsing=True).params
    web: Path | None = values["web_config_file"]
    return values["listen_address"], web and (process / "cwd").resolve() / web


def _daemons(proc: Path) -> Iterator[tuple[Path, Sequence[str]]]:
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended meanwhile, or is another user's
            continue
        for at, word in enumerate(words[:-1]):
            if word.rpartition("/")[2] in (PROGRAM, "exporter") and words[at + 1] == "run":
                yield process, words[at + 2 : -1]
                break
