"""Whether an experiment may begin, and if not, why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from exporter.experiment.hypothesis import Impact, Target
from exporter.experiment.judging import Measured
from exporter.experiment.plan import Experiment
from exporter.slo.durations import format_duration
from exporter.slo.figures import left, number, percent, words
from exporter.slo.policy import Gate


@dataclass(frozen=True, slots=True)
class Standing:
    """How an SLO, or one group of it, stands before the experiment.

    - `pages`: the names of the page conditions that hold.
    - `gate` and `tier`: what the policy says; None if that is not known.
    - `remaining`: the share of the budget that is left, None if that is not known: `problem` may
      tell why.
    - `allowed`: the budget of a whole period, in events.
    """

    target: Target
    pages: tuple[str, ...]
    gate: Gate | None
    tier: str | None
    remaining: float | None
    allowed: float | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an experiment must not begin; `final` if nobody's word may change that."""

    why: str
    final: bool = False


def refusals(
    experiment: Experiment,
    measured: Measured,
    standings: Sequence[Standing],
    now: float,
) -> list[Refusal]:
    """Everything that speaks against an experiment that would begin `now` (Unix seconds)."""
    found = [*_commands(experiment), *_times(experiment, now)]
    for each in standings:
        found += _standing(each)
    own = {str(each): each for each in experiment.own_targets}
    for line in experiment.hypothesis.steady:
        why = measured.unsteady(line)
        if why is not None:
            length = format_duration(experiment.baseline)
            found.append(Refusal(f"not steady in the {length} before: {line}: {why}"))
    for each in standings:
        if any(_is_of(each.target, target) for target in own.values()):
            found += _budget(each, experiment)
    return found


def _is_of(found: Target, wanted: Target) -> bool:
    return found.slo == wanted.slo and wanted.groups.items() <= found.groups.items()


def _commands(experiment: Experiment) -> Iterator[Refusal]:
    for command in experiment.commands:
        for glob in experiment.left_alone:
            touched = next((a for a in command.arguments if fnmatchcase(a, glob)), None)
            if touched is not None:
                why = f"{command.title!r} names {touched!r}, which is to be left alone ({glob})"
                yield Refusal(why, final=True)


def _times(experiment: Experiment, now: float) -> Iterator[Refusal]:
    objection = experiment.allowed.objection(now, now + experiment.shortest)
    if objection is not None:
        yield Refusal(f"not at this time: {objection}")


def _standing(of: Standing) -> Iterator[Refusal]:
    if of.pages:
        yield Refusal(f"{of.target}: the condition {', '.join(of.pages)} holds")
    if of.gate is Gate.BLOCK:
        yield Refusal(f"{of.target}: the tier {words(of.tier or '')} blocks")


def _budget(of: Standing, experiment: Experiment) -> Iterator[Refusal]:
    """Whether the budget is there that the hypothesis may cost."""
    if of.remaining is None:
        why = f": {of.problem}" if of.problem else ""
        yield Refusal(f"{of.target}: it is not known how much of the budget is left{why}")
        return
    if of.remaining <= 0:
        yield Refusal(f"{of.target}: the budget is spent: {left(of.remaining)} is left")
        return
    costs = (
        _cost(each, of) for each in experiment.hypothesis.impact if _is_of(of.target, each.target)
    )
    cost = max((each for each in costs if each is not None), default=None)
    if cost is not None and cost > of.remaining:
        lacking = cost - of.remaining
        events = f" ({number(lacking * of.allowed)} bad events)" if of.allowed else ""
        yield Refusal(
            f"{of.target}: the hypothesis may cost {percent(cost)} of a period's budget, and "
            f"{left(of.remaining)} is left: {percent(lacking)} is missing{events}"
        )


def _cost(impact: Impact, of: Standing) -> float | None:
    if impact.budget is not None:
        return impact.budget
    if impact.events is not None and of.allowed:
        return impact.events / of.allowed
    return None
