"""The file of a chaos experiment as a whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
)

from exporter.config.sections.experiment_hypothesis import HypothesisSection, Length
from exporter.config.sections.experiment_steps import (
    AbortSection,
    CommandSection,
    LeaveAloneSection,
    StepSection,
)
from exporter.config.sections.experiment_times import AllowedSection
from exporter.config.types.fields import (
    DURATION,
    Interval,
    Prose,
    Text,
    duration,
)
from exporter.config.types.section import Section
from exporter.experiment.plan import Experiment
from exporter.slo.durations import format_duration


def _steps(steps: list[StepSection]) -> list[StepSection]:
    if not steps:
        raise ValueError("must have at least one step: a command, or a wait")
    return steps


class ExperimentFile(Section):
    """A chaos experiment, which `error-budget-exporter experiment run` runs."""

    title: Text = Field(description="What it is called.", examples=["Kill one worker"])
    description: Prose = Field(default="", description="Why, for the report.")
    hypothesis: HypothesisSection = Field(description="What is to be shown.")
    baseline: Length = Field(
        default=300,
        description="How long before the first step everything must have been steady. It is read "
        "from Prometheus: nobody waits for it.",
        examples=["10m"],
    )
    method: Annotated[list[StepSection], AfterValidator(_steps)] = Field(
        description="What is done, step by step."
    )
    rollback: list[CommandSection] = Field(
        default=[],
        description=(
            "What undoes it. It runs whatever happens: after the method, when the experiment is "
            "aborted or interrupted, and at the next start if the process was killed. All of its "
            "commands are tried, even if one of them fails."
        ),
    )
    abort: list[AbortSection] = Field(
        default=[], description="What ends it at once. The rollback follows."
    )
    unknown_for: Annotated[int, BeforeValidator(duration("5s", "1h")), DURATION] = Field(
        default=60,
        description="How long nothing may be known of an SLO until it is aborted.",
        examples=["30s"],
    )
    watch: Length = Field(
        default=300, description="How long it is watched after the rollback.", examples=["10m"]
    )
    allowed: AllowedSection = Field(
        default=AllowedSection(), description="When it may run: at any time without it."
    )
    leave_alone: list[LeaveAloneSection] = Field(
        default=[], description="What must not be touched."
    )
    grain: Interval | None = Field(
        default=None,
        description="The length of the slots that are measured. Without it: the scrape interval.",
        examples=["5s"],
    )

    @field_validator("baseline", "watch")
    @classmethod
    def _a_window_fits(cls, length: int, info: ValidationInfo) -> int:
        hypothesis = info.data.get("hypothesis")
        steady = hypothesis.steady if hypothesis else []
        longest = max((each.window for each in steady if each.slo), default=0)
        if length < longest:
            raise ValueError(
                f"must be at least as long as the longest window ({format_duration(longest)}), "
                f"not {format_duration(length)}: nothing would be shown"
            )
        return length

    def experiment(self) -> Experiment:
        """The experiment."""
        aborts = [each.condition() for each in self.abort]
        aborts += [each.condition() for each in self.leave_alone if each.slo is not None]
        return Experiment(
            title=self.title,
            description=self.description,
            hypothesis=self.hypothesis.hypothesis(),
            baseline=self.baseline,
            method=tuple(each.step() for each in self.method),
            rollback=tuple(each.command_() for each in self.rollback),
            abort=tuple(aborts),
            unknown_for=self.unknown_for,
            watch=self.watch,
            allowed=self.allowed.allowed(),
            left_alone=tuple(each.argument for each in self.leave_alone if each.argument),
            grain=self.grain,
        )
