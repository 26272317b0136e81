"""The `reports` section of the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo

from exporter.config.errors import quoted
from exporter.config.types.fields import Kind, not_blank, printable, surroundings
from exporter.config.types.section import Section
from exporter.config.unreadable import why
from exporter.reports.templates import (
    ReportTemplateError,
    Templates,
    TemplateText,
    own_templates,
)

SUFFIX = ".md"


def _templates(value: object, info: ValidationInfo) -> object:
    if isinstance(value, Mapping) and not value:
        return value  # the default: a file holds text
    if not isinstance(value, str):
        raise ValueError("must be the path of a folder")
    folder = surroundings(info).folder / printable(not_blank(value))
    found = _read(folder)
    known = own_templates()
    for name in found:
        if name not in known and not name.startswith("_"):
            raise ValueError(
                f"{quoted(name)} is of no report: known are "
                f"{', '.join(each for each in sorted(known) if not each.startswith('_'))}; "
                "parts of templates begin with an underscore"
            )
    try:
        Templates(found).check()
    except ReportTemplateError as error:
        raise ValueError(f"cannot be used: {error}") from error
    return found


def _read(folder: Path) -> dict[str, TemplateText]:
    try:
        files = sorted(each for each in folder.iterdir() if each.suffix == SUFFIX)
        found = {
            each.name: TemplateText(str(each), each.read_text(encoding="utf-8")) for each in files
        }
    except OSError as error:
        at = Path(str(error.filename or folder))
        raise ValueError(f"{quoted(at.name)} cannot be read: {why(at, error)}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"a file in {quoted(folder.name)} is not UTF-8 text") from error
    if not found:
        raise ValueError(f"{quoted(folder.name)} holds no template: they end with {SUFFIX}")
    return found


TemplateFolder = Annotated[
    dict[str, TemplateText], BeforeValidator(_templates), Kind("path of a folder")
]


class ReportsSection(Section):
    """How reports are written."""

    templates: TemplateFolder = Field(
        default={},
        description=(
            "Folder with templates of your own (`budget.md`, `postmortem.md`, ...), which take "
            "the place of ours by their names; Jinja that writes Markdown."
        ),
        examples=["templates"],
    )
