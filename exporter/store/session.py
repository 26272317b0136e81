"""What the store's SQL runs on: SQLite or PostgreSQL, in the words that both understand.

SQL is written with `?` for parameters, with conflict targets spelled out, and with names in quotes
where one of the two reserves them (`"end"`, `"window"`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol


class Rows(Protocol):
    """What a statement gives back."""

    @property
    def rowcount(self) -> int:
        """How many rows it has changed."""

    @property
    def description(self) -> Any:  # noqa: ANN401  # each driver has its own kind
        """Its columns, each with its name first."""

    def fetchone(self) -> Any:  # noqa: ANN401  # a row is a tuple of whatever was asked for
        """The next row, None at the end."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """All rows that are left, one by one."""


class Session(Protocol):
    """A connection at work.

    - `shared`: whether other daemons may write to the same database.
    - `ids`: the condition's right side for `IN`, of ids that are passed as one JSON list.
    - `texts`: the same for texts.
    """

    shared: ClassVar[bool]
    ids: ClassVar[str]
    texts: ClassVar[str]

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run a statement."""

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> object:
        """Run a statement for each of some rows of parameters."""

    def has(self, table: str) -> bool:
        """Whether there is such a table: what cannot be written may be of an older version."""


class Backend(Protocol):
    """A database: opened when it is needed, closed when it fails.

    `name` is what messages call it. `messages` are what an operator should know of it.
    """

    name: str
    messages: list[str]

    @property
    def size(self) -> int:
        """The bytes that it takes."""

    def check(self) -> None:
        """See whether it is still what was opened.

        Raises:
            StoreLostError: it is not, and everything has to be written again.
            StoreError: it cannot be opened again.
        """

    def reading(self) -> AbstractContextManager[Session]:
        """A session to read in.

        Raises:
            StoreError: it cannot be read.
        """

    def transaction(self) -> AbstractContextManager[Session]:
        """A session in which all that is written is stored, or nothing.

        Raises:
            StoreError: nothing was stored; the next transaction tries again.
            StoreLostError: the same, and what was stored before is gone.
        """

    def interrupt(self) -> None:
        """Have the statement that runs in another thread fail, if there is one."""

    def close(self) -> None:
        """Let go of it; no other thread is using it."""
