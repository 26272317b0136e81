"""Files as they are read: bounded, whatever stands under their names."""

from __future__ import annotations

import glob
import os
import select
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from exporter.config.errors import ConfigError, Mistake
from exporter.config.unreadable import why

MOST_BYTES = 64 * 1024 * 1024
"""Of one file: a hundred thousand SLOs."""

PATIENCE = 10.0
"""Seconds that a pipe has to give all of it."""

PIECE = 1024 * 1024

_WILDCARDS = frozenset("*?[")


def read_text(path: Path) -> str:
    """What a file holds, or a pipe that somebody writes to.

    Raises:
        ConfigError: it cannot be read, is too long, or is not UTF-8.
    """
    try:
        content = _content(path)
    except OSError as error:
        message = f"cannot be read: {why(path, error)}"
        raise ConfigError([Mistake(path, None, "", message)]) from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([Mistake(path, line, "", "is not UTF-8 text")]) from error


def _content(path: Path) -> bytes:
    # Without O_NONBLOCK a pipe that nobody writes to would be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise OSError("Is a directory")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise OSError("it is a device or a socket, not a file")
        content, deadline = bytearray(), time.monotonic() + PATIENCE
        while piece := _piece(descriptor, deadline):
            content += piece
            if len(content) > MOST_BYTES:
                raise OSError(f"it is longer than {MOST_BYTES:,} bytes")
        return bytes(content)
    finally:
        os.close(descriptor)


def _piece(descriptor: int, deadline: float) -> bytes:
    if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
        raise OSError(f"whoever writes to this pipe was not done within {PATIENCE:g} s")
    return os.read(descriptor, PIECE)


def matching(pattern: str, folder: Path) -> list[Path]:
    """The paths that a pattern stands for, which starts at a folder unless it is absolute.

    `**` goes into each folder once, however many links lead there: two links of a folder to itself
    would be without end.
    """
    full_pattern = str(Path(glob.escape(str(folder))) / pattern)
    if full_pattern.endswith(f"{os.sep}**"):
        full_pattern += f"{os.sep}*"
    start, recursive, rest = full_pattern.partition(f"{os.sep}**{os.sep}")
    if not recursive:
        return _found(full_pattern)
    found: dict[Path, None] = {}
    for top in _found(start):
        for below in _folders(str(top)):
            found |= dict.fromkeys(matching(rest, Path(below)))
    return sorted(found)


def nothing_found(pattern: str, folder: Path) -> list[str]:
    """What is wrong where a pattern stands for nothing: it may be that there is nothing yet."""
    parts = Path(pattern).parts
    fixed = next((i for i, part in enumerate(parts) if _WILDCARDS & set(part)), None)
    if fixed is None:
        return [f"no such file: {folder / pattern}"]
    top = folder.joinpath(*parts[:fixed])
    try:
        os.scandir(top).close()
    except PermissionError as error:
        # glob takes it for an empty one.
        return [f"{top} cannot be read: {why(top, error)}"]
    except OSError:
        return []
    return []


def _found(pattern: str) -> list[Path]:
    return sorted(map(Path, glob.glob(pattern, recursive=True)))  # noqa: PTH207  (absolute patterns)


def _folders(top: str) -> Iterator[str]:
    """A folder and all below it, hidden ones apart, by whichever way they are reached first."""
    seen: set[tuple[int, int]] = set()
    for folder, names, _ in os.walk(top, followlinks=True):
        about = os.stat(folder)  # noqa: PTH116  (as os.walk has it)
        if (about.st_dev, about.st_ino) in seen:
            names.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield folder
