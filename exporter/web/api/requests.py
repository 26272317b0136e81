"""The bodies of requests that change something: their JSON, checked.

The OpenAPI document describes the bodies by the same models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic_core import ErrorDetails

from exporter.reports.markdown import web_address
from exporter.slo.durations import parse_duration
from exporter.slo.records import Acknowledgement, Change, Override
from exporter.web.api.errors import InvalidRequestError
from exporter.web.daemon import IncidentKey

LONGEST = 1_000
"""Characters of a string: of a name, or of what somebody has to say."""

SHORT = 200
"""Characters of a string that is shown on charts and in lists."""

END_OF_TIME = 253_402_300_800
"""The year 10000: later dates cannot be written."""


def _or_else(message: str) -> WrapValidator:
    """Replaces whatever pydantic says of a value by one message."""

    def check(value: object, inner: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401  # as pydantic has it
        try:
            return inner(value)
        except ValidationError:
            raise ValueError(message) from None

    return WrapValidator(check)


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable characters")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text


def _web_link(text: str) -> str:
    if not web_address(text):
        raise ValueError
    return text


def _whole(seconds: float) -> float:
    if seconds != int(seconds):
        raise ValueError("must be whole seconds")
    return seconds


Text = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST),
    AfterValidator(_not_blank),
    _or_else(f"must be a string of 1 to {LONGEST} characters"),
    AfterValidator(_one_line),
]
ShortText = Annotated[
    str,
    Field(min_length=1, max_length=SHORT),
    AfterValidator(_not_blank),
    _or_else(f"must be a string of 1 to {SHORT} characters"),
    AfterValidator(_one_line),
]
Link = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST, json_schema_extra={"format": "uri"}),
    AfterValidator(_web_link),
    _or_else(f"must be an http or https URL of at most {LONGEST} characters"),
]
Time = Annotated[
    float,
    Field(ge=0, lt=END_OF_TIME, allow_inf_nan=False, description="Unix seconds"),
    _or_else("must be a time in Unix seconds"),
]
WholeTime = Annotated[
    Time,
    AfterValidator(_whole),
    # To JSON 1700000000.0 is whole, too.
    WithJsonSchema({"type": "integer", "minimum": 0, "description": "Unix seconds"}),
]
Duration = Annotated[
    str,
    Field(max_length=30, examples=["4h"]),
    _or_else("must be a string such as 4h or 1h30m"),
]
ToldSource = Annotated[
    Literal["reported", "experiment", "experiment_over"],
    _or_else("must be reported, experiment or experiment_over"),
]
Groups = Annotated[
    dict[str, str], _or_else("must be an object of labels and their values, which are strings")
]


class Body(BaseModel):
    """A body whose unknown keys are mistakes, and whose values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewOverride(Body):
    """An override for a service, or for one SLO of it.

    It holds from now on, either `until` a time (Unix seconds) or for a `duration`.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["until"]}, {"required": ["duration"]}]}
    )

    service: Text
    slo: Text | None = None
    by: Text
    why: Text
    until: Time = Field(default_factory=float)
    duration: Duration = Field(default_factory=str)

    @model_validator(mode="before")
    @classmethod
    def _has_one_end(cls, body: dict[str, object]) -> dict[str, object]:
        if ("until" in body) == ("duration" in body):
            raise ValueError("needs either until or duration")
        return body

    def override(self, now: float) -> Override:
        """What is to be recorded; it begins `now` (Unix seconds).

        Raises:
            InvalidRequestError: the duration cannot be read.
        """
        until = self.until
        if "duration" in self.model_fields_set:
            try:
                until = now + float(parse_duration(self.duration))
            except ValueError as error:
                raise InvalidRequestError(str(error)) from error
        return Override(
            service=self.service, slo=self.slo, by=self.by, why=self.why, start=now, until=until
        )


class NewAcknowledgement(Body):
    """Says that the postmortem of an incident is taken care of: by whom, and where it is.

    `groups` are the values of the SLO's `group_by` labels, `start` is the incident's.
    """

    service: Text
    slo: Text
    groups: Groups | None = None
    start: WholeTime
    by: Text
    note: Text

    def acknowledgement(self, now: float) -> tuple[IncidentKey, Acknowledgement]:
        """Which incident is meant, and what is to be recorded `now` (Unix seconds)."""
        key = IncidentKey(self.service, self.slo, self.groups or {}, int(self.start))
        return key, Acknowledgement(at=now, by=self.by, note=self.note)


class NewChange(Body):
    """Something that people did to a service: a deploy, a flag, a migration.

    It was done `at` some time of the last year, or now; `link` leads to more. The `source`
    `experiment` is the beginning of an experiment, and `experiment_over` its end.
    """

    service: Text
    what: ShortText
    at: Time | None = None
    by: ShortText | None = None
    link: Link | None = None
    source: ToldSource = "reported"

    def change(self, now: float) -> Change:
        """What is to be noted; `now` is Unix seconds."""
        at = int(now if self.at is None else self.at)
        return Change(self.service, self.what, at, self.by, self.link, self.source)


class NewRebuild(Body):
    """Has an SLO, or all of a service, read again: all that is held, or what came `since` a time.

    What the datasource still has replaces what is held, and the rest stays.
    """

    service: Text
    slo: Text | None = None
    since: Time = Field(default=0.0)


B = TypeVar("B", bound=Body)


def read(body: bytes, model: type[B]) -> B:
    """Read a body.

    Raises:
        InvalidRequestError: it is not what the model describes; the text names every mistake.
    """
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"the body must be JSON: {error}") from error
    if not isinstance(values, dict):
        raise InvalidRequestError("the body must be a JSON object")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=False)
        text = "; ".join(_mistake(mistake, model) for mistake in mistakes)
        raise InvalidRequestError(text) from error


def _mistake(mistake: ErrorDetails, model: type[Body]) -> str:
    name = ".".join(map(str, mistake["loc"]))[:LONGEST]
    match mistake["type"]:
        case "missing":
            return f"{name} is required"
        case "extra_forbidden":
            return f"{name!r} is not known: known are {', '.join(model.model_fields)}"
        case _:
            return f"{name} {mistake['ctx']['error']}".strip()
