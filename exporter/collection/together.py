"""What tasks ask about raw samples at the same time, put together where it is alike.

Counting a slot from its raw samples takes several questions, each of which depends on the answers
before. As many SLOs go through them at once, as when a thousand series are born together, each
question waits until all of them have one; then those that are alike are one query
(`exporter.collection.raw_questions`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from exporter.collection.raw_answers import by_key, part_of
from exporter.collection.raw_questions import OneQuery, RawQuestion, together
from exporter.collection.shared import Shared
from exporter.collection.stepping import MOST_AT_ONCE, Asked, Failure, Parts, Steps
from exporter.prometheus.errors import QueryRefusedError
from exporter.prometheus.matrix import Series

R = TypeVar("R")

PATIENCE = 1.0
"""Seconds that questions wait for those of batches whose own query has not been answered yet."""


class Source(Protocol):
    """Whom questions are asked: a `PrometheusClient`."""

    async def ranges_closed(self) -> bool:
        """Whether ranges include their own start."""

    async def longest_query(self) -> int:
        """How many characters a query may have."""

    async def instant_query(self, query: str, at: int) -> Sequence[Series]:
        """Evaluate a query at one time."""

    async def range_query(self, query: str, start: int, end: int, step: int) -> Sequence[Series]:
        """Evaluate a query at several."""


_Askers = Mapping[RawQuestion, Sequence[tuple[Asked, int]]]
"""Who waits for the answer to each question, and which of theirs it is."""


class Together:
    """Puts together what tasks ask a source; `at_once` is how many queries are under way at most.

    A batch of SLOs is present (`batch`) from before its own query on, so that others wait for what
    it will ask: for `patience` seconds, as its query may take long. It has its tasks `run`; they
    ask by `series`, and by parts of their own, which they have run by `parts`.
    """

    def __init__(self, source: Source, at_once: int, patience: float = PATIENCE) -> None:
        self._source = source
        self._patience = patience
        self._room = asyncio.Semaphore(at_once)
        self._present = 0
        self._coming = 0
        self._stepping = 0
        self._waiting: list[Asked] = []
        self._timer: asyncio.TimerHandle | None = None
        self._round: asyncio.Task[None] | None = None
        self._answering: Sequence[Asked] = ()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """A batch is present."""
        self._present += 1
        self._coming += 1
        try:
            yield
        finally:
            self._present -= 1
            self._coming -= 1
            if not self._present and self._round is not None:  # nobody waits for it any more
                self._round.cancel()
            self._look()

    async def run(self, tasks: Sequence[Coroutine[Any, Any, R]]) -> list[R]:
        """Run the tasks of a batch, which ask here; give their results in turn.

        Raises:
            Exception: the first error of them, once all have ended.
        """
        steps = Steps(self._waiting_too, self._rests)
        self._coming -= 1
        self._stepping += 1
        try:
            return await steps.run(tasks)
        finally:
            self._coming += 1
            if not steps.resting:
                self._stepping -= 1
            self._forget()
            self._look()

    async def parts(self, tasks: Sequence[Coroutine[Any, Any, R]]) -> list[R]:
        """Run parts of one of the tasks at once; otherwise as `run`."""
        return [await tasks[0]] if len(tasks) == 1 else await Parts(tasks)

    async def series(self, question: RawQuestion) -> Shared[Series]:
        """Ask something, in one of the tasks; all who ask the same are given the same.

        Raises:
            PrometheusError: it was not answered.
        """
        [found] = await Asked([question])
        return found

    async def all_series(self, questions: Sequence[RawQuestion]) -> list[Shared[Series]]:
        """Ask several at once.

        Raises:
            PrometheusError: one of them was not answered.
        """
        return await Asked(questions) if questions else []

    def _waiting_too(self, asked: Asked) -> None:
        self._waiting.append(asked)

    def _rests(self, resting: bool) -> None:
        """A batch has no task that can go on, or has some again."""
        self._stepping += -1 if resting else 1
        self._look()

    def _forget(self) -> None:
        """Leave out questions of those who were cancelled."""
        self._waiting = [each for each in self._waiting if each.go_on is not None]
        if self._round is not None and all(each.go_on is None for each in self._answering):
            self._round.cancel()

    def _look(self) -> None:
        """Have all answered that wait once there is nobody left to wait for."""
        if self._stepping > 0 or self._round is not None or not self._waiting:
            return
        if self._coming > 0:
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(self._patience, self._go_on)
            return
        self._go_on()

    def _go_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._stepping > 0 or self._round is not None or not self._waiting:
            return
        self._answering, self._waiting = self._waiting, []
        self._round = asyncio.create_task(self._answer(self._answering))
        self._round.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._round, self._answering = None, ()
        self._look()

    async def _answer(self, waiting: Sequence[Asked]) -> None:
        askers: dict[RawQuestion, list[tuple[Asked, int]]] = defaultdict(list)
        for each in waiting:
            for place, question in enumerate(each.questions):
                askers[question].append((each, place))
        try:
            queries = await asyncio.to_thread(lambda: list(together(askers)))
            await asyncio.gather(*(self._answer_one(query, askers) for query in queries))
        except BaseException as error:
            _fail(waiting, error)
            if not isinstance(error, Exception):
                raise

    async def _answer_one(self, query: OneQuery, askers: _Askers) -> None:
        """Answer what one query asks: in halves if it is refused, or would be long."""
        try:
            if len(query.text) > await self._source.longest_query() and not query.alone:
                await self._answer_halves(query, askers)
                return
            async with self._room:
                found = await self._ask(query)
            await self._deal(query, found, askers)
        except QueryRefusedError as error:
            if query.alone:
                _fail(_of(query, askers), error)
            else:
                await self._answer_halves(query, askers)
        except Exception as error:  # noqa: BLE001 - it is those' who asked
            _fail(_of(query, askers), error)

    async def _answer_halves(self, query: OneQuery, askers: _Askers) -> None:
        halves = await asyncio.to_thread(lambda: list(query.halves()))
        await asyncio.gather(*(self._answer_one(half, askers) for half in halves))

    async def _ask(self, query: OneQuery) -> Sequence[Series]:
        if query.kind.of_samples or query.first == query.last:
            return await self._source.instant_query(query.text, query.last)
        slot = query.kind.slot
        return await self._source.range_query(query.text, query.first, query.last, slot)

    async def _deal(self, query: OneQuery, found: Sequence[Series], askers: _Askers) -> None:
        closed = await self._source.ranges_closed()
        own = await asyncio.to_thread(by_key, query, found)
        for number, (question, keys) in enumerate(query.whose()):
            of_all = [one for key in keys for one in own.get(key, ())]
            parts = [part_of(one, question, query, closed) for one in of_all]
            answer = Shared([part for part in parts if part is not None])
            for each, place in askers[question]:
                each.answer(place, answer)
            if number % MOST_AT_ONCE == MOST_AT_ONCE - 1:
                await asyncio.sleep(0)


def _of(query: OneQuery, askers: _Askers) -> Iterator[Asked]:
    return (asked for question in query.questions for asked, _ in askers[question])


def _fail(waiting: Iterable[Asked], error: BaseException) -> None:
    failure = Failure.of(error)
    for each in waiting:
        each.fail(failure)
