"""Policy states of earlier moments."""

from __future__ import annotations

from dataclasses import replace

from exporter.slo.policy_state import PolicyState
from exporter.slo.records import Firing, Incident, TierChange
from exporter.state.policy_past import APART, PolicyPast

KEY = (0, ())
T = 1_700_000_000


def state(*at: int, incidents: tuple[Incident, ...] = ()) -> PolicyState:
    return PolicyState(
        tuple(TierChange(each, None, "freeze", "default", 0.1) for each in at), incidents
    )


def incident(start: int, end: int) -> Incident:
    return Incident(start, end, bad=5.0, share=0.2, open=False)


class TestPolicyPast:
    def test_has_what_was_final_at_a_moment(self):
        """States stand until others take their place."""
        past, first, second = PolicyPast(), state(T), state(T, T + 5000)
        past.replaced(KEY, None, T)
        past.advanced(0, T + 30)
        past.replaced(KEY, first, T + 4900)
        past.advanced(0, T + 5000)
        until = T + 6000
        assert past.at(KEY, second, T + 5500, until).policy_state is second
        found = past.at(KEY, second, T + 4000, until)
        assert (found.policy_state, found.until) == (first, T + 4000)
        between = past.at(KEY, second, T + 4950, until)
        assert (between.policy_state, between.until) == (first, T + 4900)
        assert past.at(KEY, second, T - 100, until).policy_state is None

    def test_keeps_few_of_many(self):
        """An incident that goes on changes the state at every slot."""
        past = PolicyPast()
        for at in range(T, T + 100_000, 30):
            past.replaced(KEY, state(at), at)
            past.advanced(0, at + 30)
        assert len(past._held[KEY]) <= 7 * 3600 / APART + 2
        found = past.at(KEY, state(T), T + 99_000, T + 100_000)
        assert T + 99_000 - APART - 60 <= found.until <= T + 99_000

    def test_cuts_what_a_store_has_where_nothing_went_on(self):
        """An incident that is cut in the middle would be another one."""
        past = PolicyPast()
        stored = state(T - 900, T + 40, incidents=(incident(T, T + 600),))
        for moment, expected in ((T + 3000, T + 3000), (T + 700, T), (T + 300, T), (T - 5, T - 5)):
            found = past.at(KEY, stored, moment, T + 9000)
            assert found.until == expected
            assert len(found.policy_state.incidents) == (1 if expected > T else 0)
            assert all(change.at <= expected for change in found.policy_state.changes)

    def test_cuts_a_firing_where_it_is(self):
        """It began when it began, however often what follows is replayed."""
        ended = Firing("page", 3600, 300, start=T, end=T + 600, open=False)
        later = Firing("ticket", 86_400, 7200, start=T + 1200, end=T + 9000, open=True)
        stored = PolicyState((), (), (ended, later))
        for moment, expected in (
            (T - 300, ()),
            (T, (replace(ended, end=T, open=True),)),
            (T + 300, (replace(ended, end=T + 300, open=True),)),
            (T + 600, (ended,)),
            (T + 1200, (ended, replace(later, end=T + 1200))),
            (T + 3000, (ended, replace(later, end=T + 3000))),
        ):
            found = PolicyPast().at(KEY, stored, moment, T + 9000)
            assert (found.until, found.policy_state.firings) == (moment, expected)
