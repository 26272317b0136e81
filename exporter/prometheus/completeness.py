"""Whether an answer is whole, by what the server says of data that it could not reach: pure.

Seen at VictoriaMetrics cluster 1.150 (`isPartial`), Thanos 0.42 and Prometheus 2.42 and 3.5 with
`remote_read` (`warnings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ANNOTATIONS = ("PromQL info:", "PromQL warning:")
"""How Prometheus begins its remarks on a query, as since 2.48: no data are missing. Thanos puts
both kinds among the warnings."""

_STORE_FAILURE = "proxy Series()"
"""How Thanos begins what kept it from reading its stores."""

_OWN_LIMITS = ("ResourceExhausted", "exceeded series limit", "exceeded chunks limit", "bytes limit")
"""What Thanos says of a query that asks its stores for more than they are allowed to give."""

_OUT_OF_TIME = ("context deadline exceeded", "DeadlineExceeded")


def missing_data(answer: Mapping[str, Any]) -> str | None:
    """What a successful answer lacks, in words; None if it is whole.

    A warning that is not known for a remark on the query counts as a sign of missing data: a
    count that is too small cannot be told from a true one later.
    """
    warnings = answer.get("warnings") or []
    for warning in warnings if isinstance(warnings, list) else [warnings]:
        if not str(warning).startswith(_ANNOTATIONS):
            return str(warning)
    return "isPartial is true: a storage node did not answer" if answer.get("isPartial") else None


def is_store_failure(message: str) -> bool:
    """Whether an error tells that stores could not be read, and not that too much was asked."""
    return _STORE_FAILURE in message and not any(limit in message for limit in _OWN_LIMITS)


def is_out_of_time(message: str) -> bool:
    """Whether an error tells that time ran out, by the query's fault or by a store's."""
    return any(words in message for words in _OUT_OF_TIME)
