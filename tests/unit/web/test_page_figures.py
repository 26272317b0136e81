"""How the pages write figures, and which of them may be green."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from exporter.slo.snapshot import Snapshot
from exporter.web.pages import formatting
from tests.helpers.browser.scenes import burning, calm, without_data
from tests.helpers.samples import every_window, slo, snapshot, status, subject
from tests.helpers.web.asked import Web
from tests.helpers.web.shown import history

EXTREMES = [
    (0.0, 1e6),
    (1.0, 1e9),
    (1e6, 1e6),
    (589_000.0, 1e6),
    (1e-9, 1e6),
    (3.0, 1e15),
    (123_456_789.0, 9e15),
]


def said(page: str) -> str:
    """What a reader of a page sees and is told: its text, titles and labels."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    labels = re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', body)
    return " ".join([*re.sub(r"<[^>]*>", " ", body).split(), *labels])


@pytest.mark.parametrize("view", ["/", "/?view=services", "/slo/auth/availability"])
@pytest.mark.parametrize(("bad", "total"), EXTREMES)
@pytest.mark.parametrize("percent", ["99.9999", "50", "0.001"])
def test_figures_are_written_as_people_write_them(view, bad, total, percent):
    """No exponents, no `0x`, no minus zero, and thousands are separated."""
    web = Web(snapshot((subject(slo(percent)), (bad, total, 1.0))))
    web.daemon.history = history(0.0, bad, total=max(total, bad))
    text = said(web.page(view))
    assert not re.findall(r"\d(?:\.\d+)?e[+-]?\d+", text)
    assert not re.findall(r"(?<![\d.])0x\b", text)
    assert not re.findall(r"-0(?:\.0+)?%", text)
    assert not re.findall(r"(?<![\d.,])\d{5,}(?:\.\d+)?(?:x|%)", text)
    assert not re.findall(r"\b(?:nan|inf)\b", text)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, "unknown"),
        (1.0, "100%"),
        (0.99999, "99.9%"),
        (0.625, "62.5%"),
        (0.0004, "less than 0.1%"),
        (0.0, "0%"),
        (-0.12, "-12%"),
        (-589.0, "-58,900%"),
    ],
)
def test_a_budget_is_whole_only_if_nothing_is_gone(ratio, text):
    """And spent only if nothing is left."""
    assert formatting.percent(ratio) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(None, "unknown"), (0.0, "0"), (0.004, "<0.01x"), (14.4, "14.4x"), (1000.0, "1,000x")],
)
def test_burn_rates_are_in_multiples(rate, text):
    """`0` alone needs none."""
    assert formatting.rate(rate) == text


def green(shot: Snapshot, path: str) -> list[str]:
    """What is green on a page."""
    web = Web(shot)
    web.daemon.history = history(0.0, 0.0)
    page = web.page(path).partition('aria-labelledby="policy"')[0]  # which lists all tiers
    return re.findall(r'<\w+ class="(?:tier )?allow"', page)


@pytest.mark.parametrize("path", ["/", "/?view=services", "/slo/auth/availability"])
@pytest.mark.parametrize("known", [0.0001, 0.04, 0.3, 0.6, 0.89])
def test_what_stands_on_little_is_never_green(path, known):
    """Neither pill nor bar nor line nor chip; nor is what is no longer measured."""
    assert green(snapshot((subject(slo()), (0.0, 1e6, 1.0))), path)
    assert not green(snapshot((subject(slo()), (0.0, 1e6, known))), path)
    ended = dict.fromkeys(("5m", "30m", "1h"), (0.0, 0.0, 0.0))
    of = subject(slo())
    assert not green(snapshot((of, every_window(slo(), (0.0, 1e6, 1.0)) | ended)), path)
    assert not green(snapshot((subject(slo(), answered=False), (0.0, 1e6, 1.0))), path)


@pytest.mark.parametrize("path", ["/", "/?view=services"])
def test_what_pages_is_never_green(path):
    """Even while most of its budget is left."""
    fires = every_window(slo(), (400.0, 1e4, 1.0), period=(340.0, 1e6, 1.0))
    assert status(subject(slo()), fires).tier.name == "normal"
    assert not green(snapshot((subject(slo()), fires)), path)


def test_a_chip_is_green_if_all_that_it_counts_may_be():
    """One SLO of a tier that is little known takes the colour away."""
    chips = r'aria-label="Tiers".*?<span class="tier (\w+)">normal</span>\s*<b>(\d)'
    assert re.search(chips, Web(calm()).page(), re.DOTALL).groups() == ("allow", "6")
    assert re.search(chips, Web(without_data()).page(), re.DOTALL).groups() == ("none", "5")
    assert re.search(chips, Web(burning()).page(), re.DOTALL)[1] == "caution"


@pytest.mark.parametrize("path", ["/", "/slo/auth/availability"])
@pytest.mark.parametrize("known", [0.0, 0.01, 0.5])
def test_coverage_is_said_once(path, known):
    """Beside the state of the data, whatever else hangs on it."""
    text = said(Web(snapshot((subject(slo()), (0.0, 1e6, known)))).page(path))
    text = text.partition("Review")[0]
    assert len(re.findall(r"(?:%|nothing) of the period is known", text)) == 1


def test_while_a_page_fires_no_row_says_that_releases_are_fine():
    """The tier's guidance gives way to what the gate says."""
    page = Web(burning()).page("/?q=availability")
    assert "caution with deploys while a page fires" in page
    relaxed = burning()
    slos = tuple(
        replace(one, slo=replace(one.slo, policy=replace(one.slo.policy, while_paging="block")))
        for one in relaxed.slos
    )
    assert "block with deploys" not in Web(relaxed).page()
    assert "block with deploys" in Web(replace(relaxed, slos=slos)).page()
