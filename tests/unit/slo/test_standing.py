"""How conditions stand, against the rule written out for each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.slo.alerting import Alerting
from exporter.slo.budget import Window
from exporter.slo.durations import format_duration
from exporter.slo.model import LowTraffic
from exporter.slo.snapshot import Alert
from exporter.slo.standing import Standing
from exporter.slo.types import DAY, HOUR, MINUTE
from exporter.slo.windows import CONDITIONS, WINDOWS, BurnRateCondition
from tests.helpers.samples import slo

OWN = (BurnRateCondition("page", 0.05, HOUR, 5 * MINUTE), *CONDITIONS[1:])

SLOS = (
    slo("99.9"),
    slo("99", low_traffic=LowTraffic(min_events=50, min_bad_events=3)),
    slo("90"),
    slo("99.9", period=7 * DAY, alerting=Alerting(conditions=OWN)),
)

windows = st.dictionaries(
    st.sampled_from([format_duration(length) for length in WINDOWS]),
    st.builds(
        Window.of,
        bad=st.sampled_from([0.0, 1.0, 3.0, 70.0]),
        total=st.sampled_from([0.0, 40.0, 100.0]),
        known=st.sampled_from([0.0, 0.5, 1.0]),
        error_budget=st.sampled_from([0.001, 0.01, 0.1]),
    ),
)


def plain(of, period, shown):
    """Each condition that can hold."""
    for condition in of.conditions(period):
        both = [shown.get(format_duration(each)) for each in (condition.long, condition.short)]
        threshold = condition.threshold(period)
        if any(each is None or each.burn_rate is None for each in both):
            yield Alert(condition, threshold, firing=None, held=False)
            continue
        above = all(each.burn_rate > threshold for each in both)
        least = of.low_traffic
        enough = both[0].total >= least.min_events and both[0].bad >= least.min_bad_events
        yield Alert(condition, threshold, firing=above and enough, held=above and not enough)


class TestStanding:
    @given(st.lists(st.tuples(st.sampled_from(SLOS), windows), min_size=1, max_size=8))
    def test_each_condition_stands_by_its_two_windows(self, cases):
        """Of SLOs with other conditions, periods and traffic, one after the other."""
        standing = Standing()
        for of, shown in cases:
            for period in (of.period.seconds, 28 * DAY):
                found = standing.alerts(of, period, shown)
                assert found == tuple(plain(of, period, shown))

    def test_those_that_stand_alike_are_the_same_objects(self):
        """Also in the next evaluation, so that what is made of them need not be made again."""
        shown = {name: Window.of(0.0, 10.0, 1.0, 0.001) for name in ("5m", "30m", "1h", "6h")}
        first, later = (Standing().alerts(slo("99.9"), 30 * DAY, shown) for _ in range(2))
        assert all(one is other for one, other in zip(first, later, strict=True))
