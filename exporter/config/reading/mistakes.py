"""What pydantic finds wrong, in the words of the file's users."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import ValidationError

from exporter.config.errors import LONGEST_KEY, MOST_TOLD, Mistake
from exporter.config.reading.source import Document
from exporter.config.types.fields import PARENT
from exporter.config.types.section import Section, keys, section_of
from exporter.marked import KeyPath

_WORDS = {
    "missing": "is required",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number that is not infinite",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "value_error": "{error}",
    PARENT: "{message}",
}


def mistakes_of(
    error: ValidationError, section: type[Section], document: Document
) -> Iterator[Mistake]:
    """Every mistake of a document that was validated as a section."""
    for number, detail in enumerate(error.errors(include_url=False, include_input=False)):
        path: KeyPath = detail["loc"]
        kind = detail["type"]
        if kind == "extra_forbidden":
            # To look for the nearest name takes time, and nobody reads so many.
            message = "unknown key"
            if number < MOST_TOLD:
                message = _unknown(str(path[-1]), _section_at(section, path[:-1]))
        elif kind == "model_type":
            known = ", ".join(keys(_section_at(section, path)))
            message = f"must be a mapping with keys among {known}"
        else:
            if kind == PARENT or path[-1:] == ("[key]",):
                path = path[:-1]
            message = _WORDS[kind].format(**detail.get("ctx", {}))
        yield document.mistake(path, message)


def _unknown(key: str, section: type[Section]) -> str:
    known = list(keys(section))
    close = get_close_matches(key[:LONGEST_KEY], known, n=1)
    if close:
        return f"unknown key, did you mean {close[0]}?"
    return f"unknown key, known here: {', '.join(known)}"


def _section_at(section: type[Section], path: KeyPath) -> type[Section]:
    named = False
    for part in path:
        if named or isinstance(part, int):  # a name or an index leads to one of several alike
            named = False
            continue
        annotation: Any = section.model_fields[part].annotation
        inner: Any = section_of(annotation)
        named = get_origin(annotation) is dict
        section = inner
    return section
