"""A page that cannot be rendered until the test lets it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from prometheus_client import Metric

PATIENCE = 20.0
"""Seconds after which something that must happen has not."""


class Stuck:
    """A collector that keeps a page from being rendered until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        self.reached.set()
        assert self.released.wait(PATIENCE)
        return iter(())
