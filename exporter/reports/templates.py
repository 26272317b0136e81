"""The templates of reports: Jinja, sandboxed, which writes Markdown.

What an expression writes is escaped, so that no label, reason or name is markup. A team's own
templates take the place of ours by their names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cache
from importlib.resources import files
from types import TracebackType
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from exporter.errors import ConfigurationError
from exporter.reports import markdown
from exporter.reports.filters import FILTERS

FIRST, LAST = "\ue000", "\ue001"
"""Around the name of a chart in the text that becomes HTML. `markdown.escaped` leaves them out, so
nobody's text can hold them."""


class ReportTemplateError(ConfigurationError):
    """A template cannot be used; the text names its file and line."""


@dataclass(frozen=True, slots=True)
class TemplateText:
    """A template, and the file that it stands in, as messages name it."""

    file: str
    text: str = field(repr=False)


@cache
def own_templates() -> Mapping[str, TemplateText]:
    """The templates that are shipped, by name: `budget.md`."""
    folder = files("exporter.reports").joinpath("templates")
    return {
        each.name: TemplateText(each.name, each.read_text(encoding="utf-8"))
        for each in folder.iterdir()
        if each.name.endswith(".md")
    }


class Templates:
    """Ours, and those of a team, which are used instead where they have the same name.

    Names that begin with an underscore are parts, for `{% include %}` and `{% import %}`.
    """

    def __init__(self, replaced: Mapping[str, TemplateText] | None = None) -> None:
        self._texts = {**own_templates(), **(replaced or {})}
        self._files = {each.file for each in self._texts.values()}
        self._environment = ImmutableSandboxedEnvironment(
            loader=FunctionLoader(self._load),
            # Everything is Markup by then: HTML's escaping changes nothing.
            autoescape=True,
            finalize=markdown.output,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters |= FILTERS

    def _load(self, name: str) -> tuple[str, str, Any] | None:
        found = self._texts.get(name)
        return None if found is None else (found.text, found.file, lambda: True)

    def check(self) -> None:
        """Compile all of them.

        Raises:
            ReportTemplateError: one of them cannot be.
        """
        for name in self._texts:
            try:
                self._environment.get_template(name)
            except TemplateError as error:
                raise self._error(name, error) from error

    def write(
        self,
        name: str,
        values: Mapping[str, object],
        zone: tzinfo = UTC,
        charts: Collection[str] = (),
    ) -> str:
        """The Markdown of a report.

        Args:
            name: of the template, without `.md`.
            values: the variables of the template.
            zone: in which times are written.
            charts: the names of the charts that there are; `{{ chart("budget") }}` is where one
                stands, and nothing where there is none.

        Raises:
            ReportTemplateError: the template cannot be used.
        """

        def chart(wanted: str) -> Markup:
            there = wanted in charts
            return Markup(f"{FIRST}{wanted}{LAST}" if there else "")  # noqa: S704  (Markdown)

        file = f"{name}.md"
        try:
            template = self._environment.get_template(file)
            text = template.render({**values, "zone": zone, "chart": chart})
        except Exception as error:  # a team's template may fail in any way
            raise self._error(file, error) from error
        return _tidy(text)

    def _error(self, name: str, error: Exception) -> ReportTemplateError:
        found = self._texts.get(name)
        file, line = (found.file if found else name), None
        if isinstance(error, TemplateSyntaxError):
            file, line = error.filename or file, error.lineno
        else:
            for each, number in _frames(error.__traceback__):
                if each in self._files:
                    file, line = each, number
        place = file if line is None else f"{file}:{line}"
        return ReportTemplateError(f"{place}: {error}")


def _frames(trace: TracebackType | None) -> list[tuple[str, int]]:
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return frames


def _tidy(text: str) -> str:
    """No empty lines at both ends, nor more than one in a row; no spaces at ends of lines."""
    kept: list[str] = []
    fenced = False
    for line in (each.rstrip() for each in text.strip().splitlines()):
        fenced ^= line.startswith("```")
        if line or fenced or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept) + "\n"
