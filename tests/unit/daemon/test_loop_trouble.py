"""The loop in trouble: what it survives, when it tries again, what it logs."""

from __future__ import annotations

import asyncio

import pytest

from exporter.collection.settings import EvaluationSettings
from exporter.daemon.loop import LONGEST_PAUSE, Backoff, Loop
from exporter.prometheus.errors import UnavailableError
from exporter.slo.durations import parse_duration
from tests.helpers.evaluation.fake_daemon import fail, once


class TestTrouble:
    def test_without_an_answer_it_tries_again_soon_and_then_less_often(
        self, run, engine, clock, observed
    ):
        """Pauses grow, spread by a fifth, and no boundary is slept through."""
        engine.poll_does = lambda: fail(UnavailableError("nobody there"))
        run(8, interval=3600)
        expected = [1, 2, 4, 8, 16, 30, 30, 30]
        for slept, pause in zip(clock.slept, expected, strict=True):
            assert pause * 0.8 <= slept <= pause * 1.2
        assert observed.answered == [False] * 8
        assert observed.faults == 0

    def test_it_evaluates_without_an_answer(self, run, engine, observed):
        """So that what is stale becomes so."""
        engine.poll_does = lambda: fail(UnavailableError("nobody there"))
        run(3)
        assert observed.answered == [False] * 3

    def test_an_answer_ends_the_backing_off(self, run, engine, clock):
        """The next trouble starts with a short pause again."""
        answers = iter([False, False, False, True, False])

        def poll() -> None:
            if not next(answers, True):
                fail(UnavailableError("nobody there"))

        engine.poll_does = poll
        run(6, interval=3600)
        assert clock.slept[2] >= 3.2
        assert clock.slept[4] <= 1.2

    def test_trouble_is_logged_when_it_begins_changes_and_ends(self, run, engine):
        """Not at every try, and where every try fails in other words, only now and then."""
        answers = iter(["down", "down", *(f"reset {n}" for n in range(6)), "", ""])

        def poll() -> None:
            trouble = next(answers, "")
            if trouble:
                fail(UnavailableError(trouble))

        engine.poll_does = poll
        begun, changed, over = run(10, interval=3600)
        assert (begun["log_level"], begun["error"]) == ("warning", "down")
        assert changed["event"] == begun["event"] == "Prometheus does not answer"
        assert changed["error"] in {"reset 4", "reset 5"}
        assert (over["log_level"], over["event"]) == ("info", "Prometheus answers again")
        # 1 + 2 + 4 + 8 + 16 + 3 * 30 s, each spread by a fifth.
        assert 121 * 0.8 - 1 <= parse_duration(over["lasted"]) <= 121 * 1.2 + 1

    def test_trouble_with_history_does_not_hide_that_polls_go_well(self, run, engine):
        """Each of both is told by itself, once."""
        engine.fill_does = lambda: fail(UnavailableError("timed out"))
        told = [(line["event"], line.get("asking")) for line in run(8)]
        assert told == [("Prometheus does not answer", "history")]

    def test_an_slos_problem_is_logged_when_it_begins_changes_and_ends(self, run, engine):
        """By name, with its message."""
        states = iter([{0: "bad"}, {0: "bad"}, {0: "worse"}, {}, {}])

        def poll() -> None:
            engine.trouble = next(states, {})

        engine.poll_does = poll
        logs = run(6)
        told = [(line["event"], line.get("error"), line["service"], line["slo"]) for line in logs]
        assert told == [
            ("SLO has a problem", "bad", "auth", "availability"),
            ("SLO has a problem", "worse", "auth", "availability"),
            ("the SLO has recovered", None, "auth", "availability"),
        ]

    def test_a_fault_of_its_own_is_logged_and_the_loop_goes_on(self, run, engine, observed):
        """With the traceback, and counted; the next evaluation is as usual."""
        engine.evaluate_does = once(ZeroDivisionError("oops"))
        logs = run(4)
        assert observed.faults == 1
        assert observed.answered == [True] * 3
        [line] = [line for line in logs if line["log_level"] == "error"]
        assert line["exc_info"]

    def test_a_fault_of_its_own_in_a_poll_counts_as_no_answer(self, run, engine, observed):
        """It is logged with the traceback, and what is known is evaluated all the same."""
        engine.poll_does = once(ZeroDivisionError("oops"))
        logs = run(4)
        assert observed.faults == 0
        assert observed.answered == [False, True, True, True]
        [line] = [line for line in logs if line["log_level"] == "error"]
        assert line["exc_info"]
        assert line["datasource"] == "prometheus"

    def test_a_cancelled_loop_ends(self, engine, observed, clock):
        """Stopping is no fault."""

        async def cancel() -> None:
            task = asyncio.create_task(Loop(engine, EvaluationSettings(), observed, clock).run())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancel())
        assert observed.faults == 0


class TestHistory:
    def test_it_waits_for_the_first_answer(self, run, engine):
        """The newest slots matter most."""
        engine.poll_does = lambda: fail(UnavailableError("nobody there"))
        engine.fill_does = lambda: True
        run(5)
        assert engine.fills == 0

    def test_it_goes_on_until_nothing_is_missing_and_publishes_then(self, run, engine):
        """The end of it is worth an evaluation and a line in the log."""
        chunks = iter([True, True, True, False])
        engine.fill_does = lambda: next(chunks, False)
        polls_before: list[int] = []
        engine.evaluate_does = lambda: polls_before.append(len(engine.polls))
        logs = run(6)
        assert engine.fills >= 4
        assert "history is complete as far as Prometheus has it" in [log["event"] for log in logs]
        # One evaluation more than those that follow a poll.
        assert len(polls_before) == len(set(polls_before)) + 1

    def test_slots_that_were_counted_again_are_published(self, run, engine):
        """Settled ones, of which nobody polls: at once."""
        engine.fill_does = lambda: False
        polls_before: list[int] = []
        engine.evaluate_does = lambda: polls_before.append(len(engine.polls))
        engine.corrects = [False, True]
        run(6)
        assert len(polls_before) == len(set(polls_before)) + 1

    @pytest.mark.parametrize("behind", [True, False])
    def test_it_publishes_once_every_window_has_its_figure(self, run, engine, behind):
        """At once, and without the tiers if they have far to go; with them right after."""
        engine.behind = behind
        shown: list[bool] = []
        chunks = iter([True, True, True, False])

        def fill() -> bool:
            if engine.fills == 2:
                shown.extend(engine.with_tiers)
                engine.figures.add("prometheus")
            elif engine.fills == 3:
                del engine.with_tiers[: len(shown)]
                shown[:] = engine.with_tiers
            return next(chunks, False)

        engine.fill_does = fill
        run(6)
        assert shown == ([False, True] if behind else [True])

    def test_after_a_few_failures_in_a_row_nobody_waits_for_it(self, run, engine):
        """A Prometheus without its long-term store has the newest figures all the same."""
        answers = iter([*"xx.xxx"])

        def fill() -> bool:
            if next(answers, "x") == "x":
                raise UnavailableError("nobody there")
            return True

        engine.fill_does = fill
        seen: dict[int, list[str]] = {}
        engine.evaluate_does = lambda: seen.update({engine.fills: list(engine.without_history)})
        run(60)
        assert engine.without_history == ["prometheus"]
        assert not any(told for fills, told in seen.items() if fills < 6)

    @pytest.mark.parametrize("error", [UnavailableError("nobody there"), ZeroDivisionError("oops")])
    def test_a_chunk_that_fails_is_tried_again(self, run, engine, clock, error):
        """After a pause, whatever it was that went wrong."""
        chunks = iter([error, error, True, False])

        def fill() -> bool:
            found = next(chunks, False)
            if isinstance(found, Exception):
                raise found
            return found

        engine.fill_does = fill
        run(12)
        assert engine.fills >= 4

    def test_a_fault_when_history_is_complete_does_not_end_the_daemon(self, run, engine, observed):
        """The evaluation at its end is as well guarded as every other."""
        chunks = iter([True, False])
        engine.fill_does = lambda: next(chunks, False)

        def after_history() -> None:
            if engine.fills == 2:
                engine.fills += 1
                fail(ZeroDivisionError("oops"))

        engine.evaluate_does = after_history
        run(8)
        assert observed.faults == 1


class TestBackoff:
    def test_pauses_double_up_to_the_limit(self):
        """Each is spread by up to a fifth, so that many exporters do not come at once."""
        backoff = Backoff(LONGEST_PAUSE)
        pauses = [backoff.pause() for _ in range(8)]
        for pause, middle in zip(pauses, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
            assert middle * 0.8 <= pause <= middle * 1.2
        assert len({round(pause / 30, 6) for pause in pauses[5:]}) == 3

    def test_resetting_starts_anew(self):
        """As after an answer."""
        backoff = Backoff(30)
        for _ in range(5):
            backoff.pause()
        backoff.reset()
        assert backoff.pause() <= 1.2
