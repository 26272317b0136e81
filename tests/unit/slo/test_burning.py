"""The sentence that says what burns, and figures as people write them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.slo import figures
from exporter.slo.burning import sentence, worst_severity
from exporter.slo.model import EventsSli, LatencySli, ProbeSli, RatioSli, ThresholdSli
from exporter.slo.records import Firing
from exporter.slo.snapshot import SloStatus
from exporter.slo.types import DAY, HOUR
from tests.helpers.samples import AT, every_window, slo, status, subject

BURNING = (47.0, 1_000.0, 1.0)
PAGE = Firing("page", HOUR, 300, AT - 840, AT, open=True)


def burning(period: tuple[float, float, float], *firings: Firing, **of: object) -> SloStatus:
    """4.7% fail in every window but the period's."""
    one = slo(**of)
    found = status(subject(one), every_window(one, BURNING, period=period))
    return replace(found, firings=firings)


HALF = (500.0, 1_000_000.0, 1.0)
SPENT = (3_000.0, 1_000_000.0, 1.0)


class TestSentence:
    def test_it_says_what_fails_what_is_left_how_fast_it_goes_and_since_when(self):
        """In this order; the oldest firing of the severity is what it began with."""
        late = replace(PAGE, long=6 * HOUR, short=1_800, start=AT - 60)
        ended = replace(PAGE, start=AT - DAY, end=AT - HOUR, open=False)
        assert sentence(burning(HALF, ended, PAGE, late), AT) == (
            "4.7% of events fail, 0.1% allowed; 50% of the budget is left, "
            "1.04% goes every 10 minutes; since 22:01 UTC"
        )

    def test_a_budget_that_is_spent_is_overspent_by_something(self):
        """Nothing of it is left."""
        assert "; the budget is overspent by 200%, 1.09% goes every 10 minutes" in str(
            sentence(burning(SPENT), AT)
        )

    def test_what_is_over_already_is_not_said_to_go_on(self):
        """A ticket's windows are long: it fires for hours after the last failure."""
        one = slo()
        windows = every_window(one, (20.0, 1_000.0, 1.0), period=HALF)
        windows |= dict.fromkeys(("5m", "30m"), (0.0, 1_000.0, 1.0))
        assert sentence(status(subject(one), windows), AT) == (
            "2% of events fail over 2h, 0.1% allowed; 0% over the last 5m; "
            "50% of the budget is left"
        )

    def test_nothing_is_said_of_what_does_not_fire(self):
        """Whatever its budget."""
        calm = status(subject(slo()), (0.0, 1_000.0, 1.0))
        assert sentence(calm, AT) is None
        assert worst_severity(calm) is None

    def test_a_page_is_worse_than_a_ticket(self):
        """Both fire here; only the ticket's windows are above its threshold there."""
        assert worst_severity(burning(HALF)) == "page"
        one = slo()
        slow = every_window(one, (4.0, 1_000.0, 1.0))
        assert worst_severity(status(subject(one), slow)) == "ticket"

    @pytest.mark.parametrize(
        ("sli", "text"),
        [
            (EventsSli(total="a", bad="b"), "4.7% of events fail, "),
            (LatencySli("a", 0.3), "4.7% of requests are slower than 300ms, "),
            (LatencySli("a", 2.5), "4.7% of requests are slower than 2.5s, "),
            (LatencySli("a", 60.0), "4.7% of requests are slower than 1m, "),
            (ProbeSli("a"), "4.7% of probes fail, "),
            (RatioSli(error="a"), "the error ratio is 4.7%, "),
            (ThresholdSli("a", "<", 80.0), "the value is not < 80 4.7% of the time, "),
        ],
    )
    def test_it_speaks_of_what_is_measured(self, sli, text):
        """Requests are slow, probes fail, and a value is out of bounds for some time."""
        assert str(sentence(burning(HALF, sli=sli), AT)).startswith(text)

    def test_yesterday_has_a_date(self):
        """A time alone would be taken for today's."""
        old = replace(PAGE, start=AT - DAY)
        assert str(sentence(burning(HALF, old), AT)).endswith("; since 2023-11-13 22:15 UTC")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1000.0, "1,000"),
        (-58_900.4, "-58,900"),
        (99.97, "100"),
        (14.4, "14.4"),
        (0.1, "0.1"),
        (0.000012345, "0.0000123"),
        (1.0, "1"),
        (123_456_789.0, "123,456,789"),
    ],
)
def test_a_number_has_no_exponent(value, text):
    """Three digits, or all of those before the point."""
    assert figures.number(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.0, "100%"),
        (0.99999, "99.9%"),
        (0.64, "64%"),
        (0.00001, "less than 0.1%"),
        (0.0, "0%"),
        (-0.5, "-50%"),
        (-589.0, "-58,900%"),
    ],
)
def test_what_is_left_is_not_rounded_to_all_or_nothing(ratio, text):
    """Somebody decides by it."""
    assert figures.left(ratio) == text


@pytest.mark.parametrize(
    ("burn_rate", "text"), [(0.0, "0"), (1000.0, "1,000x"), (14.4, "14.4x"), (0.05, "0.05x")]
)
def test_a_rate(burn_rate, text):
    """Without an exponent; none is 0."""
    assert figures.rate(burn_rate) == text


@pytest.mark.parametrize(
    ("per_second", "text"),
    [
        (1 / 60, "100% goes every minute"),
        (0.02 / 60, "2% goes every minute"),
        (0.02 / 600, "2% goes every 10 minutes"),
        (0.02 / 3600, "2% goes every hour"),
        (0.001 / 86_400, "0.1% goes every day"),
    ],
)
def test_the_pace_is_told_in_a_time_in_which_something_happens(per_second, text):
    """At least a hundredth, unless not even a day is enough."""
    assert figures.pace(per_second) == text
