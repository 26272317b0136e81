"""What cases of impossible values are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.field.case import FieldCase, Truth, one_slo
from tests.field.kit import Series, scrapes


def impossible_case(
    story: str,
    sli: str,
    series: Callable[[list[float], int], Iterable[Series]],
    *words: str,
    invalid: tuple[str, ...] = ("5m", "30m", "1h", "2h"),
    truths: tuple[Truth, ...] = (),
) -> FieldCase:
    """A case whose windows in `invalid` must not be shown, `series` being given scrapes and now."""
    return FieldCase(
        story,
        lambda now: series(scrapes(now), now),
        one_slo(sli),
        truths=truths,
        words=words,
        invalid=invalid,
    )
