"""When what runs of a service changes, as real rollouts go."""

from __future__ import annotations

import pytest

from exporter.slo.rollouts import Rollouts

WHERE = ("auth",)


def changes(*slots: str, gone_after: int = 120) -> list[tuple[int, str]]:
    """The slots (of 30 s) in which something is new, and what; each slot names what runs."""
    rollouts = Rollouts(gone_after)
    return [
        (number, version)
        for number, running in enumerate(slots)
        for version in rollouts.advance(WHERE, running.split(), 30)
    ]


@pytest.mark.parametrize(
    ("slots", "found"),
    [
        (["1", "1", "1"], []),
        (["1", "1 2", "1 2", "2"], [(1, "2")]),
        (["1", "2"], [(1, "2")]),
        (["1", "1 2", "2", "2", "2", "2", "1 2", "1"], [(1, "2"), (6, "1")]),
        (["1", "1 2", "2", "1 2", "2", "2"], [(1, "2")]),
        (["1", "", "", "", "", "", "", "1"], []),
        (["1", "", "", "2"], [(3, "2")]),
        (["1 2", "2", "", "", "", "", "1 2"], []),
        (["1 2", "1", "1 2"], []),
        (["1", "1 2", "1", "1", "1", "1", "1 2"], [(1, "2"), (6, "2")]),
        (["", "", "1", "1"], []),
        (["1", "2 3"], [(1, "2"), (1, "3")]),
    ],
    ids=[
        "nothing",
        "a rollout",
        "at once",
        "a rollback",
        "the last old pod restarts",
        "the only pod restarts",
        "replaced while it was down",
        "the datasource was away in between",
        "one of two versions restarts",
        "a canary that is taken back, and deployed again",
        "the first time that it is seen",
        "two at once",
    ],
)
def test_a_change_is_told_in_its_first_slot(slots, found):
    """And nothing else is one."""
    assert changes(*slots) == found


def test_a_version_has_gone_after_so_long():
    """As it is configured."""
    slots = ["1", "2", "2", "1"]
    assert changes(*slots, gone_after=60) == [(1, "2"), (3, "1")]
    assert changes(*slots, gone_after=90) == [(1, "2")]


def test_places_change_by_themselves():
    """A cluster that is away takes nothing from another."""
    rollouts = Rollouts(60)
    eu, us = ("auth", "eu"), ("auth", "us")
    for running in ({eu: "1", us: "2"}, {us: "2"}, {us: "2"}, {us: "2"}, {eu: "1", us: "2"}):
        for where, version in running.items():
            assert list(rollouts.advance(where, [version], 30)) == []
    assert list(rollouts.advance(eu, ["2"], 30)) == ["2"]
