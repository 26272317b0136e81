"""What all sections of the configuration file have in common."""

from __future__ import annotations

from typing import Any, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator
from pydantic.fields import FieldInfo

from exporter.config.types.fields import wrong_parent

Value = TypeVar("Value")


class Section(BaseModel):
    """A mapping of the file. Its docstring and its fields' descriptions are the reference."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Pydantic copies defaults for every section that has one; nothing of a section changes.
        return self

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_absent(cls, data: object) -> object:
        # `labels:` with its entries commented out is the same as no labels.
        if not isinstance(data, dict):
            return data
        known = keys(cls)
        return {key: value for key, value in data.items() if value is not None or key not in known}


def keys(section: type[Section]) -> dict[str, FieldInfo]:
    """The fields of a section by their keys in the file, some of which are words of Python's."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def section_of(annotation: object) -> type[Section] | None:
    """The section that a field's type is made of (`Section | None`, `list[Section]`), if any."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next(filter(None, map(section_of, get_args(annotation))), None)


def given(info: ValidationInfo, key: str) -> bool:
    """Whether a key declared before the validated one is in the file."""
    # A key that failed its own validation is missing from `info.data`, but was given.
    return info.data.get(key, "failed") is not None


def not_with(value: Value, info: ValidationInfo, *others: str) -> Value:
    """Check that none of the other keys declared before the validated one is in the file."""
    for other in others:
        if other == info.field_name:
            break
        if value is not None and given(info, other):
            raise ValueError(f"must not be combined with {other}: remove one of the two")
    return value


def exactly_one(value: object, info: ValidationInfo, *others: str) -> None:
    """Check, in the validator of the last of several keys, that exactly one of them is given."""
    found = [key for key in others if given(info, key)]
    if value is not None:
        found.append(str(info.field_name))
    if len(found) == 1:
        return
    if len(others) == 1:
        problem = "not both" if found else "neither is there"
    else:
        problem = f"not {' and '.join(found)}" if found else "none is given"
    wrong_parent(f"needs exactly one of {', '.join(others)} and {info.field_name}: {problem}")
