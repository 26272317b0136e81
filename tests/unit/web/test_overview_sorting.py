"""The order of the overview's rows: by its columns, in the URL."""

from __future__ import annotations

import re

import pytest

from exporter.slo.snapshot import Snapshot
from exporter.web.pages.overview import PAGE, Overview
from exporter.web.pages.sorting import COLUMNS, Order
from tests.helpers.samples import every_window, slo, snapshot, subject
from tests.helpers.web.asked import Web

PERIOD = (0.0, 1e6, 1.0)


def some() -> Snapshot:
    """Four SLOs that every column puts in another order; of one nothing is known."""
    quick = every_window(slo(), (2.0, 1e4, 1.0), period=(100.0, 1e6, 1.0))
    slow = every_window(slo(), (1.0, 1e4, 1.0), period=(900.0, 1e6, 1.0), **{})
    slow = dict(slow) | {"6h": (9.0, 1e4, 1.0)}
    return snapshot(
        (subject(slo(service="web", name="quick")), quick),
        (subject(slo(service="api", name="slow")), slow),
        (subject(slo(service="web", name="calm")), every_window(slo(), PERIOD, period=PERIOD)),
        (subject(slo(service="api", name="gone")), (0.0, 0.0, 0.0)),
    )


def rows(page: str) -> list[str]:
    """The SLOs of the table, from top to bottom."""
    return re.findall(r'<th scope="row"><a [^>]*><span class="service">\w+</span> ([\w-]+)', page)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["slow", "quick", "calm", "gone"]),
        ("name", ["gone", "slow", "calm", "quick"]),
        ("-name", ["quick", "calm", "slow", "gone"]),
        ("budget", ["slow", "quick", "calm", "gone"]),
        ("-budget", ["calm", "quick", "slow", "gone"]),
        ("-burn_1h", ["quick", "slow", "calm", "gone"]),
        ("burn_1h", ["calm", "slow", "quick", "gone"]),
        ("-burn_6h", ["slow", "quick", "calm", "gone"]),
        ("-tier", ["slow", "quick", "calm", "gone"]),
        ("tier", ["quick", "calm", "slow", "gone"]),
        ("outlook", ["slow", "quick", "calm", "gone"]),
        ("-alerts", ["gone", "slow", "quick", "calm"]),
        ("no such", ["slow", "quick", "calm", "gone"]),
    ],
)
def test_rows_are_in_the_order_that_the_url_asks_for(sort, expected):
    """What is unknown comes last in either direction; equal ones stay worst first."""
    assert rows(Web(some()).page(f"/?sort={sort}")) == expected


def test_a_heading_leads_to_its_order_and_back():
    """First to the column's worst end, then to the other; `aria-sort` tells which it is."""
    web = Web(some())
    assert 'aria-sort="' not in web.page()
    for name, column in COLUMNS.items():
        heading = re.compile(rf'<th [^>]*?(?:aria-sort="(\w+)")?><a href="([^"]*)">{column.title}<')
        _, url = heading.findall(web.page())[0]
        begin = "descending" if column.falling else "ascending"
        assert url == f"/?sort={'-' if column.falling else ''}{name}"
        page = web.page(url)
        assert page.count("aria-sort=") == 1
        aria, back = heading.findall(page)[0]
        assert aria == begin
        assert {aria, heading.findall(web.page(back))[0][0]} == {"ascending", "descending"}


def test_the_order_goes_with_filters_pages_and_views():
    """And the other way round; a new order begins on its first page."""
    many = [(subject(slo(name=f"slo-{i:03}")), (float(i), 1e6, 1.0)) for i in range(2 * PAGE)]
    page = Web(snapshot(*many)).page("/?q=slo&sort=-name&page=2")
    assert rows(page)[0] == f"slo-{PAGE - 1:03}"
    assert '<a href="/?q=slo&amp;sort=-name&amp;page=1" rel="prev">' in page
    assert '<a href="/?q=slo&amp;sort=name">Service and SLO</a>' in page
    assert '<a href="/?q=slo&amp;view=services&amp;sort=-name">By service</a>' in page
    assert '<a href="/?q=slo">worst first</a>' in page
    assert '<a href="/?sort=-name">Clear</a>' in page
    assert '<option value="-name" selected>Service and SLO, from high to low</option>' in page


def test_each_order_is_made_once_for_a_snapshot():
    """Ten thousand SLOs are not sorted for every reader."""
    overview = Overview(some())
    order = Order.parse("-burn_1h")
    assert overview.sorted_by(order) is overview.sorted_by(Order("burn_1h", falling=True))
