"""What many tasks are given, and what one of them makes of it for all."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Shared(list[T]):
    """A list that is given to many; nobody changes it.

    A thousand SLOs whose series begin together on one target are told of the same thousand series:
    what each of them would make of these is made once.
    """

    __slots__ = ("_made",)

    def __init__(self, items: Iterable[T] = ()) -> None:
        super().__init__(items)
        self._made: dict[Hashable, Any] | None = None

    def once(self, key: Hashable, make: Callable[[], R]) -> R:
        """What is made of it, by a key that says what."""
        if self._made is None:
            self._made = {}
        found: R
        if key not in self._made:
            self._made[key] = make()
        found = self._made[key]
        return found
