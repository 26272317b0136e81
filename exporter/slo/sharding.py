"""Which of several daemons has a service: whole services, by rendezvous hashing.

Each shard draws a number for each service, and the highest has it. One more shard takes what it
wins, an n-th of all, and nothing moves between the others. (Thaler and Ravishankar, "Using
name-based mappings to increase hit rates", 1998.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `total` daemons that divide the services among them; numbers begin at 0."""

    number: int = 0
    total: int = 1

    def __str__(self) -> str:
        return f"shard {self.number} of {self.total}"


ALONE = Shard()
"""A daemon that has all services."""


def shard_of(service: str, total: int) -> int:
    """The number of the shard that has a service, the same in every process and version."""
    return max(range(total), key=lambda number: _drawn(service, number))


def placed(
    services: Iterable[str], total: int, together: Iterable[tuple[str, str]] = ()
) -> dict[str, int]:
    """Service -> the number of the shard that has it.

    It is asked for all services of a configuration at once. Pairs that must stay `together`, as
    composites are made of both, are hashed under one name: the first of all that belong together.
    """
    name = {service: service for service in services}
    for one, other in together:
        first, last = sorted((name[one], name[other]))
        if first != last:
            name.update({each: first for each, own in name.items() if own == last})
    return {service: shard_of(own, total) for service, own in name.items()}


def _drawn(service: str, number: int) -> bytes:
    return blake2b(f"{number}/{service}".encode(), digest_size=8).digest()
