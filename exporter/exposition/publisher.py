"""The metrics page: rendered once per evaluation, served as bytes."""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS_TYPE
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_latest

from exporter.exposition.page_cache import PageCache
from exporter.exposition.selection import EVERYTHING, Selection
from exporter.slo.snapshot import Snapshot

GZIP_FORMAT = 16 + zlib.MAX_WBITS
"""For zlib: with a gzip header and trailer."""

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
        return OPENMETRICS_TYPE if self.openmetrics else CONTENT_TYPE_PLAIN_0_0_4


def negotiate(accept: str, accept_encoding: str) -> Form:
    """Choose the form that a scraper asked for."""
    _, content_type = choose_encoder(accept)
    return Form(
        "openmetrics" in content_type, any(map(_GZIP.fullmatch, accept_encoding.split(",")))
    )


def own_metrics(registry: CollectorRegistry, *, openmetrics: bool) -> str:
    """The exporter's own metrics, as text."""
    # Version 1.0 of OpenMetrics: all names are plain, so nothing of 2.0 is needed.
    own = (openmetrics_latest if openmetrics else generate_latest)(registry)
    return own.decode().removesuffix("# EOF\n")


NOTHING = Snapshot(at=0, slos=(), services=())
"""What is shown before the first evaluation."""


class _Shown:
    """One snapshot and its pages, each rendered at most once.

    Only those who want a page wait for its rendering; the snapshot is immutable.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        registry: CollectorRegistry,
        selection: Selection,
        cache: PageCache,
    ) -> None:
        self.snapshot = snapshot
        self._selection = selection
        self._registry = registry
        self._cache = cache
        self._rendering = threading.Lock()
        self._pages: dict[Form, bytes] = {}

    @property
    def size(self) -> int:
        return sum(map(len, tuple(self._pages.values())))

    def rendered(self, form: Form) -> bytes | None:
        return self._pages.get(form)

    def page(self, form: Form) -> bytes:
        page = self._pages.get(form)
        if page is None:
            with self._rendering:
                page = self._pages.get(form)
                if page is None:
                    page = self._pages[form] = self._render(form)
        return page

    def _render(self, form: Form) -> bytes:
        if not form.gzipped:
            gzipped = self._pages.get(Form(form.openmetrics, gzipped=True))
            # Unpacking takes a tenth of the time of writing all of it.
            return zlib.decompress(gzipped or self._gzipped(form), GZIP_FORMAT)
        return self._gzipped(form)

    def _gzipped(self, form: Form) -> bytes:
        own = own_metrics(self._registry, openmetrics=form.openmetrics)
        return self._cache.render(own, self.snapshot, self._selection, openmetrics=form.openmetrics)


class Publisher:
    """Holds the newest snapshot and its pages.

    The forms that were scraped once are rendered at every evaluation from then on, so that a
    scrape only hands out bytes. May be used from several threads: `publish` and `page` may render,
    which takes seconds for thousands of SLOs; nothing else waits for them. `selection` says which
    series the pages have that are rendered from now on.
    """

    def __init__(self, registry: CollectorRegistry, selection: Selection = EVERYTHING) -> None:
        self._registry = registry
        self.selection = selection
        self._swapping = threading.Lock()  # around assignments alone
        self._forms: frozenset[Form] = frozenset()
        self._cache = PageCache()
        self._shown = self._show(NOTHING)

    def _show(self, snapshot: Snapshot) -> _Shown:
        return _Shown(snapshot, self._registry, self.selection, self._cache)

    @property
    def snapshot(self) -> Snapshot:
        """The newest snapshot."""
        return self._shown.snapshot

    @property
    def size(self) -> int:
        """How many bytes the pages take in memory."""
        return self._shown.size

    def publish(self, snapshot: Snapshot) -> None:
        """Render a snapshot in the forms in use, then show it."""
        shown = self._show(snapshot)
        for form in self._forms:
            shown.page(form)
        with self._swapping:
            self._shown = shown

    def amend(self, change: Callable[[Snapshot], Snapshot]) -> None:
        """Show the snapshot with a change that does not wait for the next evaluation.

        `change` is called again if another snapshot was published meanwhile.
        """
        while True:
            shown = self._shown
            changed = self._show(change(shown.snapshot))
            with self._swapping:
                if self._shown is shown:
                    self._shown = changed
                    return

    def refresh(self) -> None:
        """Render the next scrape again: our own metrics changed, and no snapshot will follow."""
        self.amend(lambda snapshot: snapshot)

    def withdraw(self) -> None:
        """Show no SLO any more: what was known of them is out of date."""
        self.amend(lambda _: NOTHING)

    def rendered(self, form: Form) -> bytes | None:
        """The metrics in one form, if they are there without any work."""
        return self._shown.rendered(form)

    def page(self, form: Form) -> bytes:
        """The metrics in one form."""
        if form not in self._forms:
            with self._swapping:
                self._forms |= {form}
        return self._shown.page(form)
