"""What a server can do, found out by asking it once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from exporter.prometheus.errors import PrometheusError, QueryRefusedError, UnavailableError
from exporter.prometheus.matrix import Series

LONG_QUERY = 100_000
"""Characters of a query that servers without a limit of their own are asked."""

SHORT_QUERY = 12_000
"""VictoriaMetrics takes queries of up to 16 KiB by default."""


class Abilities(ABC):
    """Asks a server what it can do, and remembers it."""

    def __init__(self) -> None:
        self._closed: bool | None = None
        self._blind: bool | None = None
        self._longest: int | None = None

    @abstractmethod
    async def instant_query(self, query: str, at: int) -> Sequence[Series]:
        """Evaluate a query at one time (Unix seconds)."""

    @abstractmethod
    async def try_out(self, query: str, params: Mapping[str, str] = ...) -> None:
        """Ask something to see whether it is refused."""

    @abstractmethod
    async def answers_at_all(self) -> bool:
        """Whether the smallest of questions is answered."""

    async def ranges_closed(self) -> bool:
        """Whether ranges include their own start, as those of Prometheus 2 do; asked once.

        Raises:
            UnavailableError: there was no answer of Prometheus's.
        """
        if self._closed is None:
            try:
                found = await self.instant_query("count_over_time(vector(0)[1m:1m])", 60)
            except QueryRefusedError:  # the queries that matter will tell why
                return False
            self._closed = any(value == 2 for each in found for _, value in each.samples)
        return self._closed

    async def blind_to_resets(self) -> bool:
        """Whether `resets()` is always 0 here, as on Thanos; asked once.

        Thanos gives it values from which resets were taken out. No query tells so without a
        counter that was reset; but Thanos alone refuses a `partial_response` that is not a boolean.

        Raises:
            UnavailableError: there was no answer of Prometheus's.
        """
        if self._blind is None:
            try:
                await self.try_out("vector(1)", {"partial_response": "probe"})
            except PrometheusError as error:
                blind = "partial_response" in str(error)
                if not blind and isinstance(error, UnavailableError):
                    raise
                self._blind = blind
            else:
                self._blind = False
        return self._blind

    async def longest_query(self) -> int:
        """How many characters a query may have here; asked once.

        Raises:
            UnavailableError: there was no answer of Prometheus's.
        """
        if self._longest is None:
            try:
                await self.try_out("vector(1)".ljust(LONG_QUERY))
            except PrometheusError as error:
                # A proxy may say so in a way of its own.
                if not isinstance(error, QueryRefusedError) and not await self.answers_at_all():
                    raise
                self._longest = SHORT_QUERY
            else:
                self._longest = LONG_QUERY
        return self._longest
