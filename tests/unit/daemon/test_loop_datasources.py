"""The loop with several datasources: none of them holds up another."""

from __future__ import annotations

import pytest

from exporter.daemon import loop as loop_module


@pytest.fixture(autouse=True)
def two(engine, monkeypatch):
    """An engine with two datasources; hanging ones are waited for a moment alone."""
    engine.datasources = ("prometheus", "mimir")
    monkeypatch.setattr(loop_module, "GRACE", 0.01)


def told(logs: list[dict]) -> list[tuple]:
    return [(line["event"], line["datasource"], line["asking"], line.get("error")) for line in logs]


def test_trouble_is_told_by_the_datasources_name_once(run, engine):
    """Each has its own line when it begins, and when it is over."""
    engine.down = {"mimir": "refused"}

    def on_sleep(_: float) -> None:
        if len(engine.polls) == 6:
            engine.down = {"prometheus": "reset"}
        if len(engine.polls) == 12:
            engine.down = {}

    logs = run(10, on_sleep)
    assert told(logs) == [
        ("Prometheus does not answer", "mimir", "newest slots", "refused"),
        ("Prometheus does not answer", "prometheus", "newest slots", "reset"),
        ("Prometheus answers again", "mimir", "newest slots", None),
        ("Prometheus answers again", "prometheus", "newest slots", None),
    ]


def test_an_evaluation_names_those_that_did_not_answer(run, engine, observed):
    """The others answered."""
    engine.down = {"mimir": "refused"}
    run(3)
    assert observed.silent == [{"mimir"}] * 3


def test_one_that_hangs_is_not_waited_for(run, engine, observed):
    """The other is polled and evaluated at every boundary; the hanging poll is not begun anew."""
    engine.down = {"mimir": "reset"}

    def on_sleep(_: float) -> None:
        engine.down, engine.hanging = {}, {"mimir"}

    run(6, on_sleep)
    assert engine.polls_of.count("prometheus") == 6
    assert engine.polls_of.count("mimir") == 2
    assert observed.silent == [{"mimir"}] * 6


def test_one_that_begins_to_hang_is_waited_for_an_interval_at_most(run, engine, observed):
    """As it may only be slow."""
    engine.hanging = {"mimir"}
    run(2, interval=1, stale_after=2)
    assert engine.polls_of[:3] == ["prometheus", "mimir", "prometheus"]
    assert observed.silent[0] == {"mimir"}


def test_one_that_hangs_after_it_has_answered_has_not_answered_now(run, engine, observed):
    """The evaluation says so although nothing has failed yet."""

    def on_sleep(_: float) -> None:
        engine.hanging = {"mimir"}

    run(2, on_sleep, interval=1, stale_after=2)
    assert observed.silent[:2] == [set(), {"mimir"}]


@pytest.mark.parametrize("answers", [True, False], ids=["polls are answered", "nothing is"])
def test_history_of_one_does_not_wait_for_the_others(run, engine, answers):
    """Whether the other does not answer for its history alone, or for nothing at all."""
    engine.down = {} if answers else {"mimir": "refused"}
    engine.down_for_history = {"mimir"}
    chunks = iter([True] * 5)
    engine.fill_does = lambda: next(chunks, False)
    logs = run(8)
    assert engine.fills >= 6
    assert [log["datasource"] for log in logs if "complete" in log["event"]] == ["prometheus"]
    troubles = [log for log in logs if log["log_level"] == "warning"]
    assert [(trouble["datasource"], trouble["asking"]) for trouble in troubles] == [
        ("mimir", "history" if answers else "newest slots")
    ]


def test_the_end_of_history_is_not_shown_while_slots_are_on_their_way(run, engine):
    """The newest would pass for unknown; the evaluation that follows the poll shows both."""
    engine.hanging = {"mimir"}
    chunks = iter([True, False])
    engine.fill_does = lambda: next(chunks, False)
    shown: list[int] = []
    engine.evaluate_does = lambda: shown.append(engine.fills)
    logs = run(4, interval=1, stale_after=2)
    assert [log["datasource"] for log in logs if "complete" in log["event"]] == ["prometheus"]
    assert shown == []
