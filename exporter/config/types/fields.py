"""The types of single values in the file: from text to what the program works with.

Each type carries its `Kind`, the words that the reference uses for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NoReturn, cast

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from exporter.config.errors import quoted
from exporter.prometheus.parsing import check_length
from exporter.prometheus.selectors import parse_selector
from exporter.slo.durations import format_duration, parse_duration
from exporter.slo.model import DEFAULT_DATASOURCE, Objective
from exporter.slo.own_labels import INFO_LABELS, SERIES_LABELS

PARENT = "parent"
"""The type of an error that concerns the mapping around the key rather than the key."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type of value is called in the reference."""

    text: str


@dataclass(frozen=True, slots=True)
class Secret:
    """Marks a value that is never shown: all of it, or only user and password in a URL."""

    whole: bool = True


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a value is checked against: given to pydantic as the context.

    `interval` is the evaluation interval in seconds, None where it is itself wrong.
    """

    folder: Path
    interval: int | None


def wrong_parent(message: str) -> NoReturn:
    """Report a mistake of the mapping that holds the validated key."""
    raise PydanticCustomError(PARENT, "{message}", {"message": message})


def duration(at_least: str, at_most: str, *, whole: bool = True) -> Callable[[object], object]:
    """A validator that turns a duration into seconds: int if `whole`, else float."""
    lowest, highest = parse_duration(at_least), parse_duration(at_most)

    def seconds(value: object) -> object:
        if isinstance(value, int | float):
            return value  # a default: files hold text alone
        if not isinstance(value, str):
            raise ValueError("must be a duration such as 30s or 1h30m")
        length = parse_duration(value)
        if not lowest <= length <= highest:
            raise ValueError(f"must be at least {at_least} and at most {at_most}, not {value}")
        if not whole:
            return float(length)
        if length != int(length):
            raise ValueError(f"must be whole seconds, not {value}")
        return int(length)

    return seconds


def one_of(choices: Mapping[str, str | None]) -> Callable[[object], str]:
    """A validator that takes one of the words; those with a meaning are replaced by it."""
    shown = [word for word, meaning in choices.items() if meaning in (None, word)]

    def choice(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            given = f", not {quoted(value)}" if isinstance(value, str) else ""
            raise ValueError(f"must be one of {', '.join(shown)}{given}")
        return choices[value] or value

    return choice


def surroundings(info: ValidationInfo) -> Surroundings:
    """What the value under validation is checked against."""
    return cast(Surroundings, info.context)


def _divides_an_hour(seconds: int) -> int:
    if 3600 % seconds:
        raise ValueError(
            f"must divide an hour evenly, as 15s, 30s or 1m do, not {format_duration(seconds)}"
        )
    return seconds


def not_blank(text: str) -> str:
    """Refuse what is empty."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def printable(text: str) -> str:
    """Refuse line breaks and what cannot be seen; the message shows the text."""
    if not text.isprintable():
        raise ValueError(f"must be one line of printable text, not {quoted(text)}")
    return text


def _prose(text: str) -> str:
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\r\n\t":
            raise ValueError(f"must be text, without {quoted(character)}")
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


def _percent(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value  # a default: files hold text alone
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
        raise ValueError("must be a percentage such as 99.9, without a % sign")
    # Beyond ten decimals the ratio would round to 1 and leave no budget to divide by.
    if len(value.partition(".")[2]) > 10:
        raise ValueError("must have at most ten decimals")
    percent = Decimal(value)
    if 0 < percent < 1:
        raise ValueError(f"is in percent: did you mean {(percent * 100).normalize():f}?")
    return percent


def _objective(value: object) -> Objective:
    return Objective.from_percent(_percent(value))


def _some_percent(value: object) -> Decimal:
    percent = _percent(value)
    if not 0 < percent <= 100:
        raise ValueError(f"must be a percentage above 0 and at most 100, not {percent}")
    return percent


def _any_percent(value: object) -> Decimal:
    percent = _percent(value)
    if not 0 <= percent <= 100:
        raise ValueError(f"must be a percentage from 0 to 100, not {percent}")
    return percent


def _tier_percent(value: object) -> Decimal:
    percent = _percent(value)
    if not -1000 <= percent < 100:
        raise ValueError(f"must be a percentage from -1000 to below 100, not {percent}")
    return percent


def not_a_mapping(value: object) -> object:
    """Refuse what `{job="a"}` without quotes is to YAML."""
    if isinstance(value, dict):
        raise ValueError("must be text: put a selector that begins with { in quotes")
    return value


def _selector(text: str) -> str:
    check_length(text)
    return str(parse_selector(text))


def _histogram(text: str) -> str:
    check_length(text)
    selector = parse_selector(text)
    if selector.name is None:
        raise ValueError("must name the metric, as in http_request_duration_seconds{...}")
    for suffix in ("_bucket", "_count", "_sum"):
        if selector.name.endswith(suffix):
            base = selector.name.removesuffix(suffix)
            raise ValueError(f"must be the histogram's base name, without {suffix}: {base}")
    if any(matcher.label == "le" for matcher in selector.matchers):
        raise ValueError("must have no matcher on le: the threshold chooses the bucket")
    return str(selector)


_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class GroupLabel:
    """A label to group by: its name in Prometheus, and here."""

    label: str
    shown: str


def _group_label(value: object) -> GroupLabel:
    if isinstance(value, str):
        # UTF-8 names are not everywhere understood: http.route is shown as http_route.
        shown = re.sub(r"[^a-zA-Z0-9_]", "_", value, flags=re.ASCII)
        if shown in SERIES_LABELS:
            raise ValueError(
                f"{value} is a label of the exporter's own metrics: give it another name here, as "
                f"in {{label: {value}, as: measured_{shown}}}"
            )
        label, shown = value, shown if _LABEL.fullmatch(shown) else f"_{shown}"
    elif isinstance(value, dict) and value.keys() == {"label", "as"}:
        label, shown = value["label"], value["as"]
    else:
        raise ValueError("must be a label name, or {label: service, as: svc}")
    if not isinstance(label, str) or not label.strip() or not label.isprintable():
        raise ValueError("must name a label")
    if label.startswith("__"):
        raise ValueError(f"{label} is not possible: Prometheus reserves names with __")
    return GroupLabel(label, label_name(shown))


def _distinct(labels: list[GroupLabel]) -> list[GroupLabel]:
    no_doubles([label.label for label in labels])
    no_doubles([label.shown for label in labels])
    return labels


def label_name(name: object, taken: Collection[str] = SERIES_LABELS) -> str:
    """Refuse what is no label name, or one that our own metrics carry."""
    if not isinstance(name, str) or not _LABEL.fullmatch(name):
        raise ValueError(
            f"{quoted(str(name))} is not a label name: use letters, digits and _, no digit first"
        )
    if name.startswith("__"):
        raise ValueError(f"{name} is not possible: Prometheus reserves names with __")
    if name in taken:
        raise ValueError(f"{name} is not possible: the exporter's own metrics carry it")
    return name


def _info_label(name: object) -> str:
    return label_name(name, INFO_LABELS)


def no_doubles(names: list[str]) -> list[str]:
    """Refuse a list that names something twice."""
    doubles = [name for index, name in enumerate(names) if name in names[:index]]
    if doubles:
        raise ValueError(f"names {doubles[0]} twice")
    return names


def _datasource_name(name: str) -> str:
    if name == DEFAULT_DATASOURCE:
        raise ValueError(f"is the name of the section {DEFAULT_DATASOURCE}: choose another")
    return printable(not_blank(name))


DURATION = Kind("duration")
Text = Annotated[str, AfterValidator(not_blank), AfterValidator(printable), Kind("text")]
Prose = Annotated[
    str, AfterValidator(not_blank), AfterValidator(_prose), Kind("text of any number of lines")
]
Glob = Annotated[Text, Kind("glob")]
ObjectivePercent = Annotated[Objective, PlainValidator(_objective), Kind("percent")]
SomePercent = Annotated[Decimal, PlainValidator(_some_percent), Kind("percent")]
AnyPercent = Annotated[Decimal, PlainValidator(_any_percent), Kind("percent")]
TierPercent = Annotated[Decimal, PlainValidator(_tier_percent), Kind("percent")]
Selector = Annotated[
    str, BeforeValidator(not_a_mapping), AfterValidator(_selector), Kind("vector selector")
]
Histogram = Annotated[
    str, BeforeValidator(not_a_mapping), AfterValidator(_histogram), Kind("vector selector")
]
InfoLabel = Annotated[str, AfterValidator(_info_label), Kind("label name")]
GroupLabels = Annotated[
    list[Annotated[GroupLabel, PlainValidator(_group_label), Kind("group label")]],
    AfterValidator(_distinct),
]
DatasourceName = Annotated[str, AfterValidator(_datasource_name), Kind("name")]
Interval = Annotated[
    int, BeforeValidator(duration("1s", "5m")), AfterValidator(_divides_an_hour), DURATION
]
