"""A database that is used by one thread at a time, and closed by none while another is at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.errors import StoreError
from exporter.store.session import Backend, Session

GRACE = 0.5
"""How many seconds a session that is under way has to end by itself before the store is closed."""

CLOSE_SECONDS = 2.0
"""How long to wait for one that was interrupted: on a disk that hangs, it never ends."""

AGAIN_SECONDS = 0.01
"""How often to interrupt it: only the statement that runs at the moment is."""


class OneAtATime:
    """Implements `Backend` by another one.

    Drivers crash the process if a connection is closed while another thread has a statement
    running: a daemon that stops has its store closed while a request may still be written.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._turn = threading.RLock()
        self._closed = False
        self.name = backend.name

    @property
    def messages(self) -> list[str]:
        """What an operator should know of it."""
        return self._backend.messages

    @messages.setter
    def messages(self, messages: list[str]) -> None:
        self._backend.messages = messages

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return self._backend.size

    def check(self) -> None:
        """See whether it is still what was opened; raises as `Backend.check`, or if closed."""
        with self._turn:
            self._refuse_closed()
            self._backend.check()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session to read in; raises as `Backend.reading`, or if closed."""
        with self._turn:
            self._refuse_closed()
            with self._backend.reading() as session:
                yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session to write in; raises as `Backend.transaction`, or if closed."""
        with self._turn:
            self._refuse_closed()
            with self._backend.transaction() as session:
                yield session

    def interrupt(self) -> None:
        """Have the statement that runs fail."""
        self._backend.interrupt()

    def close(self) -> None:
        """Let go of it, for good.

        A session under way has a moment to end, then it is interrupted; one that does not end even
        so keeps the connection, as nobody can take it away safely.
        """
        self._closed = True
        taken = self._turn.acquire(timeout=GRACE)
        end = time.monotonic() + CLOSE_SECONDS
        while not taken and time.monotonic() < end:
            self._backend.interrupt()
            taken = self._turn.acquire(timeout=AGAIN_SECONDS)
        if taken:
            try:
                self._backend.close()
            finally:
                self._turn.release()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreError(f"{self.name} is closed")
