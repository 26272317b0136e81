"""The loop's cadence: when it evaluates, and how long it ever waits."""

from __future__ import annotations

import pytest

from tests.helpers.evaluation.fake_daemon import START


class TestCadence:
    def test_it_polls_at_once_and_then_after_every_boundary(self, run, engine, observed):
        """Each poll comes the delay after a slot boundary, wherever the start was."""
        run(4)
        assert engine.polls == [START + 7, START + 35, START + 65, START + 95]
        assert observed.answered == [True] * 4
        assert observed.missed_boundaries == []

    def test_a_start_before_the_delay_waits_for_it(self, run, engine, clock):
        """The boundary that has just gone by is polled when its delay is over."""
        clock.now = START + 2
        run(2)
        assert engine.polls == [START + 2, START + 5]

    def test_a_slow_poll_goes_on_at_once(self, run, engine, clock, observed):
        """The next boundary is gone already, but it was not missed: it is asked for now."""
        slow = iter([40.0])

        def poll() -> None:
            clock.now += next(slow, 0)

        engine.poll_does = poll
        run(2)
        assert engine.polls == [START + 7, START + 47, START + 65]
        assert observed.missed_boundaries == []

    @pytest.mark.parametrize(("seconds", "missed"), [(58.1, [1]), (88.1, [2]), (3600.0, [119])])
    def test_boundaries_that_nobody_attended_to_are_counted(
        self, run, engine, clock, observed, *, seconds, missed
    ):
        """All but the newest were missed as moments; their slots are caught up."""
        slow = iter([seconds])

        def poll() -> None:
            clock.now += next(slow, 0)

        engine.poll_does = poll
        run(2)
        assert observed.missed_boundaries == missed

    @pytest.mark.parametrize("back", [10.0, 3600.0, 86_400.0])
    def test_a_clock_set_back_makes_no_long_wait(self, run, clock, back):
        """Neither while it sleeps nor while it polls: no wait is longer than an interval."""
        moments = iter([0, back, 0, 0, 0])

        def step_back(_: float) -> None:
            clock.now -= next(moments, 0)

        run(6, step_back)
        assert max(clock.slept) <= 30

    def test_a_clock_set_back_while_polling_makes_no_long_wait(self, run, clock, engine):
        """The boundary to come was computed by the old time."""
        moments = iter([0, 3600.0])

        def step_back() -> None:
            clock.now -= next(moments, 0)

        engine.poll_does = step_back
        run(5)
        assert max(clock.slept) <= 30
