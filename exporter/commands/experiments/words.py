"""An experiment in lines to read: its plan, and what it came to."""

from __future__ import annotations

import shlex

from exporter.experiment.judging import Outcome, whole_seconds
from exporter.experiment.plan import Experiment
from exporter.experiment.result import Result, TargetResult
from exporter.experiment.steps import Wait
from exporter.slo.durations import format_duration
from exporter.slo.figures import number, percent, second

SENTENCES = {
    Outcome.HELD: "HELD: the hypothesis held.",
    Outcome.REFUTED: "REFUTED: the hypothesis did not hold.",
    Outcome.UNKNOWN: "NOT SHOWN: too little is known to say that the hypothesis held.",
    Outcome.ABORTED: "ABORTED",
    Outcome.REFUSED: "REFUSED: nothing was done.",
}


def plan_lines(of: Experiment) -> list[str]:
    """What would be done, in order."""
    lines = [of.title, ""]
    lines += [f"  steady     {each}" for each in of.hypothesis.steady]
    lines += [f"  impact     {each}" for each in of.hypothesis.impact]
    if of.hypothesis.recovery is not None:
        lines.append(f"  recovery   {of.hypothesis.recovery}")
    lines += [f"  detection  {each}" for each in of.hypothesis.detection]
    lines += [f"  abort      {each}" for each in of.abort]
    lines.append("")
    lines.append(f"  baseline   {format_duration(of.baseline)}")
    for number_, step in enumerate(of.method, 1):
        lines.append(f"  step {number_:<5} {step.title}")
        if not isinstance(step, Wait) and step.name:
            lines.append(f"             {shlex.join(step.arguments)}")
    lines += [f"  rollback   {each.title}" for each in of.rollback]
    lines += [f"  watch      {format_duration(of.watch)}", ""]
    return lines


def closing(of: Result) -> list[str]:
    """What it came to."""
    first = SENTENCES[of.outcome]
    if of.outcome is Outcome.ABORTED:
        first = f"{first}: {'; '.join(of.why)}"
    lines = ["", first]
    if of.outcome is Outcome.REFUSED:
        lines += [f"  {each}" for each in of.why]
        return lines
    for each in of.verdicts:
        lines.append(f"  {each.outcome:<8} {each.line}: {each.why}")
    for target in of.targets:
        lines += _figures(target)
    lines += [f"  note: {each}" for each in of.notes]
    return lines


def _figures(of: TargetResult) -> list[str]:
    lines = ["", f"  {of.name}"]
    for each in of.phases:
        ratio = "no traffic" if each.error_ratio is None else f"{percent(each.error_ratio)} bad"
        lines.append(
            f"    {each.phase:<9} {ratio:<12} {number(each.bad)} of {number(each.total)} events"
        )
    if of.onset is not None:
        lines.append(f"    onset     {second(of.onset)}")
    if of.peak is not None and of.onset is not None:
        lines.append(f"    peak      {percent(of.peak.error_ratio)} at {second(of.peak.at)}")
    if of.detected is not None:
        name, at = of.detected
        after = whole_seconds(at - (of.onset if of.onset is not None else of.phases[0].end))
        lines.append(f"    detected  {name} after {after}")
    if of.recovered is not None and of.onset is not None:
        took = whole_seconds(of.recovered - of.onset)
        lines.append(f"    recovered {second(of.recovered)}, {took} after the onset")
    share = "" if of.share is None else f", {percent(of.share)} of a period's budget"
    lines.append(f"    lost      {number(of.lost)} events{share}")
    if of.unknown:
        lines.append(f"    unknown   {format_duration(of.unknown)} of it")
    return lines
