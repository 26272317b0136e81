"""The report of an experiment, as Markdown, JSON and HTML."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC
from html.parser import HTMLParser

from exporter.experiment.judging import Outcome
from exporter.experiment.result import Result, refused
from exporter.reports.experiment import as_json, experiment_report
from exporter.reports.templates import Templates
from exporter.web.pages.documents import document
from exporter.web.pages.experiment_charts import experiment_charts
from tests.helpers.experiments.example import example, written


def text(of: Result) -> str:
    report = experiment_report(of)
    values = {name: getattr(report, name) for name in report.__dataclass_fields__}
    return Templates().write("experiment", values, UTC)


def test_it_tells_the_figures_the_timeline_and_leaves_room():
    lines = written().splitlines()
    assert lines[0] == "# Experiment: The shop's worker is killed, 2026-10-29"
    assert "**The hypothesis held.**" in lines
    assert "| during | 14:00:00 | 14:00:35 | 336 | 2,775 | 12.1% |" in lines
    assert "| Peak | 41.5% at 2026-10-29 14:00:10 UTC |" in lines
    assert "| Recovered | 2026-10-29 14:00:15 UTC, 13 s after the onset |" in lines
    assert "| 2026-10-29 14:00:02 UTC | step 1: kill the worker |" in lines
    assert "## Action items" in lines


def test_the_timeline_is_in_order_and_nothing_began_before_the_first_step():
    of = example()
    times = [each.at for each in of.happened]
    assert times == sorted(times)
    assert of.measured is not None
    assert times[0] == of.measured.moments.begin


def test_its_chart_shows_when_it_failed_and_what_was_done():
    of = experiment_report(example()).targets[0].chart.splitlines()
    bars, marks, legend = of
    assert bars.index("█") == marks.index("B") == 30
    assert marks.index("R") == 33
    assert legend.startswith("error ratio, 10s a bar, 33.8% at the highest")


def test_programs_get_the_same():
    found = json.loads(json.dumps(as_json(example())))
    assert found["outcome"] == "held"
    [of] = found["slos"]
    assert (of["lost"], of["total"]) == (336, 12_375)
    assert of["phases"][0]["phase"] == "baseline"
    assert found["bounds"] == [{"slo": "shop/availability", "error_ratio": 0.01, "window": 10}]


def test_the_page_has_a_chart_and_runs_nothing():
    of = example()
    charts = experiment_charts(of)
    report = experiment_report(of)
    values = {name: getattr(report, name) for name in report.__dataclass_fields__}
    page = document(Templates().write("experiment", values, UTC, charts), charts)

    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.seen: set[str] = set()

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.seen.add(tag)

    tags = Tags()
    tags.feed(page)
    assert "svg" in tags.seen
    assert "script" not in tags.seen
    assert "steady: 1%" in page
    assert "error ratio, 10s a bar" not in page  # the chart in text is where there is no other


def test_one_that_was_refused_says_why():
    of = example()
    told = text(refused(of.experiment, "e.yaml", of.at, ["the tier freeze blocks"], ["shop"]))
    assert "**The experiment was refused: nothing was done.** the tier freeze blocks." in told
    assert "## Hypothesis" not in told


def test_what_was_forced_and_what_is_not_undone_are_told():
    of = replace(
        example(),
        outcome=Outcome.ABORTED,
        why=("the rollback failed",),
        forced="a game day",
        overruled=("the tier freeze blocks",),
        undo=("tc qdisc del dev eth0 root",),
    )
    told = text(of)
    assert "| Forced | a game day |" in told
    assert "- the tier freeze blocks" in told
    assert "**The rollback failed.** Undo by hand:" in told
    assert "- `tc qdisc del dev eth0 root`" in told


def test_markup_of_others_is_text():
    of = example()
    evil = replace(of, experiment=replace(of.experiment, title="<b>x</b> | [a](b)"))
    assert "<b>x</b>" not in text(evil)
