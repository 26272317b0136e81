"""The publisher: pages rendered once per evaluation, in the form that was asked for."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
)

from exporter.exposition.publisher import Form, Publisher, negotiate
from tests.helpers.exposition.stuck import PATIENCE, Stuck
from tests.helpers.samples import slo, snapshot, subject

TEXT = Form(openmetrics=False, gzipped=False)
OPENMETRICS = Form(openmetrics=True, gzipped=False)
GZIPPED = Form(openmetrics=False, gzipped=True)
ALL = [TEXT, OPENMETRICS, GZIPPED, Form(openmetrics=True, gzipped=True)]

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def shot(name: str = "availability"):
    return snapshot((subject(slo(name=name)), (1.0, 100.0, 1.0)))


@pytest.fixture
def registry() -> CollectorRegistry:
    disable_created_metrics()
    return CollectorRegistry()


@pytest.fixture
def publisher(registry) -> Publisher:
    return Publisher(registry)


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accept", "openmetrics"),
        [
            ("", False),
            ("*/*", False),
            ("text/plain", False),
            ("text/html,application/xhtml+xml,*/*;q=0.8", False),
            ("text/plain;version=0.0.4", False),
            ("application/openmetrics-text", True),
            ("application/openmetrics-text;version=1.0.0", True),
            (PROMETHEUS, True),
            ("nonsense;;;q=", False),
        ],
    )
    def test_openmetrics_is_for_those_who_ask_for_it(self, accept, openmetrics):
        """Everybody else gets the text format."""
        assert negotiate(accept, "").openmetrics is openmetrics

    @pytest.mark.parametrize(
        ("coding", "gzipped"),
        [
            ("", False),
            ("identity", False),
            ("gzip", True),
            ("br, gzip;q=0.8", True),
            ("deflate,gzip", True),
            ("x-gzipped", False),
            ("gzip;q=0", False),
            ("identity;q=1, gzip;q=0.0", False),
        ],
    )
    def test_gzip_is_for_those_who_take_it(self, coding, gzipped):
        """A quality of 0 means that it is not taken."""
        assert negotiate("", coding).gzipped is gzipped

    def test_content_types(self):
        """With the version that each format is written in."""
        assert TEXT.content_type == "text/plain; version=0.0.4; charset=utf-8"
        assert OPENMETRICS.content_type == (
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        )
        assert GZIPPED.content_type == TEXT.content_type


class TestPublishing:
    @pytest.mark.parametrize("form", ALL)
    def test_a_scrape_hands_out_the_bytes_of_the_last_evaluation(self, publisher, form):
        """They are made once: two scrapes get the very same object, until the next evaluation."""
        publisher.publish(shot())
        first = publisher.page(form)
        assert publisher.page(form) is first
        publisher.publish(shot("latency"))
        second = publisher.page(form)
        assert second != first
        assert publisher.page(form) is second

    def test_a_form_in_use_is_rendered_before_it_is_scraped(self, publisher, registry):
        """A scrape does not wait for rendering, and its figures are those of the evaluation."""
        gauge = Gauge("figure", "A figure.", registry=registry)
        publisher.page(TEXT)
        gauge.set(1)
        publisher.publish(shot())
        gauge.set(2)
        assert b"figure 1.0" in publisher.page(TEXT)
        assert b"figure 2.0" in publisher.page(OPENMETRICS)

    def test_gzipped_pages_hold_the_same(self, publisher):
        """Compression changes nothing."""
        publisher.publish(shot())
        assert gzip.decompress(publisher.page(GZIPPED)) == publisher.page(TEXT)
        assert gzip.decompress(publisher.page(ALL[3])) == publisher.page(OPENMETRICS)

    def test_openmetrics_ends_with_its_mark_alone(self, publisher, registry):
        """Once, at the end, though the page is made of two parts."""
        Counter("things", "Things.", registry=registry)
        publisher.publish(shot())
        page = publisher.page(OPENMETRICS)
        assert page.endswith(b"\n# EOF\n")
        assert page.count(b"# EOF") == 1
        assert b"things_total 0.0\n# HELP slo_info" in page
        assert b"# EOF" not in publisher.page(TEXT)

    def test_before_the_first_evaluation_there_are_no_slos(self, publisher):
        """The page is there, and empty of them."""
        assert b"slo_info{" not in publisher.page(TEXT)
        assert publisher.snapshot.slos == ()

    def test_it_shows_the_newest_snapshot(self, publisher):
        """The page and the metrics come from the same one."""
        newest = shot()
        publisher.publish(newest)
        assert publisher.snapshot is newest

    def test_threads_may_scrape_while_it_publishes(self, publisher):
        """Every page is whole, and of one snapshot."""
        names = [f"name{i}" for i in range(20)]

        def scrape(i: int) -> bytes:
            return publisher.page(ALL[i % 2])

        with ThreadPoolExecutor(4) as pool:
            pages = [pool.submit(scrape, i) for i in range(100)]
            for name in names:
                publisher.publish(shot(name))
            for page in pages:
                held = {name for name in names if f'slo="{name}"'.encode() in page.result()}
                assert len(held) <= 1
        assert b'slo="name19"' in publisher.page(TEXT)


@pytest.fixture
def stuck(registry) -> Iterator[Stuck]:
    collector = Stuck()
    registry.register(collector)
    yield collector
    collector.released.set()


class TestWhileAPageIsRendered:
    @pytest.mark.parametrize(
        "act",
        [
            lambda publisher: publisher.amend(lambda _: shot("latency")),
            Publisher.withdraw,
            Publisher.refresh,
        ],
        ids=["amend", "withdraw", "refresh"],
    )
    def test_nobody_else_waits(self, publisher, stuck, act: Callable[[Publisher], None]):
        """The event loop does these, and must not stand still for a scrape."""
        publisher.publish(shot())
        with ThreadPoolExecutor(2) as pool:
            scrape = pool.submit(publisher.page, TEXT)
            assert stuck.reached.wait(PATIENCE)
            done = pool.submit(act, publisher)
            try:
                done.result(PATIENCE)
                assert not scrape.done()
            finally:
                stuck.released.set()
        assert b'slo="availability"' in scrape.result()

    def test_an_amendment_is_made_to_what_is_shown_by_then(self, publisher):
        """One that began before a new snapshot came does not bring the old one back."""

        def change(snapshot):
            if snapshot is first:
                publisher.publish(second)
            return replace(snapshot, at=snapshot.at + 1)

        first, second = shot(), shot("latency")
        publisher.publish(first)
        publisher.amend(change)
        assert publisher.snapshot == replace(second, at=second.at + 1)

    def test_a_form_stays_in_use_after_an_amendment(self, publisher, registry):
        """The next evaluation renders it, as if there had been no amendment."""
        gauge = Gauge("figure", "A figure.", registry=registry)
        publisher.page(TEXT)
        publisher.refresh()
        gauge.set(1)
        publisher.publish(shot())
        gauge.set(2)
        assert b"figure 1.0" in publisher.page(TEXT)


class TestWithdrawing:
    def test_what_is_out_of_date_is_shown_no_more(self, publisher):
        """In every form that was scraped before, and on the page."""
        pages = [publisher.page(form) for form in ALL]
        publisher.publish(shot())
        assert b"slo_burn_rate{" in publisher.page(TEXT)
        publisher.withdraw()
        assert [publisher.page(form) for form in ALL] == pages
        assert publisher.snapshot.slos == ()
