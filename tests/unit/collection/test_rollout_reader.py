"""Reading what runs, slot by slot: the same changes however many slots come at a time."""

from __future__ import annotations

import random

import pytest

from exporter.collection.rollouts import FIRST_SLOTS, LOOK_BACK, MOST_POINTS, RolloutReader
from exporter.collection.settings import ChangesQuery
from exporter.prometheus.matrix import Series
from exporter.slo.records import Change

STEP = 30
NOW = 1_700_000_010
QUERY = ChangesQuery("app_build_info")

Slots = dict[tuple[str, ...], set[int]]
"""Labels of service and version (and of a cluster), and the slot ends at which that runs."""


def answer(slots: Slots, first: int, last: int, names: tuple[str, ...]) -> list[Series]:
    """What Prometheus would say."""
    return [
        Series(dict(zip(names, labels, strict=True)), [(float(at), 1.0) for at in sorted(within)])
        for labels, ends in slots.items()
        if (within := {at for at in ends if first <= at <= last})
    ]


def read(
    reader: RolloutReader,
    slots: Slots,
    *settled: int,
    names: tuple[str, ...] = ("service", "version"),
) -> list[Change]:
    """What is found as time goes on."""
    found = []
    for now in settled:
        while span := reader.next_span(now):
            found += reader.take(answer(slots, *span, names), span)
    return found


def run(*spans: tuple[int, int]) -> set[int]:
    """Slot ends from and to so many slots after the beginning of the day before NOW."""
    begin = NOW - LOOK_BACK
    return {begin + STEP * i for first, last in spans for i in range(first, last)}


ROLLED = {("auth", "1"): run((0, 100), (300, 400)), ("auth", "2"): run((90, 310))}
BACK = [
    Change("auth", "2", NOW - LOOK_BACK + 90 * STEP, source="query"),
    Change("auth", "1", NOW - LOOK_BACK + 300 * STEP, source="query"),
]


def test_the_query_counts_by_the_labels_that_matter():
    """Series of single pods are one."""
    asked = ChangesQuery("app_info{env='prod'}", service_label="app", by=("cluster",))
    assert asked.promql == "count by (app, version, cluster) (app_info{env='prod'})"


def test_a_day_is_read_in_spans_and_then_each_slot():
    """Few slots until it is known how many series there are."""
    reader = RolloutReader(QUERY, STEP)
    first, last = reader.next_span(NOW + 7)
    assert (first, last) == (NOW - LOOK_BACK, first + (FIRST_SLOTS - 1) * STEP)
    many = {("auth", str(number)): run((0, 60)) for number in range(1_000)}
    reader.take(answer(many, first, last, ("service", "version")), (first, last))
    first, second = last + STEP, reader.next_span(NOW)[1]
    assert second == first + (MOST_POINTS // 1_000 - 1) * STEP
    read(reader, {}, NOW)
    assert reader.next_span(NOW + STEP - 1) is None
    assert reader.next_span(NOW + STEP) == (NOW + STEP, NOW + STEP)


@pytest.mark.parametrize("place", range(3))
def test_labels_that_nobody_should_have_to_hold_are_left_out(place):
    """Whichever it is that is too long: nothing of it is kept, and the others are read on."""
    slots = {("auth", "1", "eu"): run((0, 100)), ("auth", "2", "eu"): run((90, 200))}
    for version, within in (("1", run((0, 100))), ("2", run((90, 200)))):
        labels = ["auth", version, "us"]
        labels[place] += "x" * 1_024
        slots[tuple(labels)] = within
    reader = RolloutReader(ChangesQuery("app_info", by=("cluster",)), STEP)
    found = read(reader, slots, NOW, names=("service", "version", "cluster"))
    assert [each.what for each in found] == ["2 cluster=eu"]


def test_a_rollout_and_a_rollback_are_found():
    """In their first slots."""
    assert read(RolloutReader(QUERY, STEP), ROLLED, NOW) == BACK


def test_a_restart_and_an_outage_invent_nothing():
    """A reader of its own a day later, and one whose Prometheus was away for two."""
    reader = RolloutReader(QUERY, STEP)
    assert read(reader, ROLLED, NOW) == BACK
    steady = {("auth", "1"): run((0, 20_000))}
    assert read(reader, steady, NOW + 3 * LOOK_BACK) == []
    assert read(RolloutReader(QUERY, STEP), steady, NOW + LOOK_BACK) == []


def test_places_are_named():
    """And change by themselves."""
    asked = ChangesQuery("app_info", by=("cluster",))
    slots = {("auth", "1", "eu"): run((0, 99)), ("auth", "1", "us"): run((0, 50))}
    slots["auth", "2", "us"] = run((50, 99))
    found = read(RolloutReader(asked, STEP), slots, NOW, names=("service", "version", "cluster"))
    assert [one.what for one in found] == ["2 cluster=us"]


@pytest.mark.parametrize("labels", [("", "1"), ("auth", "")])
def test_what_has_no_service_or_version_is_left_out(labels):
    """An aggregation leaves empty labels away, too."""
    slots = {("auth", "0"): run((0, 99)), labels: run((50, 99))}
    assert read(RolloutReader(QUERY, STEP), slots, NOW) == []


def test_texts_that_cannot_be_shown_are_made_so():
    """Whatever a label holds, and however long it is."""
    slots = {("auth", "1"): run((0, 99)), ("auth", "2\n\x1b" + "x" * 300): run((50, 99))}
    [change] = read(RolloutReader(QUERY, STEP), slots, NOW)
    assert change.what == "2??" + "x" * 197


@pytest.mark.parametrize("seed", range(6))
def test_how_many_slots_come_at_a_time_makes_no_difference(seed):
    """Replicas ask at other times, and after outages for more at once."""
    chance = random.Random(seed)
    slots: Slots = {
        (service, version): run(
            *((start, start + chance.randrange(1, 60)) for start in chance.sample(range(700), 9))
        )
        for service in ("auth", "shop")
        for version in "123"
    }
    times = [*sorted(chance.sample(range(800), 200)), 800]
    begin = NOW - LOOK_BACK
    in_parts = read(RolloutReader(QUERY, STEP), slots, *(begin + STEP * time for time in times))
    at_once = read(RolloutReader(QUERY, STEP), slots, begin + STEP * 800)
    assert in_parts == at_once != []
