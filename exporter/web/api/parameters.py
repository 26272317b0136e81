"""The query parameters of a request, read alike by every route."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from starlette.datastructures import QueryParams

from exporter.web.api.errors import InvalidRequestError
from exporter.web.api.requests import LONGEST


def given(
    query: QueryParams,
    known: Sequence[str],
    *,
    required: Collection[str] = (),
    or_empty: Collection[str] = (),
) -> dict[str, str]:
    """What is asked for, by name; without those of `or_empty` that are empty.

    Unknown parameters are refused: with `enforc=true` every deploy would pass.

    Raises:
        InvalidRequestError: one is not known, given twice, empty, too long or missing.
    """
    values: dict[str, str] = {}
    for name, value in query.multi_items():
        if name not in known:
            raise InvalidRequestError(f"{name!r} is not known: known are {', '.join(known)}")
        if name in values:
            raise InvalidRequestError(f"{name} must be given only once")
        if name in or_empty and not value:
            continue
        if not 0 < len(value) <= LONGEST:
            raise InvalidRequestError(f"{name} must be a string of 1 to {LONGEST} characters")
        values[name] = value
    for name in required:
        if name not in values:
            raise InvalidRequestError(f"{name} is required")
    if "slo" in values and "slo" in known and "service" not in values:
        raise InvalidRequestError("slo needs service")
    return values
