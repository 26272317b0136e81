"""The operator's handbook is held against the program."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry

from exporter.commands.run import run
from exporter.exposition.self_metrics import PREFIX, SelfFigures, SelfMetrics, StoreFigures
from tests.helpers.deploy.deployed import ROOT

HANDBOOK = (ROOT / "docs/operating.md").read_text()


def own_metrics() -> set[str]:
    """The exporter's metrics about itself, without their prefix."""
    metrics = SelfMetrics(CollectorRegistry(), lambda: SelfFigures(store=StoreFigures()))
    names = (
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    )
    return {name.removeprefix(f"{PREFIX}_") for name in names if name.startswith(f"{PREFIX}_")}


def anchors(text: str) -> set[str]:
    """What a link into a document may name: its headings, as GitHub and GitLab spell them."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_metric_about_the_exporter_is_in_the_handbook():
    """With what to do about it, in the table that is made for it, and no other is."""
    table = HANDBOOK.partition("\n## Metrics about the exporter itself\n")[2].partition("\n## ")[0]
    named = {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert own_metrics() == named


def test_every_flag_of_the_daemon_is_in_the_handbook():
    """What `run --help` lists is described."""
    flags = {option for flag in run.params for option in flag.opts}
    assert "--config.file" in flags
    assert not {flag for flag in flags if f"`{flag}`" not in HANDBOOK}


def test_links_within_the_handbook_lead_to_headings():
    """Runbooks refer to one another by them."""
    links = set(re.findall(r"\]\(#([^)]*)\)", HANDBOOK))
    assert len(links) > 10
    assert links <= anchors(HANDBOOK)
