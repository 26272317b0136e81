"""The overview by service."""

from __future__ import annotations

import re

from exporter.web.pages.folds import MOST_SHOWN, SERVICES
from tests.helpers.browser.scenes import burning, many
from tests.helpers.samples import slo, snapshot, subject
from tests.helpers.web.asked import Web


def titles(page: str) -> list[str]:
    """What each fold says while it is closed, as text."""
    found = re.findall(r"<summary>(.*?)</summary>", page.partition('class="folds"')[2], re.DOTALL)
    return [" ".join(re.sub("<[^>]*>", " ", each).split()) for each in found]


def test_a_service_is_shown_with_its_worst_slo():
    """What burns in its sentence, and how many SLOs of what kind there are; the worst first."""
    found = titles(Web(burning()).page("/?view=services"))
    assert [each.split()[0] for each in found] == ["checkout", "auth", "search", "mail"]
    assert found[0] == (
        "checkout incident latency: 20% of requests are slower than 300ms, 1% allowed; 10% of the "
        "budget is left, 3.17% goes every 10 minutes; since 22:03 UTC 2 SLOs paging 2"
    )
    assert found[2].endswith("2 SLOs without data 1")
    assert found[3] == "mail normal delivery: 99.9% left, lasts at this rate 1 SLO"


def test_the_worst_slo_is_the_worst_whatever_the_order():
    """The order is that of the services and of the SLOs within, filtered or not."""
    page = Web(burning()).page("/?view=services&sort=name")
    found = titles(page)
    assert [each.split()[0] for each in found] == ["auth", "checkout", "mail", "search"]
    assert found[1].startswith("checkout incident latency: 20%")
    assert page.index("</span> availability</a>") < page.index("</span> latency</a>")
    [found] = titles(Web(burning()).page("/?view=services&sort=name&q=checkout"))
    assert found.startswith("checkout incident latency: 20%")


def test_filters_are_for_the_slos_within():
    """The worst is the worst of those that match."""
    page = Web(burning()).page("/?view=services&q=availability")
    assert [each.split()[0:3:2] for each in titles(page)] == [
        ["checkout", "availability:"],
        ["search", "availability:"],
    ]
    assert "2 of 6 SLOs" in page


def test_services_are_paged_and_their_slos_bounded():
    """However many there are; a link leads to all of a service's."""
    web = Web(many(services=SERVICES + 5, each=MOST_SHOWN + 2))
    first, second = web.page("/?view=services"), web.page("/?view=services&page=2")
    assert (len(titles(first)), len(titles(second))) == (SERVICES, 5)
    assert first.count('<th scope="row">') == SERVICES * MOST_SHOWN
    assert f"Services, 1 to {SERVICES} of {SERVICES + 5}; worst first" in first
    assert '<a href="/?view=services&amp;page=2" rel="next">' in first
    assert f'">All {MOST_SHOWN + 2} SLOs of service-029</a>' in first
    assert '<a href="/?service=service-029">' in first


def test_a_service_of_any_name_is_a_fold():
    """Names are text."""
    name = '"><script>'
    page = Web(snapshot((subject(slo(service=name)), (0.0, 1e6, 1.0)))).page("/?view=services")
    assert 'data-fold="&#34;&gt;&lt;script&gt;"' in page
