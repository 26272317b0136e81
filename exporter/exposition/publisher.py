"""The metrics page: rendered once per evaluation, served as bytes."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.exposition.slo_metrics import families
from exporter.exposition.text import write_family
from exporter.slo.snapshot import Snapshot

GZIP_LEVEL = 1
"""Metric text is so repetitive that the cheapest level already shrinks it tenfold."""


_GZIP = re.compile(r"\s*gzip\s*(;\s*q=(1(\.0*)?|0?\.\d*[1-9]\d*)\s*)?", re.IGNORECASE)
"""A coding that is taken; a quality of 0 means that it is not."""


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write the page."""

    openmetrics: bool
    gzipped: bool

    @property
    def content_type(self) -> str:
        """The value of the Content-Type header."""
        return openmetrics.CONTENT_TYPE_LATEST if self.openmetrics else CONTENT_TYPE_PLAIN_0_0_4


def negotiate(accept: str, accept_encoding: str) -> Form:
    """Choose the form that a scraper asked for."""
    _, content_type = choose_encoder(accept)
    return Form(
        "openmetrics" in content_type, any(map(_GZIP.fullmatch, accept_encoding.split(",")))
    )


def render(snapshot: Snapshot, registry: CollectorRegistry, form: Form) -> bytes:
    """The whole page: the exporter's own metrics, then those of the SLOs."""
    # Version 1.0 of OpenMetrics: all names are plain, so nothing of 2.0 is needed.
    own = (openmetrics.generate_latest if form.openmetrics else generate_latest)(registry)
    parts = [own.decode().removesuffix("# EOF\n")]
    parts += [write_family(*family, openmetrics=form.openmetrics) for family in families(snapshot)]
    if form.openmetrics:
        parts.append("# EOF\n")
    body = "".join(parts).encode()
    return gzip.compress(body, GZIP_LEVEL, mtime=0) if form.gzipped else body


NOTHING = Snapshot(at=0, slos=(), services=())
"""What is shown before the first evaluation."""


class Publisher:
    """Holds the newest snapshot and its pages.

    The forms that were scraped once are rendered at every evaluation from then on, so that a
    scrape only hands out bytes. May be used from several threads.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._snapshot = NOTHING
        self._pages: dict[Form, bytes] = {}

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    @property
    def size(self) -> int:
        """How many bytes the pages take in memory."""
        return sum(map(len, self._pages.values()))

    def publish(self, snapshot: Snapshot) -> None:
        """Render a snapshot in the forms in use, then show it."""
        pages = {form: render(snapshot, self._registry, form) for form in tuple(self._pages)}
        with self._lock:
            self._snapshot, self._pages = snapshot, pages

    def refresh(self) -> None:
        """Render the next scrape anew: no snapshot will come that brings the own metrics."""
        with self._lock:
            self._pages = {}

    def amend(self, change: Callable[[Snapshot], Snapshot]) -> None:
        """Show the snapshot with a change that does not wait for the next evaluation."""
        with self._lock:
            self._snapshot, self._pages = change(self._snapshot), {}

    def withdraw(self) -> None:
        """Show no SLO any more: what was known of them is out of date."""
        with self._lock:
            self._snapshot, self._pages = NOTHING, {}

    def page(self, form: Form) -> bytes:
        """The metrics in one form."""
        with self._lock:
            page = self._pages.get(form)
            if page is None:
                page = self._pages[form] = render(self._snapshot, self._registry, form)
            return page
