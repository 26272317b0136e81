"""The file of a chaos experiment: what it does, and what ends it early."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from exporter.config.types.expressions import Expression
from exporter.config.types.fields import DURATION, Text, duration, wrong_parent
from exporter.config.types.ratios import Ratio
from exporter.config.types.section import Section, exactly_one
from exporter.experiment.abort_conditions import (
    AbortCondition,
    BudgetAbort,
    BurnAbort,
    CommandAbort,
    QueryAbort,
    RatioAbort,
)
from exporter.experiment.hypothesis import Target
from exporter.experiment.steps import Command, Step, Wait
from exporter.slo.model import DEFAULT_DATASOURCE


def _arguments(arguments: list[str]) -> list[str]:
    if not arguments or not arguments[0].strip():
        raise ValueError("must name a program, as in [systemctl, restart, shop]")
    if len(arguments) == 1 and " " in arguments[0].strip():
        raise ValueError(
            "must be a list of the program and its arguments, as in [systemctl, restart, shop]: "
            "no shell takes it apart"
        )
    if any("\0" in each for each in arguments):
        raise ValueError("must not contain the character 0")
    return arguments


def _as_list(value: object) -> object:
    if isinstance(value, str):
        raise ValueError(
            "must be a list of the program and its arguments, as in [systemctl, restart, shop]: "
            "no shell takes it apart"
        )
    return value


Arguments = Annotated[list[str], BeforeValidator(_as_list), AfterValidator(_arguments)]
Timeout = Annotated[float, BeforeValidator(duration("100ms", "1d", whole=False)), DURATION]
Seconds = Annotated[float, BeforeValidator(duration("100ms", "1d", whole=False)), DURATION]
Held = Annotated[int, BeforeValidator(duration("0s", "1d")), DURATION]

MUST_NOT_SUFFER = 0.01
"""The error ratio above which an SLO suffers that is to be left alone."""

_COMMAND = "The program and its arguments. No shell sees them; it runs in the folder of the file."
_TIMEOUT = "When it is ended, and counts as failed."


class CommandSection(Section):
    """A command."""

    name: Text | None = Field(default=None, description="What it is called.")
    command: Arguments = Field(description=_COMMAND, examples=["[systemctl, start, shop-worker]"])
    timeout: Timeout = Field(default=30.0, description=_TIMEOUT, examples=["10s"])

    def command_(self) -> Command:
        """The command."""
        return Command(tuple(self.command), self.timeout, self.name)


class StepSection(Section):
    """A step of the method: a `command`, or a `wait`."""

    name: Text | None = Field(default=None, description="What it is called.")
    command: Arguments | None = Field(
        default=None, description=_COMMAND, examples=["[systemctl, kill, shop-worker]"]
    )
    timeout: Timeout = Field(default=30.0, description=_TIMEOUT, examples=["10s"])
    may_fail: bool = Field(
        default=False,
        description="Whether the experiment goes on if it fails. Without it, it is aborted.",
    )
    wait: Seconds | None = Field(
        default=None,
        validate_default=True,
        description="How long nothing is done.",
        examples=["1m"],
    )

    @field_validator("wait")
    @classmethod
    def _one_of_them(cls, wait: float | None, info: ValidationInfo) -> float | None:
        exactly_one(wait, info, "command")
        return wait

    def step(self) -> Step:
        """The step."""
        if self.command is None:
            return Wait(self.wait or 0.0, self.name)
        return Command(tuple(self.command), self.timeout, self.name, self.may_fail)


class AbortSection(Section):
    """A condition that ends the experiment at once.

    It is about an SLO (`error_ratio`, `burn_rate` or `budget`), a `query` (`above` or `below`), or
    a `command`.
    """

    name: Text | None = Field(default=None, description="What a `query` or a `command` is called.")
    slo: Text | None = Field(
        default=None, description="An SLO: `service/name`.", examples=["checkout/availability"]
    )
    groups: dict[Text, str] = Field(
        default={}, description="Values of the SLO's `group_by` labels; without them any group."
    )
    error_ratio: Ratio | None = Field(
        default=None,
        description="A larger part of the events is bad, in every slot `for` so long.",
        examples=["20%"],
    )
    burn_rate: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="The budget burns faster, over the `window`.", examples=["14.4"]
    )
    window: Annotated[int, BeforeValidator(duration("5s", "6h")), DURATION] = Field(
        default=300, description="What a `burn_rate` is over.", examples=["5m"]
    )
    budget: Ratio | None = Field(
        default=None, description="A smaller share of the budget is left.", examples=["10%"]
    )
    query: Expression | None = Field(
        default=None,
        description="PromQL, one of whose values is beyond the bound.",
        examples=["max(queue_length)"],
    )
    datasource: Text = Field(
        default=DEFAULT_DATASOURCE, description="Which datasource a `query` is of."
    )
    above: float | None = Field(default=None, description="A value of the `query` is above this.")
    below: float | None = Field(default=None, description="A value of the `query` is below this.")
    for_: Held = Field(
        default=0,
        alias="for",
        description="How long an `error_ratio` or a `query` must be like that.",
        examples=["60s"],
    )
    every: Seconds = Field(
        default=10.0, description="How often a `command` is run.", examples=["5s"]
    )
    timeout: Timeout = Field(default=10.0, description="How long a `command` may take.")
    command: Arguments | None = Field(
        default=None,
        validate_default=True,
        description="A program and its arguments: an exit code other than 0 aborts.",
        examples=["[./still-safe]"],
    )

    @field_validator("command")
    @classmethod
    def _one_kind(cls, command: list[str] | None, info: ValidationInfo) -> list[str] | None:
        exactly_one(command, info, "error_ratio", "burn_rate", "budget", "query")
        data = info.data
        of_slo = [
            key for key in ("error_ratio", "burn_rate", "budget") if data.get(key) is not None
        ]
        if of_slo and data.get("slo") is None:
            wrong_parent(f"needs slo with {of_slo[0]}: the SLO that it is of, as service/name")
        if not of_slo and data.get("slo") is not None:
            wrong_parent("must not have slo without error_ratio, burn_rate or budget")
        bounds = [key for key in ("above", "below") if data.get(key) is not None]
        if data.get("query") is not None and len(bounds) != 1:
            wrong_parent("needs exactly one of above and below with query")
        if bounds and data.get("query") is None:
            wrong_parent(f"must not have {bounds[0]} without query")
        if data.get("for_") and (data.get("query") or data.get("error_ratio")) is None:
            wrong_parent("must not have for without error_ratio or query")
        return command

    def condition(self) -> AbortCondition:
        """The condition."""
        target = Target(self.slo or "", self.groups)
        if self.error_ratio is not None:
            return RatioAbort(target, _ratio(self.error_ratio), self.for_)
        if self.burn_rate is not None:
            return BurnAbort(target, self.burn_rate, self.window)
        if self.budget is not None:
            return BudgetAbort(target, _ratio(self.budget))
        if self.query is not None:
            bounds = self.above, self.below
            return QueryAbort(self.query, self.datasource, self.for_, *bounds, self.name)
        return CommandAbort(Command(tuple(self.command or ()), self.timeout, self.name), self.every)


def _ratio(percent: Decimal) -> float:
    return float(percent) / 100


class LeaveAloneSection(Section):
    """What the experiment must not touch: an `slo` that must not suffer, or an `argument`.

    An SLO whose error ratio is above the bound aborts the experiment. One argument of a command
    that matches the glob keeps it from beginning, whatever --force says.
    """

    slo: Text | None = Field(
        default=None, description="An SLO: `service/name`.", examples=["auth/availability"]
    )
    groups: dict[Text, str] = Field(
        default={}, description="Values of the SLO's `group_by` labels; without them any group."
    )
    error_ratio: Ratio | None = Field(
        default=None,
        description="The part of its events that may be bad; 1% without it.",
        examples=["1%"],
    )
    for_: Held = Field(
        default=30, alias="for", description="How long it may be above that.", examples=["1m"]
    )
    argument: Text | None = Field(
        default=None,
        validate_default=True,
        description="A glob of arguments.",
        examples=["*kube-system*"],
    )

    @field_validator("argument")
    @classmethod
    def _one_of_them(cls, argument: str | None, info: ValidationInfo) -> str | None:
        exactly_one(argument, info, "slo")
        return argument

    def condition(self) -> RatioAbort:
        """What aborts for the sake of an SLO."""
        target = Target(self.slo or "", self.groups)
        ratio = MUST_NOT_SUFFER if self.error_ratio is None else _ratio(self.error_ratio)
        return RatioAbort(target, ratio, self.for_, left_alone=True)
