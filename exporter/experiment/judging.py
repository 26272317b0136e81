"""Whether a hypothesis held: a verdict for each of its lines, from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from exporter.experiment.course import (
    Course,
    Departure,
    Moments,
    Values,
    departure,
    peak,
    query_departure,
    query_steady,
    steady_until,
    whole,
)
from exporter.experiment.hypothesis import (
    Detection,
    Hypothesis,
    Impact,
    QueryBound,
    Recovery,
    Since,
    SliBound,
    SteadyLine,
)
from exporter.slo.durations import format_duration
from exporter.slo.figures import number, percent


class Outcome(StrEnum):
    """What became of a line, or of a whole experiment."""

    HELD = "held"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    """Not refuted, but too little is known to say that it held."""
    ABORTED = "aborted"
    REFUSED = "refused"


EXIT_CODES = {
    Outcome.HELD: 0,
    Outcome.REFUTED: 1,
    Outcome.UNKNOWN: 1,
    Outcome.ABORTED: 2,
    Outcome.REFUSED: 3,
}
WRONG = 4
"""The exit code if nothing was begun, as a file or the command line has to be changed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a line of the hypothesis, and why."""

    line: str
    outcome: Outcome
    why: str


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured: the courses of each target, and the values of each query."""

    moments: Moments
    courses: Mapping[str, Sequence[Course]]
    queries: Mapping[str, Values]

    def departures(self, line: SteadyLine) -> list[tuple[str, Departure]]:
        """How a steady line was left: for each group of an SLO by itself.

        The first step may lie inside a slot: what it caused did not begin before it.
        """
        begin = self.moments.begin
        return [
            (name, each if each.onset is None else replace(each, onset=max(each.onset, begin)))
            for name, each in self._departures(line)
        ]

    def _departures(self, line: SteadyLine) -> list[tuple[str, Departure]]:
        since, until = self.moments.first_slot, self.moments.end
        if isinstance(line, QueryBound):
            values = self.queries.get(line.query, ())
            return [(line.title, query_departure(values, line, since, until))]
        return [
            (str(each.target), departure(each.history, line, since, until))
            for each in self.courses.get(str(line.target), ())
        ]

    def unsteady(self, line: SteadyLine) -> str | None:
        """Why a line was not steady in the baseline; None if it was."""
        start, end = self.moments.spans()["baseline"]
        if isinstance(line, QueryBound):
            return query_steady(self.queries.get(line.query, ()), line, start, end)
        courses = self.courses.get(str(line.target), ())
        if not courses:
            return "nothing is known of it"
        for each in courses:
            why = steady_until(each.history, line, start, end)
            if why is not None:
                return why if len(courses) == 1 else f"{each.target}: {why}"
        return None


def judge(hypothesis: Hypothesis, measured: Measured) -> tuple[Verdict, ...]:
    """A verdict for each line."""
    all_found = [(line, measured.departures(line)) for line in hypothesis.steady]
    departures = [each for _, found in all_found for _, each in found]
    verdicts = [
        _steady(line, found, back_is_enough=hypothesis.recovery is not None)
        for line, found in all_found
    ]
    for impact in hypothesis.impact:
        verdicts.append(_impact(impact, measured))
    if hypothesis.recovery is not None:
        if all(found for _, found in all_found):
            verdicts.append(_recovery(hypothesis.recovery, departures, measured.moments))
        else:
            line = str(hypothesis.recovery)
            verdicts.append(Verdict(line, Outcome.UNKNOWN, "not all that is steady is known"))
    for detection in hypothesis.detection:
        verdicts.append(_detection(detection, hypothesis, measured))
    return tuple(verdicts)


def overall(verdicts: Sequence[Verdict]) -> Outcome:
    """What they come to: one refuted line refutes the hypothesis."""
    found = {each.outcome for each in verdicts}
    for outcome in (Outcome.REFUTED, Outcome.UNKNOWN):
        if outcome in found:
            return outcome
    return Outcome.HELD


def whole_seconds(seconds: float) -> str:
    """A length of time as it is told: slots begin at whole seconds, what people do does not."""
    return format_duration(round(seconds))


def onset(departures: Sequence[Departure]) -> float | None:
    """When the first of several was left."""
    return min((each.onset for each in departures if each.onset is not None), default=None)


def _steady(
    line: SteadyLine, found: Sequence[tuple[str, Departure]], *, back_is_enough: bool
) -> Verdict:
    if not found:
        return Verdict(str(line), Outcome.UNKNOWN, "nothing is known of it")
    told = [(name, *_steady_of(each, back_is_enough=back_is_enough)) for name, each in found]
    for wanted in (Outcome.REFUTED, Outcome.UNKNOWN, Outcome.HELD):
        for name, outcome, why in told:
            if outcome is wanted:
                several = len(told) > 1 and outcome is not Outcome.HELD
                return Verdict(str(line), outcome, f"{name}: {why}" if several else why)
    raise AssertionError("every one has one of them")


def _steady_of(of: Departure, *, back_is_enough: bool) -> tuple[Outcome, str]:
    if of.onset is not None and not back_is_enough:
        return Outcome.REFUTED, "it did not hold all the time"
    if of.steady is False:
        return Outcome.REFUTED, "it did not hold at the end"
    if of.steady is None:
        return Outcome.UNKNOWN, "nothing shows that it held at the end"
    if not of.sure and not back_is_enough:
        return Outcome.UNKNOWN, "not all of the time is known"
    return Outcome.HELD, "all the time" if of.onset is None else "again at the end"


def _impact(line: Impact, measured: Measured) -> Verdict:
    courses = measured.courses.get(str(line.target), ())
    if not courses:
        return Verdict(str(line), Outcome.UNKNOWN, "nothing is known of it")
    told = [_impact_of(line, each, measured.moments) for each in courses]
    for outcome in (Outcome.REFUTED, Outcome.UNKNOWN, Outcome.HELD):
        for found, why in told:
            if found is outcome:
                return Verdict(str(line), outcome, why)
    raise AssertionError("every course has one of them")


def _impact_of(line: Impact, course: Course, moments: Moments) -> tuple[Outcome, str]:
    """What a course says of a line. What is not known can only make it worse."""
    figures = whole(course, moments)
    limit: float | None
    if line.error_ratio is not None:
        worst = peak(course, moments)
        value, limit = (worst.error_ratio if worst else None), line.error_ratio
        words = f"the peak was {percent(value)}" if value is not None else "there were no events"
    elif line.events is not None:
        value, limit = figures.bad, line.events
        words = f"{number(figures.bad)} events were bad"
    else:
        share = figures.bad / course.allowed if course.allowed else None
        if share is None and figures.bad == 0:
            share = 0.0
        value, limit = share, line.budget
        words = "the budget is not known" if share is None else f"it cost {percent(share)}"
    if value is None or limit is None:
        return Outcome.UNKNOWN, words
    if value > limit:
        return Outcome.REFUTED, words
    if figures.known < 1 - 1e-9:
        return Outcome.UNKNOWN, f"{words}, but {percent(1 - figures.known)} of the time is unknown"
    return Outcome.HELD, words


def _recovery(line: Recovery, departures: Sequence[Departure], moments: Moments) -> Verdict:
    first = onset(departures)
    if first is None:
        if all(each.sure for each in departures):
            return Verdict(str(line), Outcome.HELD, "nothing had to recover")
        return Verdict(str(line), Outcome.UNKNOWN, "not all of the time is known")
    left = [each for each in departures if each.onset is not None]
    since = first if line.since is Since.ONSET else moments.rolled_back
    back = [each.recovered for each in left if each.recovered is not None]
    if len(back) < len(left):
        waited = max(0.0, moments.end - since)
        enough = waited >= line.within and any(each.steady is False for each in left)
        outcome = Outcome.REFUTED if enough else Outcome.UNKNOWN
        return Verdict(str(line), outcome, f"not steady again {whole_seconds(waited)} later")
    took = max(0.0, max(back) - since)
    latest = max(0.0, max(each.latest for each in left if each.latest is not None) - since)
    words = f"it took {whole_seconds(took)}"
    if took > line.within:
        return Verdict(str(line), Outcome.REFUTED, words)
    if latest > line.within:
        words += f", or up to {whole_seconds(latest)}: some of it is not known"
        return Verdict(str(line), Outcome.UNKNOWN, words)
    return Verdict(str(line), Outcome.HELD, words)


def _detection(line: Detection, hypothesis: Hypothesis, measured: Measured) -> Verdict:
    bounds = [
        each
        for each in hypothesis.steady
        if isinstance(each, SliBound) and str(each.target) == str(line.target)
    ]
    first = onset([each for bound in bounds for _, each in measured.departures(bound)])
    since = measured.moments.first_slot if first is None else first
    alerts = [
        alert
        for course in measured.courses.get(str(line.target), ())
        for alert in course.alerts
        if alert.severity == line.severity and alert.end > since
    ]
    if not alerts:
        return Verdict(str(line), Outcome.REFUTED, f"no {line.severity} condition held")
    alert = min(alerts, key=lambda each: each.start)
    took = max(0.0, alert.start - since)
    outcome = Outcome.HELD if took <= line.within else Outcome.REFUTED
    return Verdict(str(line), outcome, f"{alert.conditions[0]} after {whole_seconds(took)}")
