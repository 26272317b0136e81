"""Why a file cannot be read, for somebody who can read it: a daemon is often another user."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path


def why(path: Path, error: OSError) -> str:
    """The reason in words; where it is a matter of rights, whose, and which file or folder."""
    reason = error.strerror or str(error)
    if not isinstance(error, PermissionError):
        return reason
    closed = next((folder for folder in _above(path) if not _enters(folder)), path)
    try:
        about = closed.stat()
    except OSError:
        return reason
    kind = "the folder " if stat.S_ISDIR(about.st_mode) else ""
    return (
        f"{reason}: {kind}{closed} is {_name(about.st_uid)}'s with mode "
        f"{stat.filemode(about.st_mode)}, and this is the user {_name(os.geteuid())}"
    )


def _above(path: Path) -> list[Path]:
    return list(reversed(path.absolute().parents))


def _enters(folder: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.X_OK, effective_ids=effective)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # one that systemd made up, or a container's
        return str(user)
