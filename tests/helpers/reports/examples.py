"""The reports of docs/examples/: those of the demo's incident and of an experiment, at fixed times.

`make examples` runs this: python -m tests.helpers.reports.examples
"""

from __future__ import annotations

from tests.helpers.experiments.example import written as experiment
from tests.helpers.paths import ROOT
from tests.helpers.reports.demo_month import LivedDaemon, Reporting, lived

FOLDER = ROOT / "docs/examples"

CHECKOUT = {"service": "checkout", "slo": "availability"}


def built() -> dict[str, str]:
    """The text of each file, by its name."""
    after = Reporting(lived().after)
    during = Reporting(lived().during, LivedDaemon(past=False))
    answers = {
        "budget.md": after.ask("budget", month="2026-10"),
        "budget.csv": after.ask("budget", month="2026-10", format="csv"),
        "postmortem.md": after.ask("postmortem", **CHECKOUT),
        "incident.md": during.ask("incident", service="checkout"),
        "slo.md": after.ask("slo", **CHECKOUT),
        "handoff.md": after.ask("handoff", since="7d"),
    }
    texts = {name: answer.raise_for_status().text for name, answer in answers.items()}
    return {**texts, "experiment.md": experiment()}


def write() -> None:
    """Write the files, and leave none besides."""
    FOLDER.mkdir(exist_ok=True)
    files = built()
    for path in FOLDER.iterdir():
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    write()
