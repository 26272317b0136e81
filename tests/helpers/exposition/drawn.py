"""Records as hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from exporter.slo.records import Firing
from tests.helpers.samples import AT


def some_firings(moments: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[Firing, ...]]:
    """One firing or none, which began at one of some moments."""
    firing = st.builds(
        Firing,
        severity=st.sampled_from(["page", "ticket"]),
        long=st.just(3_600),
        short=st.just(300),
        start=moments,
        end=st.just(AT),
        open=st.booleans(),
    )
    return st.lists(firing, max_size=1).map(tuple)
