"""The runbooks that the daemon shows: those of docs/operating.md."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from dev.runbooks import build
from exporter.rules.rule import RuleOptions
from exporter.rules.writing import groups
from tests.helpers.web.asked import Web

CONTENT = groups(RuleOptions(starter=True))["groups"]
ALERTS = sorted(rule["alert"] for group in CONTENT for rule in group["rules"])


def test_what_is_shipped_is_what_the_docs_say():
    """Made by `make runbooks`; found as installed data, so a wheel has it."""
    folder = files("exporter.web.pages").joinpath("runbooks")
    assert {file.name: file.read_text() for file in folder.iterdir()} == build()


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_page(name):
    """With what it means and what to do, and no link that leads nowhere."""
    web = Web()
    found = web.ask(f"/runbooks/{name}")
    assert found.status_code == 200
    assert f"<h1>{name}</h1>" in found.text
    assert "<strong>Meaning.</strong>" in found.text
    for path in set(re.findall(r"<article.*?</article>", found.text, re.DOTALL)):
        for link in re.findall(r'href="([^"]+)"', path):
            assert web.ask(link).status_code == 200, link


def test_they_are_listed_and_linked_from_every_page():
    """By their names."""
    web = Web()
    listed = re.findall(r'href="/runbooks/(\w+)"', web.ask("/runbooks").text)
    assert listed == ALERTS
    assert '<a href="/runbooks">runbooks</a>' in web.ask("/").text


def test_another_name_is_not_found():
    """And does no harm; the list helps on."""
    found = Web().ask("/runbooks/<script>alert(1)<script>")
    assert found.status_code == 404
    assert "<script>alert" not in found.text
    assert "/runbooks/ErrorBudgetBurnPage" in found.text
