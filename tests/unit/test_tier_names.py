"""A tier's name is a label's value, `slow_down`; people read "slow down". Each in its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.slo.gate import decide
from exporter.web.api.openapi import document
from tests.helpers.paths import ROOT
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.asked import Web
from tests.helpers.web.shown import SPENT, shot

VALUE = re.compile(r"slow_down")
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]
DASHBOARDS = sorted((ROOT / "exporter/dashboards").glob("*.json"))
READ = {"title", "description", "text", "label", "displayName", "legendFormat", "noValue"}
"""Keys of a dashboard whose values people read."""


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_in_documents_the_value_is_code(file: Path):
    """And nothing but code."""
    prose = re.sub(r"```.*?```|^    .*?$|`[^`]*`", "", file.read_text(), flags=re.DOTALL | re.M)
    assert not VALUE.search(prose)


@pytest.mark.parametrize("path", ["/", "/?view=services", "/slo/auth/availability"])
def test_pages_say_it_in_words(path: str):
    """The value is in URLs and in what a form sends, which nobody reads."""
    text = re.sub(r"<[^>]*>", " ", Web(shot()).page(path))
    assert "slow down" in text
    assert not VALUE.search(text)


def test_the_gate_says_it_in_words():
    """Its sentence is for people; the key beside it has the value."""
    found = decide(snapshot((subject(slo()), SPENT)), "auth", now=AT)
    assert found.slos[0].why.startswith("In tier slow down: ")
    assert found.slos[0].tier == "slow_down"


def texts(value: Any, key: str = "") -> Iterator[str]:
    """What people read of a dashboard or of the API's document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, key)
    elif isinstance(value, str) and key in READ:
        yield value


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
def test_dashboards_say_it_in_words(file: Path):
    """Wherever the value is shown there is a text for it."""
    content = json.loads(file.read_text())
    assert not [text for text in texts(content) if VALUE.search(text)]
    if VALUE.search(file.read_text()):
        assert "slow down" in set(texts(content))


def test_the_apis_document_says_it_in_words():
    """Its descriptions are read, its examples are values."""
    described = [re.sub(r"`[^`]*`", "", text) for text in texts(document("1.2.3"))]
    assert not [text for text in described if VALUE.search(text)]
