"""A report as one HTML file: nothing has to be fetched for it, and it prints."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from exporter.reports.templates import FIRST, LAST
from exporter.web.pages.charts import Chart, Lane


@cache
def _style() -> str:
    folder = files("exporter.web.pages").joinpath("static")
    names = ("style.css", "document.css")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("exporter.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _template() -> Template:
    return _environment().get_template("document.html")


@cache
def headers() -> Mapping[str, str]:
    """What a browser may do with a document: apply its own style, and nothing else."""
    digest = base64.b64encode(sha256(_style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return {"Content-Security-Policy": policy}


def chart_svg(chart: Chart, lanes: list[Lane] | None = None, span: str = "") -> str:
    """A chart as a figure of HTML, with the lanes of marks above it; `span` says of what time."""
    shapes = _environment().get_template("shapes.html").module
    return str(shapes.chart(chart, lanes or [], span))  # type: ignore[attr-defined]  # Jinja's own


def document(text: str, charts: Mapping[str, str] | None = None) -> str:
    """The HTML of a Markdown text.

    Args:
        text: what `Templates.write` gives. Raw HTML in it is shown as text.
        charts: HTML of the charts that stand in it, by name.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = markdown.parse(text)
    heading = next((at for at, each in enumerate(tokens) if each.type == "heading_open"), None)
    title = _plain(tokens[heading + 1]) if heading is not None else "Report"
    for token in tokens:
        _without_style(token)
    body = markdown.renderer.render(tokens, markdown.options, {})
    for name, drawn in (charts or {}).items():
        body = body.replace(f"<p>{FIRST}{name}{LAST}</p>", drawn)
        body = body.replace(f"{FIRST}{name}{LAST}", drawn)
    body = body.replace(FIRST, "").replace(LAST, "")
    return _template().render(
        title=title,
        style=Markup(_style()),  # noqa: S704  (our own file)
        body=Markup(body),  # noqa: S704  (made by the renderer, which escapes)
    )


def _plain(inline: Token) -> str:
    """The text of a heading without its markup."""
    return "".join(each.content for each in inline.children or ()) or inline.content


def _without_style(token: Token) -> None:
    """Columns of figures as a class: a document allows no inline style."""
    style = token.attrs.pop("style", None)
    if style is not None and "right" in str(style):
        token.attrSet("class", "number")
