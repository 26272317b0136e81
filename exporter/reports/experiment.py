"""An experiment as a document: what was to be shown, what was done, and what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exporter.experiment.course import Moments
from exporter.experiment.hypothesis import SliBound
from exporter.experiment.judging import Outcome, Verdict
from exporter.experiment.result import Happening, Result, TargetResult
from exporter.experiment.steps import Wait
from exporter.slo.durations import format_duration

WIDTH = 72
"""Characters of a chart in text: one is a slot, or several if they are many."""

BARS = "▁▂▃▄▅▆▇█"

SENTENCES = {
    Outcome.HELD: "The hypothesis held.",
    Outcome.REFUTED: "The hypothesis was refuted.",
    Outcome.UNKNOWN: "Too little is known to say that the hypothesis held.",
    Outcome.ABORTED: "The experiment was aborted.",
    Outcome.REFUSED: "The experiment was refused: nothing was done.",
}


@dataclass(frozen=True, slots=True)
class Detected:
    """The condition that held first, and how many seconds after the onset."""

    name: str
    after: float


@dataclass(frozen=True, eq=False)
class TargetSection:
    """An SLO of an experiment: its figures, and a chart in text."""

    of: TargetResult
    detected: Detected | None
    took: float | None
    chart: str


@dataclass(frozen=True, eq=False)
class ExperimentReport:
    """The report. Times are Unix seconds, shares and ratios 0 to 1."""

    title: str
    description: str
    at: float
    outcome: str
    sentence: str
    file: str
    services: Sequence[str]
    why: Sequence[str]
    forced: str | None
    overruled: Sequence[str]
    notes: Sequence[str]
    undo: Sequence[str]
    verdicts: Sequence[Verdict]
    targets: Sequence[TargetSection]
    happened: Sequence[Happening]
    grain: int | None
    method: Sequence[str]
    rollback: Sequence[str]
    aborts: Sequence[str]


def experiment_report(of: Result) -> ExperimentReport:
    """The report of an experiment."""
    moments = of.measured.moments if of.measured else None
    experiment = of.experiment
    return ExperimentReport(
        title=experiment.title,
        description=experiment.description,
        at=of.at,
        outcome=str(of.outcome),
        sentence=SENTENCES[of.outcome],
        file=of.file,
        services=of.services,
        why=of.why,
        forced=of.forced,
        overruled=of.overruled,
        notes=of.notes,
        undo=of.undo,
        verdicts=of.verdicts,
        targets=[_section(each, moments) for each in of.targets] if moments else [],
        happened=of.happened,
        grain=moments.grain if moments else None,
        method=[_step(each) for each in experiment.method],
        rollback=[each.title for each in experiment.rollback],
        aborts=[str(each) for each in experiment.abort],
    )


def _step(step: Any) -> str:  # noqa: ANN401 - either kind of step
    if isinstance(step, Wait) or not step.name:
        return str(step.title)
    return f"{step.name}: {shlex.join(step.arguments)}"


def _section(of: TargetResult, moments: Moments) -> TargetSection:
    detected = None
    if of.detected is not None:
        name, at = of.detected
        detected = Detected(name, at - (moments.first_slot if of.onset is None else of.onset))
    took = None
    if of.onset is not None and of.recovered is not None:
        took = of.recovered - of.onset
    return TargetSection(of, detected, took, text_chart(of, moments))


def text_chart(of: TargetResult, moments: Moments) -> str:
    """The error ratio as a line of bars, and below it when things happened."""
    history = of.history.possible(strict=False)
    start, end = max(moments.baseline, float(history.bounds[0])), moments.end
    slots = max(1, round((end - start) / moments.grain))
    several = -(-slots // WIDTH)
    each = several * moments.grain
    count = -(-slots // several)
    buckets = history.between([start + i * each for i in range(count)] + [end])
    ratios = buckets.error_ratios()
    highest = max([ratio or 0.0 for ratio in ratios] or [0.0])
    line = "".join(_bar(ratio, highest) for ratio in ratios)
    marks = [" "] * len(line)
    for at, mark in ((moments.begin, "B"), (moments.rolled_back, "R")):
        place = min(len(marks) - 1, max(0, int((at - start) // each)))
        marks[place] = mark
    legend = (
        f"error ratio, {format_duration(each)} a bar, {highest * 100:.3g}% at the highest; "
        "B: first step, R: rolled back"
    )
    return "\n".join([line, "".join(marks).rstrip(), legend])


def _bar(ratio: float | None, highest: float) -> str:
    if ratio is None:
        return "?"
    if ratio <= 0 or highest <= 0:
        return BARS[0]
    return BARS[min(len(BARS) - 1, 1 + int(ratio / highest * (len(BARS) - 1.001)))]


def as_json(of: Result) -> dict[str, object]:
    """The same for programs; what is not known is null."""
    report, moments = experiment_report(of), of.measured.moments if of.measured else None
    bounds = [
        {"slo": str(line.target), "error_ratio": line.at_most, "window": line.window}
        for line in of.experiment.hypothesis.steady
        if isinstance(line, SliBound)
    ]
    return {
        "title": report.title,
        "outcome": report.outcome,
        "at": report.at,
        "file": report.file,
        "services": list(report.services),
        "why": list(report.why),
        "forced": report.forced,
        "overruled": list(report.overruled),
        "notes": list(report.notes),
        "undo": list(report.undo),
        "begin": moments.begin if moments else None,
        "rolled_back": moments.rolled_back if moments else None,
        "end": moments.end if moments else None,
        "grain": report.grain,
        "bounds": bounds,
        "verdicts": [
            {"line": each.line, "outcome": str(each.outcome), "why": each.why}
            for each in report.verdicts
        ],
        "slos": [_target(each) for each in of.targets],
        "timeline": [
            {"at": each.at, "kind": each.kind, "text": each.text} for each in report.happened
        ],
    }


def _target(of: TargetResult) -> dict[str, object]:
    return {
        "slo": of.name,
        "phases": [
            {
                "phase": each.phase,
                "start": each.start,
                "end": each.end,
                "bad": each.bad,
                "total": each.total,
                "error_ratio": each.error_ratio,
                "known": each.known,
            }
            for each in of.phases
        ],
        "peak": None
        if of.peak is None
        else {
            "at": of.peak.at,
            "error_ratio": of.peak.error_ratio,
            "bad": of.peak.bad,
            "total": of.peak.total,
        },
        "lost": of.lost,
        "total": of.total,
        "expected": of.expected,
        "budget_share": of.share,
        "onset": of.onset,
        "recovered": of.recovered,
        "detected": None
        if of.detected is None
        else {"condition": of.detected[0], "at": of.detected[1]},
        "unknown_seconds": of.unknown,
    }
