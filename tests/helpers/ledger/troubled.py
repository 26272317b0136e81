"""Stores that are filled, and folders that are short of something."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.helpers.ledger.stored import restart, save, settle

NOBODY = 65_534


FILLED = 190
"""Events in the stores that tests begin with."""


def fill(folder: Path) -> None:
    """Leave a store with some slots in it, several chunks of them."""
    one, store = restart(folder)
    for level, slots in ((3, 50), (2, 80), (0, 60)):
        ones = np.ones((1, slots))
        settle(one, level, one.cover(level)[1] - slots * one.levels[level].slot, ones, ones)
    save(one, store)
    store.close()


def held(folder: Path) -> float:
    """How many events a store tells of; it must be there and sound."""
    one, store = restart(folder)
    store.close()
    return float(one.window(24_000).total[0])


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """The folder and what is in it cannot be written, also where the tests run as root."""
    paths = [folder, *folder.iterdir()]
    modes = [(path, path.stat().st_mode) for path in paths]
    for path, mode in modes:
        path.chmod(mode & ~0o222 | 0o444 | (mode & 0o111))
    root = os.geteuid() == 0
    if root:
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent.stat().st_mode & 0o055 != 0o055:
                parent.chmod(parent.stat().st_mode | 0o055)
        folder.chmod(0o555)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in modes:
            path.chmod(mode)
