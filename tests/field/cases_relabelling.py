"""Counters that go on under other labels, another name, or at another Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from tests.field.case import FieldCase, Truth
from tests.field.cases_births import WATCH, availability
from tests.field.kit import HOUR, Series, counter, gauge, relabelled, scrapes, up


def target(metric: str) -> dict[str, str]:
    """A target of the case's own, since all cases share a server."""
    return {"job": metric, "instance": "a:80"}


LIFETIME = {"200": 950_000.0, "500": 50_000.0}
"""What the counters stand at; all of it was counted long ago."""


def counters(metric: str, times: list[float], lifetime: dict[str, float], **more) -> list[Series]:
    """10 requests a second, none of which fails."""
    rates = {"200": 10, "500": 0}
    return [
        counter(metric, rates[code], times, first=first, code=code, **{**target(metric), **more})
        for code, first in lifetime.items()
    ]


def relabelling(
    story: str,
    metric: str,
    before: dict[str, str],
    lifetime: dict[str, float],
    *,
    truth: Truth,
    words: tuple[str, ...] = (),
    of_target: bool = False,
    until: float | None = None,
    restart: bool = False,
    started: bool = False,
    **changed: str | None,
) -> FieldCase:
    """Labels change an hour ago, those of the target or only those of its metrics."""

    def series(now: int):
        times, at = scrapes(now), now - HOUR
        found: list[Series] = []
        for each in counters(metric, times, lifetime, **before):
            if restart:
                each.samples = each.before(at) + [
                    (t, value - each.since(at)[0][1] + 5) for t, value in each.since(at)
                ]
            old, *new = relabelled(each, at, **changed)
            if until is not None:
                again = each.since(now + until)
                new[0].samples = [sample for sample in new[0].samples if sample[0] < now + until]
                old.samples += again
            found += [old, *new]
        scraped = up(times, **target(metric), **(before if of_target else {}))
        found += relabelled(scraped, at, **changed) if of_target else [scraped]
        if started:
            found.append(gauge("process_start_time_seconds", 1e9, times, **target(metric)))
        return found

    return FieldCase(
        story,
        series,
        availability(metric),
        (truth,),
        words,
        polled=WATCH,
        rule=f'increase({metric}{{code="500"}}[2h])',
    )


EXACT = Truth("2h", bad=0, total=72_000)
FROM_THE_FIRST_SAMPLE = Truth("2h", bad=0, total=71_700)
"""The events between two scrapes are not counted: as ever where a target begins."""


def label_added() -> FieldCase:
    return relabelling(
        "Metric relabeling adds a label to the series of a target; nothing restarts.",
        "label_added_total",
        {},
        LIFETIME,
        truth=EXACT,
        team="x",
    )


def label_dropped() -> FieldCase:
    return relabelling(
        "Metric relabeling drops a label from the series of a target.",
        "label_dropped_total",
        {"team": "x"},
        LIFETIME,
        truth=EXACT,
        team=None,
    )


def label_value_changed() -> FieldCase:
    return relabelling(
        "Metric relabeling gives a label another value; no process counts 50,000 in 30 s.",
        "label_changed_total",
        {"zone": "a"},
        LIFETIME,
        truth=EXACT,
        zone="b",
    )


def label_value_changed_with_little_traffic() -> FieldCase:
    return relabelling(
        "The same, where the counters stand so low that they may have been born.",
        "label_little_total",
        {"zone": "a"},
        {"200": 90.0, "500": 20.0},
        truth=Truth("2h", bad=0, total=71_700, unknown=30),
        words=("where another series of its target ended",),
        zone="b",
    )


def label_value_changed_in_the_same_process() -> FieldCase:
    return relabelling(
        "The same again, where the process tells when it was started.",
        "label_process_total",
        {"zone": "a"},
        {"200": 90.0, "500": 20.0},
        truth=EXACT,
        started=True,
        zone="b",
    )


def label_added_by_a_release() -> FieldCase:
    return relabelling(
        "A new version adds a label: the process has restarted, and counts from zero.",
        "label_release_total",
        {},
        LIFETIME,
        truth=Truth("2h", bad=5, total=71_700 + 10),
        restart=True,
        version="2",
    )


def label_added_for_ten_minutes() -> FieldCase:
    return relabelling(
        "A relabeling is taken back after ten minutes: the old series are there again.",
        "label_for_a_while_total",
        {},
        LIFETIME,
        truth=EXACT,
        until=-HOUR + 600,
        team="x",
    )


def target_label_added() -> FieldCase:
    return relabelling(
        "A label is added to a target: its `up` changes together with its counters.",
        "target_added_total",
        {},
        LIFETIME,
        truth=FROM_THE_FIRST_SAMPLE,
        of_target=True,
        team="x",
    )


def target_label_dropped() -> FieldCase:
    return relabelling(
        "A label is dropped from a target: the older `up` has more labels than the counters.",
        "target_dropped_total",
        {"zone": "a"},
        LIFETIME,
        truth=FROM_THE_FIRST_SAMPLE,
        of_target=True,
        zone=None,
    )


def target_moved_to_another_shard() -> FieldCase:
    return relabelling(
        "Another shard of Prometheus takes over a target.",
        "target_moved_total",
        {"shard": "0"},
        LIFETIME,
        truth=FROM_THE_FIRST_SAMPLE,
        of_target=True,
        shard="1",
    )


def second_replica_added() -> FieldCase:
    def series(now: int):
        times, at = scrapes(now), now - HOUR
        found = [up([t for t in times if t < at], **target("replica_added_total"))]
        for each in counters("replica_added_total", times, LIFETIME):
            found.append(Series(each.labels, each.before(at)))
            for replica, late in (("a", 0), ("b", 11)):
                samples = [(t + late, value) for t, value in each.since(at)]
                found.append(Series({**each.labels, "replica": replica}, samples))
        for replica, late in (("a", 0), ("b", 11)):
            after = [t + late for t in times if t >= at]
            found.append(up(after, **target("replica_added_total"), replica=replica))
        return found

    return FieldCase(
        "A second replica is added, and external labels tell the two apart from then on.",
        series,
        availability("replica_added_total"),
        (Truth("2h", bad=0, total=35_700 + 36_000 + 35_700),),
        polled=WATCH,
        rule='increase(replica_added_total{code="500"}[2h])',
    )


def metric_renamed() -> FieldCase:
    def series(now: int):
        times, at = scrapes(now), now - HOUR
        found = [up(times, **target("renamed_old_total"))]
        for each in counters("renamed_old_total", times, LIFETIME):
            found += relabelled(each, at, __name__="renamed_new_total")
        return found

    def both(matchers: str) -> str:
        names = ("renamed_old_total", "renamed_new_total")
        return " + ".join(f"sum(rate({name}{matchers}[$window]))" for name in names)

    return FieldCase(
        "A metric is renamed, and the SLO adds up both names.",
        series,
        f"""
prometheus: {{url: PROM_URL, scrape_interval: 30s}}
slos:
  - service: shop
    name: availability
    objective: 99
    period: 2h
    sli:
      query:
        bad: {both('{code="500"}')}
        total: {both("")}
""",
        (EXACT,),
        polled=WATCH,
        rule='increase(renamed_new_total{code="500"}[2h])',
    )


def selector_of_the_new_label_alone() -> FieldCase:
    case = label_added_for_selector()
    config = case.config.replace('code="500"', 'code="500", team="x"').replace(
        "total: narrow_total", 'total: narrow_total{team="x"}'
    )
    return FieldCase(
        "The SLO selects by a label that was added an hour ago.",
        case.series,
        config,
        (Truth("2h", bad=0, total=36_300, unknown=3_570),),
        polled=WATCH,
        rule='increase(narrow_total{code="500", team="x"}[2h])',
    )


def label_added_for_selector() -> FieldCase:
    return relabelling("", "narrow_total", {}, LIFETIME, truth=EXACT, team="x")


CASES: list[Callable[[], FieldCase]] = [
    label_added,
    label_dropped,
    label_value_changed,
    label_value_changed_with_little_traffic,
    label_value_changed_in_the_same_process,
    label_added_by_a_release,
    label_added_for_ten_minutes,
    target_label_added,
    target_label_dropped,
    target_moved_to_another_shard,
    second_replica_added,
    metric_renamed,
    selector_of_the_new_label_alone,
]
