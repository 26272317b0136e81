"""What if the objective were another: on the SLO's page, and over the API."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from exporter.daemon.backtests import LedgerBacktests
from exporter.evaluation.backtest import backtest_period
from exporter.slo.event_history import EventHistory
from exporter.slo.model import Objective
from exporter.slo.records import Change
from exporter.slo.types import DAY
from exporter.state.changes import ServiceChanges
from exporter.web.api.openapi import document
from tests.helpers.samples import AT, slo, snapshot, subject
from tests.helpers.web.asked import Web
from tests.helpers.web.documented import validate
from tests.helpers.web.shown import ONE, SPENT, history, shot

API = "/api/v1/backtest?service=auth&slo=availability"


def web() -> Web:
    """Thirty days of 1,000 events, 2 of each day bad: 99.9% spends twice its budget."""
    web = Web(shot())
    web.daemon.history = history(*([2.0] * 30))
    return web


def section(page: str) -> str:
    return page[page.index('id="what-if"') :]


def cells(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(<th scope=\"row\">.*?)</tr>", section(page), re.DOTALL)
    return [
        [re.sub(r"<.*?>", "", cell).strip() for cell in re.split(r"</t[hd]>", row)][:2]
        for row in rows
    ]


class TestPage:
    def test_has_a_form_and_asks_for_nothing_by_itself(self):
        """No script is needed, and nothing is replayed unless one asks."""
        page = section(web().page(ONE))
        assert '<form method="get" action="/slo/auth/availability#what-if"' in page
        assert 'name="objective"' in page
        assert "<table>" not in page

    def test_tells_of_the_objective_that_was_asked_for_beside_its_own(self):
        page = web().page(f"{ONE}?objective=99.5")
        assert cells(page) == [["99.5%", "60%"], ["99.9% now", "-100%"]]
        assert "99.5%, the strictest that would have held" in section(page)
        assert 'value="99.5"' in section(page)

    def test_counts_the_changes_that_the_gate_would_have_blocked(self):
        """The first is of when less than half of the period is known, and so is the gate."""
        made = Change("auth", "v1", AT - 20 * DAY), Change("auth", "v2", AT - DAY)
        noted = Web(replace(shot(), changes={"auth": made}))
        noted.daemon.history = history(*([2.0] * 30))
        page = section(noted.page(f"{ONE}?objective=99.5"))
        assert re.findall(r'data-label="Changes blocked">(.*?)<', page) == [
            *("0 of 1, 1 unknown", "1 of 1, 1 unknown")
        ]
        assert 'data-label="Changes blocked">none recorded<' in web().page(f"{ONE}?objective=99.5")

    def test_says_that_the_ledger_is_coarse(self):
        assert "slots of up to 1d" in section(web().page(f"{ONE}?objective=99.5"))

    @pytest.mark.parametrize("text", ["101", "0", "x", "99.9.9", "1e400", "<b>"])
    def test_says_what_is_wrong_with_an_objective(self, text):
        page = section(web().page(f"{ONE}?objective={text}"))
        assert "must be a percentage above 0 and below 100, such as 99.95" in page
        assert "<b>" not in page
        assert "<table>" not in page

    def test_goes_with_a_range_and_a_group(self):
        """One of whose labels may be called so as well."""
        one = subject(slo(group_by=("objective",)), groups={"objective": "gold"})
        grouped = Web(snapshot((one, SPENT)))
        grouped.daemon.history = history(*([2.0] * 30))
        page = grouped.page(f"{ONE}?objective=gold&range=7d&objective=99.5")
        assert cells(page)[0] == ["99.5%", "60%"]
        assert '<input type="hidden" name="objective" value="gold">' in page
        assert "<table>" not in section(grouped.page(f"{ONE}?objective=gold"))

    def test_nothing_is_known(self):
        empty = Web(shot())
        assert "<table>" not in section(empty.page(f"{ONE}?objective=99.5"))


class TestApi:
    def test_has_every_objective(self):
        answer = web().ask(f"{API}&objectives=99,99.5")
        validate(document("1.2.3"), "/api/v1/backtest", "get", 200, answer.json())
        [one] = answer.json()["data"]["backtests"]
        found = {each["objective"]: each["remaining"] for each in one["objectives"]}
        assert found == {
            0.99: pytest.approx(0.8),
            0.995: pytest.approx(0.6),
            0.999: pytest.approx(-1),
        }
        assert (one["recommended"], one["end"]) == (0.995, AT)

    def test_counts_the_changes_that_the_gate_would_have_blocked(self):
        asked = web()
        asked.daemon.noted = ServiceChanges(lambda: float(AT))
        asked.daemon.noted.take([Change("auth", "v1", AT - DAY), Change("well", "v2", AT - DAY)])
        [one] = asked.ask(f"{API}&objectives=99").json()["data"]["backtests"]
        told = [[each["changes"], each["changes_blocked"]] for each in one["objectives"]]
        assert told == [[1, 0], [1, 1]]

    def test_tries_the_usual_ones_by_itself(self):
        [one] = web().ask(API).json()["data"]["backtests"]
        assert [each["objective"] for each in one["objectives"]] == [
            *(0.99, 0.995, 0.999, 0.9995, 0.9999)
        ]

    @pytest.mark.parametrize(
        ("query", "status", "words"),
        [
            ("service=auth", 400, "slo is required"),
            ("service=auth&slo=x", 404, "no SLO auth/x is known"),
            ("service=auth&slo=availability&objectives=101", 400, "'101' must be a percentage"),
            (f"service=auth&slo=availability&objectives={'9,' * 9}9", 400, "8 at the most"),
            ("service=auth&slo=availability&range=1d", 400, "'range' is not known"),
            ("service=auth&slo=availability&slo=x", 400, "slo must be given only once"),
        ],
    )
    def test_says_what_is_wrong(self, query, status, words):
        answer = web().ask(f"/api/v1/backtest?{query}")
        assert answer.status_code == status
        assert words in answer.json()["error"]


class TestCost:
    def test_the_same_is_replayed_once(self):
        """Pages refresh; it is kept until the ledger is five minutes further."""
        [status] = shot().slos
        objectives = [Objective(0.995, 0.005)]

        old = history(*([2.0] * 30))
        newer = EventHistory(old.bounds + 600, old.bad, old.total, old.known)

        async def run() -> list[object]:
            kept = LedgerBacktests()
            return [await kept.of(status, each, objectives, 0.0) for each in (old, old, newer)]

        first, second, third = asyncio.run(run())
        assert first is second
        assert third is not first

    def test_of_a_period_whatever_the_ledger_has(self):
        """The replay begins with the first slot within the period."""
        found = backtest_period(history(*([2.0] * 30)), slo(period=7 * DAY), [])
        assert found.outcomes == ()
        assert found.end - found.start == 7 * DAY
