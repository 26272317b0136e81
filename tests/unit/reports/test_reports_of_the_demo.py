"""The reports of the demo's incident, over the API.

The scene takes some seconds: an engine lives through a month, and all tests of this file share it.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import orjson
import pytest

from exporter.reports.templates import TemplateText
from exporter.web.api.openapi import document
from exporter.web.reports.asked import KINDS
from tests.helpers.reports.demo_month import (
    DURING,
    END,
    ONSET,
    RECOVERED,
    LivedDaemon,
    Reporting,
    lived,
)
from tests.helpers.reports.examples import FOLDER, built
from tests.helpers.web.documented import validate

CHECKOUT = {"service": "checkout", "slo": "availability"}
ASKED = {
    "budget": {"month": "2026-10"},
    "postmortem": CHECKOUT,
    "incident": {"service": "checkout"},
    "slo": CHECKOUT,
    "handoff": {"since": "7d"},
}


@pytest.fixture(scope="module")
def after() -> Reporting:
    """After the incident."""
    return Reporting(lived().after)


@pytest.fixture(scope="module")
def during() -> Reporting:
    """While it goes on."""
    return Reporting(lived().during, LivedDaemon(past=False))


def of(name: str, after: Reporting, during: Reporting) -> Reporting:
    return during if name == "incident" else after


def data(reporting: Reporting, name: str, **query: str) -> dict:
    answer = reporting.ask(name, format="json", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_the_examples_are_current():
    """docs/examples/: `make examples` renews them."""
    files = {path.name: path.read_bytes().decode() for path in FOLDER.iterdir()}
    assert files == built()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_format_is_what_it_says(kind, after, during):
    """By its media type; JSON as the OpenAPI document has it."""
    reporting, query = of(kind.name, after, during), ASKED[kind.name]
    types = {"markdown": "text/markdown", "html": "text/html", "csv": "text/csv"}
    for form in kind.formats:
        answer = reporting.ask(kind.name, format=form, **query)
        assert answer.status_code == 200, answer.text
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type == types.get(form, "application/json")
        if form == "json":
            path = f"/api/v1/reports/{kind.name}"
            validate(document("1"), path, "get", 200, orjson.loads(answer.content))
        if form == "csv":
            rows = list(csv.reader(io.StringIO(answer.text, newline="")))
            assert len(rows) > 1
            assert {len(row) for row in rows} == {len(rows[0])}
    if "csv" not in kind.formats:
        refused = reporting.ask(kind.name, format="csv", **query)
        assert (refused.status_code, refused.json()["error"]) == (
            400,
            "format must be one of markdown, html, json",
        )


def test_html_is_one_file_with_charts(after):
    """The browser may fetch and run nothing."""
    answer = after.ask("budget", format="html", month="2026-10")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.text.count("<svg") == 4
    assert not re.search(r"<script|<link|<img|\son\w+=", answer.text)
    ids = re.findall(r'\sid="([^"]+)"', answer.text)
    assert len(ids) == len(set(ids))
    assert "<svg" in after.ask("postmortem", format="html", **CHECKOUT).text


class TestPostmortem:
    """What is known of the incident."""

    def test_its_impact_is_that_of_the_outage(self, after):
        """Four minutes at four times forty requests a second, all of which failed."""
        found = data(after, "postmortem", **CHECKOUT)
        incident = found["details"]["incident"]
        assert (incident["start"], incident["end"]) == (ONSET, RECOVERED)
        assert incident["bad"] == found["total"] == 4 * 60 * 4 * 40
        assert found["affected"] == incident["peak_error_ratio"] == 1.0
        assert incident["postmortem"] is True
        assert found["seconds"] == 240
        assert found["time_to_detect"] + found["time_to_recover"] == 240

    def test_its_timeline_is_in_order(self, after):
        """Onset, conditions, tier and gate, the override, the end."""
        entries = data(after, "postmortem", **CHECKOUT)["timeline"]
        moments = [entry["at"] for entry in entries]
        assert moments == sorted(moments)
        kinds = [entry["kind"] for entry in entries]
        for kind in ("onset", "peak", "condition", "tier", "gate", "override", "end"):
            assert kind in kinds, kind
        assert kinds[:2] == ["change", "onset"]
        texts = [entry["text"] for entry in entries]
        assert "Deploy gate: allow to block" in texts
        assert "kim overrides the gate until 2026-10-29 15:23 UTC: roll back to v1.2.2" in texts

    def test_the_change_before_it_is_told(self, after):
        """With its link, in all that tell of the incident."""
        text = after.ask("postmortem", **CHECKOUT).text
        link = "[v1.2.3](https://git.example.com/shop/checkout/releases/v1.2.3)"
        assert f"It began 5 min after the change {link}." in text
        assert f"checkout: {link}" in after.ask("handoff").text

    def test_an_earlier_incident_is_found_by_its_id(self, after):
        """Of a unknown one it says which there are."""
        budget = data(after, "budget", **CHECKOUT)
        first, last = (one["id"] for one in budget["slos"][0]["incidents"])
        assert data(after, "postmortem", incident=first, **CHECKOUT)["details"]["id"] == first
        assert data(after, "postmortem", incident="latest", **CHECKOUT)["details"]["id"] == last
        missing = after.ask("postmortem", incident="nope", **CHECKOUT)
        assert missing.status_code == 404
        assert f"has no incident 'nope': known are {last} (" in missing.json()["error"]

    def test_without_any_there_is_none(self, after):
        """And that is said."""
        answer = after.ask("postmortem", service="search", slo="latency")
        assert answer.status_code == 404
        assert answer.json()["error"].startswith("search/latency has no incident: within a year")


class TestIncident:
    """The update."""

    def test_it_says_how_things_stand(self, during):
        """Status, impact, action, and when the next update comes."""
        found = data(during, "incident", service="checkout", next="15m")
        [one] = found["incidents"]
        assert one["details"]["state"] == "burning"
        assert one["gate"] == "block"
        assert found["next_update"] == DURING + 900
        text = during.ask("incident", service="checkout").text
        assert text.startswith("# checkout: incident ongoing\n")
        assert "**Next update**: 2026-10-29 14:53 UTC" in text

    def test_once_it_is_over_there_is_none(self, after):
        """With the latest that was."""
        answer = after.ask("incident", service="checkout")
        assert answer.status_code == 404
        assert answer.json()["error"].startswith(
            "no incident is under way at checkout; the latest was of checkout/availability: 2026-10"
        )


class TestHandoff:
    """What is handed over."""

    def test_it_tells_what_is_open(self, after):
        """Incidents, postmortems, pages, tiers, overrides, maintenance."""
        found = data(after, "handoff")
        assert [one["identity"]["service"] for one in found["open"]] == ["auth"]
        assert {one["identity"]["service"] for one in found["postmortems"]} == {"auth", "checkout"}
        assert (found["pages"], found["pages_allowed"]) == (1, 5.0)
        assert [one["change"]["after"] for one in found["tiers"]] == ["freeze"]
        assert found["overrides"][0]["by"] == "kim"
        assert [one["what"] for one in found["changes"]] == ["v1.2.3"]
        assert found["maintenance"][0]["slos"] == ["checkout/availability"]

    def test_an_owner_gets_theirs(self, after):
        """And nobody else's."""
        found = data(after, "handoff", owner="team identity")
        assert found["slo_count"] == 2
        assert found["pages"] == 0
        assert found["overrides"] == found["maintenance"] == []
        assert found["subject"] == "the SLOs of team identity"

    def test_an_hour_has_an_hours_share_of_the_pages(self, after):
        """Five are those of a week."""
        found = data(after, "handoff", since="14d")
        assert found["pages_allowed"] == 10
        assert found["start"] == END - 14 * 86_400


@pytest.mark.parametrize(
    ("report", "query", "code", "words"),
    [
        ("budget", {"service": "chekout"}, 404, "did you mean 'checkout'"),
        ("budget", {"service": "checkout", "slo": "x"}, 404, "checkout has no SLO 'x'"),
        ("budget", {"owner": "nobody"}, 404, "no SLO has the owner 'nobody'"),
        ("budget", {"slo": "x"}, 400, "slo needs service"),
        ("budget", {"month": "2027-01"}, 404, "2027-01 is in the future"),
        ("budget", {"month": "2025-01"}, 404, "of January 2025: the ledger begins on 2026-09-29"),
        ("budget", {"month": "soon"}, 400, "'soon' is not a month"),
        ("budget", {"month": "current", "last": "7d"}, 400, "only one of month, quarter, last"),
        ("budget", {"last": "7 days"}, 400, "'7 days' is not a duration"),
        ("budget", {"time_zone": "Mars"}, 400, "'Mars' is not a time zone"),
        ("budget", {"moth": "2026-10"}, 400, "'moth' is not known: known are service"),
        ("budget", {"format": "pdf"}, 400, "format must be one of markdown, html, json, csv"),
        ("postmortem", {"service": "checkout"}, 400, "slo is required"),
        ("handoff", {"since": "0s"}, 400, "0s must be from 1h to 400d"),
        ("incident", {"service": "checkout", "next": "2w"}, 400, "next must be from 1m to 1d"),
    ],
)
def test_what_cannot_be_is_said(report, query, code, words, after):
    """In clear words, with what would be right."""
    answer = after.ask(report, **query)
    assert answer.status_code == code
    assert words in answer.json()["error"]


def test_times_are_in_the_zone_that_is_asked_for(after):
    """Otherwise in that of the periods."""
    text = after.ask("postmortem", time_zone="Europe/Berlin", **CHECKOUT).text
    assert "From 2026-10-29 15:20:00 CET to 2026-10-29 15:24:00 CET" in text
    assert "UTC" not in text


def test_a_teams_template_writes_the_report():
    """And one that is broken is named, with its line."""
    daemon = LivedDaemon()
    daemon.replaced = {"slo.md": TemplateText("mine/slo.md", "# {{ identity.service }}\n")}
    assert Reporting(lived().after, daemon).ask("slo", **CHECKOUT).text == "# checkout\n"
    daemon.replaced = {"slo.md": TemplateText("mine/slo.md", "\n{{ nothing }}\n")}
    answer = Reporting(lived().after, daemon).ask("slo", **CHECKOUT)
    assert answer.status_code == 500
    assert answer.json() == {
        "status": "error",
        "errorType": "template",
        "error": "mine/slo.md:2: 'nothing' is undefined",
    }


EVIL = "=x|<b>[y](javascript:z)</b>"


def test_what_people_wrote_is_no_markup(after):
    """Labels, descriptions, reasons and notes: in all formats of all reports."""
    shot, daemon = lived().after, LivedDaemon()
    [override] = daemon.kept.all
    daemon.kept.all = (replace(override, by=EVIL, why=EVIL),)
    statuses = tuple(
        replace(
            status,
            problem=EVIL,
            slo=replace(
                status.slo,
                labels={"owner": EVIL, "runbook": "javascript:alert(1)"},
                description=f"{EVIL}\n# {EVIL}",
                criticality=EVIL,
            ),
        )
        for status in shot.slos
    )
    reporting = Reporting(replace(shot, slos=statuses), daemon)
    for name in ("budget", "postmortem", "slo", "handoff"):
        html = reporting.ask(name, format="html", **ASKED[name]).text.partition("<main")[2]
        assert "<b>" not in html, name
        assert 'href="javascript' not in html, name
        assert "=x|&lt;b&gt;[y](javascript:z)&lt;/b&gt;" in html, name
    for name in ("budget", "handoff"):
        rows = csv.reader(io.StringIO(reporting.ask(name, format="csv", **ASKED[name]).text))
        cells = [cell for row in rows for cell in row]
        assert f"'{EVIL}" in cells
        assert not [cell for cell in cells if cell.startswith("=")]


def test_before_the_first_evaluation_there_is_nothing_to_report():
    """Rather than a report full of unknowns."""
    answer = Reporting(replace(lived().after, at=0)).ask("handoff")
    assert (answer.status_code, answer.json()["error"]) == (
        404,
        "there is no evaluation yet, or no recent one",
    )
