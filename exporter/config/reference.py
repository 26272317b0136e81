"""The references of the configuration files, written from the models.

`python -m exporter.config.reference > docs/config.md`,
`python -m exporter.config.reference web > docs/web-config.md` and
`python -m exporter.config.reference experiment > docs/experiment-file.md` bring the pages up to
date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo

from exporter.config.models import MainFile
from exporter.config.sections.experiment_section import ExperimentFile
from exporter.config.sections.web_section import WebFile
from exporter.config.types.fields import DURATION, Kind
from exporter.config.types.section import Section, keys, section_of
from exporter.slo.durations import format_duration
from exporter.slo.own_labels import INFO_LABELS, SERIES_LABELS

_INTRO = """\
# Configuration

One YAML file, named by `--config.file`. [`config.example.yaml`](../config.example.yaml) is a
file to start from. `error-budget-exporter check --config.file=config.yaml` names every
mistake in a file: file, line, key, and what would be right.

- Unknown keys and keys given twice are mistakes. A key without a value counts as absent.
- Values are read as text, as they are written: a label `version: 1.10` stays `1.10`.
- A duration is written as in Prometheus: `500ms`, `30s`, `1h30m`, `28d`, `4w`.
- A percent is a plain number: `99.9`.
- A vector selector is PromQL such as `http_requests_total{code=~"5.."}`. In YAML, quote one
  that begins with `{`, and any in which `#` follows a space.
- PromQL may be any expression with one value per series. It stays as it is written; `|` begins
  a block of several lines in YAML.
- A time is written as in RFC 3339: `2026-11-20T22:00:00Z`, `2026-11-20T23:00:00+01:00`, or
  without an offset where a `time_zone` is given beside it. A time zone is an IANA name.
- Paths are relative to the folder of the main file. Files named by `*_file` must be readable.
- Anchors, aliases and `<<` work as in YAML; other tags do not.
"""


def _names(labels: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(labels))


_OUTRO = f"""\
## Label names

`group_by` takes any Prometheus label name except those of the exporter's own metrics:
{_names(SERIES_LABELS)}.
`labels` stand on `slo_info` alone, and take any but {_names(INFO_LABELS)}.
"""

_WEB_INTRO = """\
# Web configuration

The file that `--web.config.file` names, in the format of the Prometheus exporter toolkit.
[web.md](web.md) says what it does, and where it differs from the toolkit.
"""

_EXPERIMENT_INTRO = """\
# The file of an experiment

What `error-budget-exporter experiment run` reads; [experiments.md](experiments.md) says what comes
of it. It is written as the [configuration](config.md) is. SLOs are those of the configuration, by
`service/name`. What is a part of something has its sign: `0.5%`.
"""

_PLAIN_KINDS: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
}


def render() -> str:
    """The whole page, in Markdown."""
    parts = [_INTRO, *_sections(MainFile, ""), _OUTRO]
    return "\n".join(parts)


def render_web() -> str:
    """The page of the web configuration."""
    return "\n".join([_WEB_INTRO, *_sections(WebFile, "")]).rstrip() + "\n"


def render_experiment() -> str:
    """The page of the file of an experiment."""
    return "\n".join([_EXPERIMENT_INTRO, *_sections(ExperimentFile, "")]).rstrip() + "\n"


def _sections(section: type[Section], path: str) -> Iterator[str]:
    """The section at a path, then those inside it."""
    heading = f"## `{path}`" if path else "## The file"
    description = (section.__doc__ or "").replace("\n    ", "\n")
    rows = [
        f"| `{name}` | {_kind(field)} | {_default(field)} | {field.description} "
        f"| {_example(field)} |"
        for name, field in keys(section).items()
    ]
    table = ["| key | type | default | meaning | example |", "|---|---|---|---|---|", *rows]
    yield "\n".join([heading, "", description.strip(), "", *table, ""])
    for name, field in section.model_fields.items():
        inner = section_of(field.annotation)
        if inner and get_origin(field.annotation) is not dict:  # those are sections told before
            items = "[]" if get_origin(field.annotation) is list else ""
            yield from _sections(inner, f"{path}.{name}{items}".lstrip("."))


def _kind(field: FieldInfo) -> str:
    own = [part.text for part in field.metadata if isinstance(part, Kind)]
    return own[-1] if own else _kind_of(field.annotation)


def _kind_of(annotation: Any) -> str:  # noqa: ANN401  (types have no common type)
    if section_of(annotation) and get_origin(annotation) is not dict:
        return "list of sections" if get_origin(annotation) is list else "section"
    arguments = [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) is Annotated:
        own = [part.text for part in arguments if isinstance(part, Kind)]
        return own[-1] if own else _kind_of(arguments[0])
    if get_origin(annotation) is list:
        return f"list of {_kind_of(arguments[0])}s"
    if get_origin(annotation) is dict:
        return f"map of {_kind_of(arguments[0])} to {_kind_of(arguments[1])}"
    return _kind_of(arguments[0]) if arguments else _PLAIN_KINDS[annotation]


def _default(field: FieldInfo) -> str:
    default = field.default
    if field.is_required():
        return "required"
    if isinstance(default, Section):
        return "as below"
    if default is None:
        return "none"
    if default in ([], {}, ""):
        return "empty"
    if DURATION in field.metadata:
        return f"`{format_duration(default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _example(field: FieldInfo) -> str:
    return f"`{field.examples[0]}`" if field.examples else ""


PAGES = {"web": render_web, "experiment": render_experiment}

if __name__ == "__main__":
    sys.stdout.write(PAGES.get("".join(sys.argv[1:]), render)())
