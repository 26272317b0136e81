"""Overrides: their limits, and how they get onto a snapshot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exporter.slo.overrides import (
    OverrideError,
    OverrideLimits,
    QuotaError,
    check,
    count,
    with_overrides,
)
from exporter.slo.records import Override
from tests.helpers.samples import slo, snapshot, subject

HOUR = 3_600
WELL = (1.0, 1_000_000.0, 1.0)
LIMITS = OverrideLimits()


def at(text: str) -> float:
    """Unix seconds of a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def override(start: str = "2026-11-24", hours: float = 4, **of: object) -> Override:
    begin = at(start)
    made = Override("auth", None, "ada", "a hotfix", begin, begin + hours * HOUR)
    return replace(made, **of)


class TestLimits:
    def test_the_longest_is_three_days(self):
        """Including these, and not a second more."""
        check(override(hours=72), [], LIMITS)
        with pytest.raises(OverrideError, match="an override may last 3d at the most"):
            check(override(hours=72 + 1 / HOUR), [], LIMITS)
        check(override(hours=73), [], OverrideLimits(longest=80 * HOUR))

    @pytest.mark.parametrize("hours", [0, -1])
    def test_one_that_is_over_already_is_none(self, hours):
        """It would count and do nothing."""
        with pytest.raises(OverrideError, match="until must be in the future"):
            check(override(hours=hours), [], LIMITS)

    def test_a_service_has_three_in_a_quarter(self):
        """Also those of single SLOs."""
        before = [
            override("2026-10-01"),
            override("2026-11-01", slo="latency"),
            override("2026-11-02", hours=1),
        ]
        check(override(), before[:2], LIMITS)
        with pytest.raises(
            QuotaError,
            match="auth has had its 3 overrides of this quarter; "
            "the next quarter begins on 2027-01-01",
        ):
            check(override(), before, LIMITS)
        check(override(service="mail"), before, LIMITS)
        check(override("2027-01-01"), before, LIMITS)
        check(override(), before, OverrideLimits(per_quarter=4))

    def test_short_ones_use_little_of_it(self):
        """Three of a minute leave the quota as good as whole; sixty of a minute are one."""
        minute = 1 / 60
        minutes = [override("2026-11-01", hours=minute)] * 3
        check(override(), [*minutes, *[override()] * 2], LIMITS)
        with pytest.raises(QuotaError):
            check(override(hours=minute), [*minutes, *[override()] * 3], LIMITS)
        with pytest.raises(QuotaError):
            check(override(), [override(hours=minute)] * 181, LIMITS)

    def test_one_that_was_ended_early_counts_for_the_time_in_which_it_held(self):
        """Whoever gives back what is not needed has it later."""
        ended = override("2026-11-02", until=at("2026-11-02") + 60)
        check(override(), [override(), override(), ended], LIMITS)

    def test_a_quota_of_none_allows_none(self):
        """A team that wants no overrides."""
        with pytest.raises(QuotaError, match="has had its 0 overrides"):
            check(override(), [], OverrideLimits(per_quarter=0))

    def test_a_quarters_first_moment_is_its_own(self):
        """In UTC, to the second."""
        overrides = [override("2026-09-30T23:59:59"), override("2026-10-01"), override()]
        assert count(overrides, at("2026-10-01")) == {"auth": 2}
        assert count(overrides, at("2026-12-31T23:59:59.9")) == {"auth": 2}
        assert count(overrides, at("2026-09-30T23:59:59.9")) == {"auth": 1}
        assert count(overrides, at("2027-01-01")) == {}


class TestSnapshot:
    SHOT = snapshot(
        (subject(slo()), WELL),
        (subject(slo(name="latency")), WELL),
        (subject(slo(service="mail")), WELL),
    )

    def test_every_slo_gets_the_one_in_force(self):
        """And every service the number of its overrides, none included."""
        ended, whole = override("2026-11-01"), override()
        own = override(slo="latency", hours=8)
        found = with_overrides(self.SHOT, [ended, whole, own], at("2026-11-24T01"))
        assert [status.override for status in found.slos] == [whole, own, None]
        assert found.overrides == {"auth": 3, "mail": 0}

    def test_one_that_is_over_goes(self):
        """At its end, with the next evaluation."""
        found = with_overrides(self.SHOT, [override()], at("2026-11-24T03:59:59"))
        assert found.slos[0].override
        found = with_overrides(found, [override()], at("2026-11-24T04"))
        assert found.slos[0].override is None
