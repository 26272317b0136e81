"""What an experiment came to, as one object: what the report, the JSON and the last lines tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from exporter.experiment.course import Course, Peak, PhaseFigures, peak, phases, whole
from exporter.experiment.hypothesis import SliBound
from exporter.experiment.judging import Measured, Outcome, Verdict, judge, overall, whole_seconds
from exporter.experiment.plan import Experiment
from exporter.slo.event_history import EventHistory
from exporter.slo.figures import percent


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened at a moment (Unix seconds).

    `kind` is one of `begin`, `step`, `abort`, `rollback`, `onset`, `peak`, `condition`,
    `recovered` and `end`.
    """

    at: float
    kind: str
    text: str


@dataclass(frozen=True, eq=False)
class TargetResult:
    """What an SLO, or one group of it, went through. Times are Unix seconds.

    - `lost`: its bad events from the first step to the end, and `share`: the part of a period's
      budget that they are; None if that is not known.
    - `expected`: how many of them the baseline's error ratio accounts for.
    - `onset` and `recovered`: when it left the bounds of its steady lines, and was back.
    - `detected`: the first page condition that held after the onset, and when.
    - `unknown`: the seconds of that time that are not known.
    """

    name: str
    phases: tuple[PhaseFigures, ...]
    peak: Peak | None
    lost: float
    total: float
    expected: float | None
    share: float | None
    onset: float | None
    recovered: float | None
    detected: tuple[str, float] | None
    unknown: float
    history: EventHistory


@dataclass(frozen=True, eq=False)
class Result:
    """An experiment that was run, or refused.

    - `why`: why it was refused, or aborted.
    - `forced`: who overruled refusals, in the words given, and `overruled` what they were.
    - `verdicts`: one for each line of the hypothesis; none if nothing was begun.
    - `happened`: the timeline, oldest first.
    - `undo`: the commands that failed and have to be run by hand.
    - `notes`: what else is to be told.
    - `measured`: what the figures are from; None if nothing was begun.
    """

    experiment: Experiment
    file: str
    outcome: Outcome
    at: float
    why: tuple[str, ...] = ()
    forced: str | None = None
    overruled: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    targets: tuple[TargetResult, ...] = ()
    happened: tuple[Happening, ...] = ()
    undo: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    measured: Measured | None = None
    services: tuple[str, ...] = field(default=())


def result(
    experiment: Experiment,
    file: str,
    measured: Measured,
    *,
    aborted: str | None,
    happened: Sequence[Happening],
    undo: Sequence[str] = (),
    forced: str | None = None,
    overruled: Sequence[str] = (),
    notes: Sequence[str] = (),
    services: Sequence[str] = (),
) -> Result:
    """Put together what was measured and what happened."""
    verdicts = judge(experiment.hypothesis, measured)
    own = {str(each) for each in experiment.own_targets}
    targets = tuple(
        _target(experiment, course, measured)
        for name, courses in measured.courses.items()
        if name in own
        for course in courses
    )
    outcome = overall(verdicts)
    why = []
    if aborted is not None:
        why.append(aborted)
    if undo:
        why.append("the rollback failed: what was done is not undone")
    if why:
        outcome = Outcome.ABORTED
    everything = [*happened, *_of_figures(targets, measured, experiment)]
    return Result(
        experiment=experiment,
        file=file,
        outcome=outcome,
        at=measured.moments.begin,
        why=tuple(why),
        forced=forced,
        overruled=tuple(overruled),
        verdicts=verdicts,
        targets=targets,
        happened=tuple(sorted(everything, key=lambda each: each.at)),
        undo=tuple(undo),
        notes=tuple(notes),
        measured=measured,
        services=tuple(services),
    )


def _target(experiment: Experiment, course: Course, measured: Measured) -> TargetResult:
    moments = measured.moments
    figures = whole(course, moments)
    of_phases = phases(course, moments)
    before = next((each for each in of_phases if each.phase == "baseline"), None)
    name = str(course.target)
    found = [
        departure
        for line in experiment.hypothesis.steady
        if isinstance(line, SliBound)
        for target, departure in measured.departures(line)
        if target == name
    ]
    left = [each for each in found if each.onset is not None]
    onset = min((each.onset for each in left if each.onset is not None), default=None)
    back = [each.recovered for each in left if each.recovered is not None]
    since = moments.first_slot if onset is None else onset
    pages = [each for each in course.alerts if each.severity == "page" and each.end > since]
    first = min(pages, key=lambda each: each.start, default=None)
    ratio = before.error_ratio if before else None
    return TargetResult(
        name=name,
        phases=of_phases,
        peak=peak(course, moments),
        lost=figures.bad,
        total=figures.total,
        expected=None if ratio is None else min(figures.bad, ratio * figures.total),
        share=figures.bad / course.allowed if course.allowed else None,
        onset=onset,
        recovered=max(back) if left and len(back) == len(left) else None,
        detected=(first.conditions[0], float(first.start)) if first else None,
        unknown=round((1 - figures.known) * (figures.end - figures.start), 3),
        history=course.history,
    )


def _of_figures(
    targets: Sequence[TargetResult], measured: Measured, experiment: Experiment
) -> Iterator[Happening]:
    """What was measured, on the timeline."""
    for each in targets:
        if each.onset is not None:
            yield Happening(each.onset, "onset", f"{each.name}: onset")
        if each.onset is not None and each.peak is not None:
            ratio = percent(each.peak.error_ratio)
            text = f"{each.name}: the error ratio is at its highest: {ratio}"
            yield Happening(each.peak.at, "peak", text)
        if each.detected is not None:
            name, at = each.detected
            yield Happening(at, "condition", f"{each.name}: the condition {name} holds")
        if each.recovered is not None and each.onset is not None:
            took = whole_seconds(each.recovered - each.onset)
            text = f"{each.name}: steady again, {took} after the onset"
            yield Happening(each.recovered, "recovered", text)
    for line in experiment.hypothesis.steady:
        if not isinstance(line, SliBound):
            for name, departure in measured.departures(line):
                if departure.onset is not None:
                    yield Happening(departure.onset, "onset", f"{name}: out of its bounds")
                if departure.recovered is not None:
                    yield Happening(departure.recovered, "recovered", f"{name}: within them again")


def refused(
    experiment: Experiment, file: str, at: float, why: Sequence[str], services: Sequence[str] = ()
) -> Result:
    """An experiment that did not begin."""
    return Result(experiment, file, Outcome.REFUSED, at, tuple(why), services=tuple(services))
