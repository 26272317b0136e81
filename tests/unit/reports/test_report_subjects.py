"""Which time and which SLOs a report is about."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.reports import spans
from exporter.reports.spans import ReportError, SpanError
from exporter.reports.subjects import chosen
from exporter.slo.period import CalendarPeriod
from tests.helpers.samples import slo, snapshot, subject

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone=UTC) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


class TestSpans:
    """Which time is meant."""

    NOW = at("2026-11-28T18:00")

    def test_the_calendar(self):
        """Months and quarters of a zone."""
        quarter = spans.quarter("2026-Q4", BERLIN, self.NOW)
        assert quarter.start == at("2026-10-01T00:00", BERLIN)
        assert quarter.end == at("2027-01-01T00:00", BERLIN)
        assert spans.quarter("current", BERLIN, self.NOW) == quarter
        assert spans.month("current", UTC, self.NOW).name == "November 2026"
        # The slot that ends as a month begins is of the month before.
        assert spans.month("current", UTC, at("2026-12-01T00:00")).name == "November 2026"
        december = spans.month("2025-12", UTC, self.NOW)
        assert december.end == at("2026-01-01T00:00")

    def test_what_was_before(self):
        """Months before a month, quarters before a quarter."""
        names = [each.name for each in spans.before(spans.month("2026-02", UTC, self.NOW), UTC, 3)]
        assert names == ["January 2026", "December 2025", "November 2025"]
        quarter = spans.quarter("2026-Q1", UTC, self.NOW)
        assert [each.name for each in spans.before(quarter, UTC, 2)] == ["Q4 2025", "Q3 2025"]
        last = spans.last("30d", self.NOW)
        assert [each.name for each in spans.before(last, UTC, 1)] == ["October 2026"]

    def test_an_slos_period(self):
        """Rolling, or the calendar's."""
        assert spans.of_period(slo().period, self.NOW).end == self.NOW
        month = spans.of_period(CalendarPeriod("month", "Europe/Berlin"), self.NOW)
        assert (month.name, month.start) == ("November 2026", at("2026-11-01T00:00", BERLIN))
        week = spans.of_period(CalendarPeriod("week"), self.NOW)
        assert week.name == "the week from 2026-11-23"
        assert spans.of_period(CalendarPeriod("year"), self.NOW).name == "2026"

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda now: spans.month("2027-01", UTC, now), "2027-01 is in the future: figures"),
            (lambda now: spans.quarter("2027-Q1", UTC, now), "2027-Q1 is in the future"),
            (lambda now: spans.month("2026-13", UTC, now), "'2026-13' is not a month: write"),
            (lambda now: spans.month("October", UTC, now), "write one as in 2026-10"),
            (lambda now: spans.quarter("2026-Q5", UTC, now), "write one as in 2026-Q4"),
            (lambda now: spans.last("soon", now), "'soon' is not a duration"),
            (lambda now: spans.last("10y", now), "10y must be from 1h to 400d"),
            (lambda _: spans.time_zone("Mars"), "'Mars' is not a time zone: write one as in"),
            (lambda _: spans.time_zone("../x"), "is not a time zone"),
        ],
    )
    def test_mistakes_say_what_would_be_right(self, make, words):
        """In a sentence."""
        with pytest.raises((SpanError, ReportError), match=words):
            make(self.NOW)


class TestChosen:
    """Which SLOs are meant."""

    SLOS = snapshot(
        *[
            (subject(slo(service=service, name=name, labels=labels)), (1.0, 1e6, 1.0))
            for service, name, labels in (
                ("auth", "availability", {"owner": "a"}),
                ("auth", "latency", {}),
                ("shop", "latency", {"owner": "b"}),
            )
        ]
    ).slos

    def names(self, **asked):
        return [f"{one.slo.service}/{one.slo.name}" for one in chosen(self.SLOS, **asked)]

    def test_by_service_name_and_owner(self):
        """Or all of them."""
        assert len(self.names()) == 3
        assert self.names(service="auth") == ["auth/availability", "auth/latency"]
        assert self.names(service="auth", slo="latency") == ["auth/latency"]
        assert self.names(owner="b") == ["shop/latency"]

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            ({"service": "aut"}, "no SLO of service 'aut' is known: did you mean 'auth'"),
            ({"service": "shop", "slo": "latncy"}, "shop has no SLO 'latncy': did you mean"),
            ({"owner": "zzz"}, "no SLO has the owner 'zzz': known are a, b"),
        ],
    )
    def test_what_is_not_there_is_said(self, asked, words):
        """With the nearest that is."""
        with pytest.raises(ReportError, match=words):
            chosen(self.SLOS, **asked)
