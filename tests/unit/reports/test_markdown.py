"""What others wrote stays text: in Markdown, in the HTML made of it, and in CSV."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.reports import markdown
from exporter.reports.tables import csv_text
from exporter.reports.templates import Templates, TemplateText
from exporter.web.pages.documents import document

EVIL = (
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](https://tracker.example.com/x.png)",
    "a | b | c",
    "`code` and ``more``",
    "**bold** _em_ ~~gone~~ __x__",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "===",
    "<https://example.com>",
    "&lt;b&gt; &#60;",
    "two\nlines\n\n# three",
    "\\",
    "a\\|b",
    "\u202eabc",
    "\ue000budget-0\ue001",
    "    indented",
    "*",
    "[a]: https://example.com",
)

PAGE = Templates(
    {
        "page.md": TemplateText(
            "page.md",
            "# {{ text }}\n\n{{ text }}\n\n- {{ text }}\n\n| a | b |\n|---|---|\n"
            "| {{ text }} | {{ text | linked }} |\n",
        )
    }
)


class Shape(HTMLParser):
    """The elements of a page, and the text of its cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.texts: list[str] = []
        self._open: list[int] = []
        self.feed(html.partition("<main")[2])

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._open.append(len(self.names))
        self.names.append(tag)
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if self._open and self.names[self._open[-1]] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]] += data


def elements(text: str) -> list[str]:
    return Shape(document(PAGE.write("page", {"text": text}))).names


PLAIN = elements("plain")


@pytest.mark.parametrize("text", EVIL)
def test_what_others_wrote_makes_no_element(text):
    """In a heading, a paragraph, a list and a cell."""
    assert elements(text) == PLAIN


@pytest.mark.parametrize("text", EVIL)
def test_what_others_wrote_is_shown_as_it_is(text):
    """But for line breaks, and characters that cannot be seen."""
    shape = Shape(document(PAGE.write("page", {"text": text})))
    shown = shape.texts[shape.names.index("h1")].strip()
    assert shown == markdown.one_line(text)
    cells = [x for name, x in zip(shape.names, shape.texts, strict=True) if name == "td"]
    assert cells[0].strip() == markdown.one_line(text)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_text_is_shown_as_it_is(text):
    """Whatever it is made of, if it is one line with something in it."""
    clean = markdown.one_line(text)
    if not clean:
        return
    shape = Shape(document(PAGE.write("page", {"text": f"x{clean}x"})))
    assert shape.texts[shape.names.index("p")].strip() == f"x{clean}x"


@pytest.mark.parametrize("text", ["slow_down", "-12%", "14.4x", "2026-10-03 14:05 UTC", "a & b"])
def test_plain_words_are_not_disfigured(text):
    """People read the Markdown itself, too."""
    assert markdown.escaped(text) == text


def test_a_link_leads_to_web_pages_alone():
    """Nothing that runs a script; what breaks a target is encoded."""
    assert markdown.link("x", "javascript:alert(1)") == "x"
    assert markdown.link("x", "https://e.com/(a)") == "[x](https://e.com/%28a%29)"
    assert markdown.link("a]b", "https://e.com") == "[a\\]b](https://e.com)"


@pytest.mark.parametrize("text", ["plain", "`", "``", "a`b``c", "a | b", "` | `"])
def test_code_is_shown_as_it_is(text):
    """Backticks and, in tables, bars included."""
    template = "{{ text | code }}\n\n| a |\n|---|\n| {{ text | code_cell }} |\n"
    templates = Templates({"c.md": TemplateText("c.md", template)})
    shape = Shape(document(templates.write("c", {"text": text})))
    assert [x for n, x in zip(shape.names, shape.texts, strict=True) if n == "code"] == [text, text]


def test_a_block_of_code_ends_where_it_should():
    """Also if it holds a fence."""
    templates = Templates({"c.md": TemplateText("c.md", "{{ text | block }}\n\nafter\n")})
    shape = Shape(document(templates.write("c", {"text": "a\n```\n# b\n````"})))
    assert shape.names.count("h1") == 0
    assert shape.texts[shape.names.index("code")] == "a\n```\n# b\n````\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", " =1", "|cmd"])
def test_no_cell_is_a_formula(text):
    """What a spreadsheet would run is led by an apostrophe."""
    [_, row] = csv.reader(io.StringIO(csv_text(["a"], [{"a": text}]), newline=""))
    assert row == [f"'{text}"]


def test_cells_are_what_they_are():
    """Numbers stay numbers, what is not known is empty, quotes are doubled."""
    row = {"a": -1.5, "b": None, "c": 'say "x", y', "d": 3.0, "e": float("nan"), "f": True}
    assert csv_text(list(row), [row]).split("\r\n")[1] == '-1.5,,"say ""x"", y",3,,true'
